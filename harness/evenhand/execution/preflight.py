"""Checks of data sets and networks before any trial trains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from evenhand.data.files.fetching import weights_root
from evenhand.data.images import Source
from evenhand.data.splits import load_source, make_splits
from evenhand.declared.base import Part, canonical
from evenhand.declared.labels import Labels
from evenhand.declared.method import Method
from evenhand.declared.record import DataSummary
from evenhand.declared.registry import REGISTRY
from evenhand.declared.split_counts import val_advice
from evenhand.declared.trial import STREAMS, Problem, Stream, Trial, Val
from evenhand.errors import BackboneError, Mistake, Mistakes, SpecError, listed
from evenhand.suite.group_metrics import check_group_metrics
from evenhand.suite.requirements import Pipeline, ProblemFacts, check_pipeline, declared_facts
from evenhand.suite.resolve import Suite

MOST_ROWS = 3
"""Largest number of rows that a message names."""


def source_key(dataset: Part) -> str:
    """Key of a data set: its name and settings as canonical JSON."""
    return canonical(dataset)


class LoadedData(NamedTuple):
    """Data sets in memory, and summaries of the problems on them."""

    sources: dict[str, Source]
    """Data sets by `source_key`."""
    summaries: dict[str, DataSummary]
    """Data of each problem at the first seed, by the name of the problem."""


def load_data(
    problems: Iterable[Problem], seeds: Sequence[int], vary: Collection[Stream] = STREAMS
) -> LoadedData:
    """Load every data set once, and make the splits of each problem.

    The splits of a problem have the same sizes at every seed, so that they are made at the first
    one. They are made at every seed for a cross-validation, and for columns that are encoded by
    what the training split has. Raises `DataError` for a data set that is not on disk, not whole,
    or too small for its problem.
    """
    loaded = LoadedData({}, {})
    for problem in problems:
        key = source_key(problem.dataset)
        if key not in loaded.sources:
            loaded.sources[key] = load_source(problem)
        source = loaded.sources[key]
        for seed in seeds if source.folds or source.encoder else seeds[:1]:
            made = make_splits(problem, source, seed=seed, vary=vary)
            loaded.summaries.setdefault(problem.name, made.summary)
    return loaded


def seeds_of(trials: Iterable[Trial]) -> list[int]:
    """Seeds of trials, each once, in the order of the trials."""
    return list(dict.fromkeys(trial.seed for trial in trials))


def check_data(suite: Suite, trials: Sequence[Trial], sources: Mapping[str, Source]) -> None:
    """Check the requirements of a suite and of its trials that depend on the loaded data.

    Raises `SpecError` where a method needs validation data, labels, channels or images that the
    data do not have, and where a metric of groups has no groups.
    """
    mistakes, rows = Mistakes(), rows_of(suite)
    _check_groups(suite, sources, mistakes)
    for trial in trials:
        source = sources.get(source_key(trial.problem.dataset))
        if source is None:
            continue
        inner = Mistakes()
        _check_pipeline(trial, source, inner)
        _check_augmentation(trial, source, inner)
        place = f"{rows.get(trial.key, trial.method)} on {trial.problem.name}"
        mistakes.found += [replace(m, what=f"{place}: {m.what}", where=()) for m in inner.found]
        _check_channels(trial, source, mistakes)
        if suite.declaration.select and not _has_validation(trial.problem, source):
            what = f"select needs validation data, and {trial.problem.name} has none"
            right = val_advice(trial.problem, source.counts())
            mistakes.found.append(Mistake(what, (), right))
    if found := list(dict.fromkeys(mistakes.found)):
        raise SpecError(found)


def rows_of(suite: Suite) -> dict[str, str]:
    """The rows that each trial of a suite belongs to, as text, by the trial's key."""
    rows: dict[str, dict[str, None]] = {}
    for configuration in suite.configurations:
        for trial in configuration.trials:
            rows.setdefault(trial.key, {})[configuration.row] = None
    return {key: " and ".join(names) for key, names in rows.items()}


def _check_groups(suite: Suite, sources: Mapping[str, Source], mistakes: Mistakes) -> None:
    problems = {c.problem.name: c.problem for c in (suite.whole or suite).configurations}
    n_groups = {}
    for name, problem in problems.items():
        source, labels = sources.get(source_key(problem.dataset)), declared_facts(problem).labels
        known = labels.n_groups if labels else None
        n_groups[name] = len(source.groups) if source else known
    check_group_metrics(suite.declaration, n_groups, mistakes)


def _has_validation(problem: Problem, source: Source) -> bool:
    return problem.val != Val() or source.val is not None


def _check_pipeline(trial: Trial, source: Source, mistakes: Mistakes) -> None:
    labels = Labels(source.classes, len(source.classes), len(source.groups))
    is_there = _has_validation(trial.problem, source)
    how_val = "" if is_there else val_advice(trial.problem, source.counts())
    facts = ProblemFacts(trial.problem.name, labels, is_there, how_val)
    teacher = trial.teacher.method if trial.teacher else None
    who = Pipeline(trial.method, teacher, trial.posthoc, train_on=trial.recipe.train_on)
    check_pipeline(who, facts, mistakes)


def _check_channels(trial: Trial, source: Source, mistakes: Mistakes) -> None:
    """Check that `mean` and `std` have one number for each channel, or one for all."""
    recipe, channels = trial.recipe, source.shape[-1]
    for field, given in (("mean", recipe.mean), ("std", recipe.std)):
        if given is not None and len(given) not in (1, channels):
            name = trial.problem.name
            what = f"{field} has {len(given)} values; {name} has {channels:,} channels"
            right = f"write 1 or {channels} values, or leave {field} out"
            mistakes.found.append(Mistake(what, (), right))


def _check_augmentation(trial: Trial, source: Source, mistakes: Mistakes) -> None:
    """Check that features are not augmented."""
    if source.train.pixels.dtype == np.uint8:
        return
    method: Method = REGISTRY.make("method", trial.method)
    changing = [part.name for part in trial.recipe.augment]
    changing += ["a policy"] if any(stage.policy for stage in method.stages) else []
    if changing:
        what = f"{', '.join(changing)} cannot augment features"
        right = "write `augment: []` in the recipe, or use a method that learns no policy"
        mistakes.found.append(Mistake(what, (), right))


def check_networks(
    suite: Suite, trials: Sequence[Trial], sources: Mapping[str, Source], *, is_run: bool = True
) -> None:
    """Build every network of the trials once, for the images of its problem.

    is_run: data sets that are not among the sources are loaded; else the shape that a data set
    states is used, and a network is not built where there is none.

    Raises `BackboneError` for a model that timm does not have or that cannot take the images. A
    backbone registered with `fits="any"` is not built, which saves importing torch.
    """
    rows = rows_of(suite)
    of_network: dict[str, dict[str, Trial]] = {}
    for trial in trials:
        backbone, dataset = trial.recipe.backbone, trial.problem.dataset
        if REGISTRY.get("backbone", backbone.name).facts.get("fits") == "any":
            continue
        network = canonical([backbone.model_dump(), source_key(dataset)])
        row = rows.get(trial.key, str(trial.method))
        of_network.setdefault(network, {}).setdefault(row, trial)
    for alike in of_network.values():
        trial = next(iter(alike.values()))
        problem = trial.problem
        source = sources.get(source_key(problem.dataset))
        stated = None if is_run or source else _stated(problem)
        if stated is None and source is None and not is_run:
            continue
        try:
            given = stated or input_of(source or load_source(problem))
            build_network(trial.recipe.backbone, given)
        except BackboneError as error:
            raise BackboneError(
                f"{listed([*alike], MOST_ROWS)} on {problem.name}: {error}"
            ) from error


class NetworkInput(NamedTuple):
    """What a network is made for."""

    n_classes: int
    channels: int
    side: int
    """Height and width of an image."""


def input_of(source: Source) -> NetworkInput:
    """The input of a network for the images of a data set."""
    side, _, channels = source.shape
    return NetworkInput(len(source.classes), channels, side)


def _stated(problem: Problem) -> NetworkInput | None:
    """The input that a data set states without its files; None where it does not."""
    facts = REGISTRY.get("dataset", problem.dataset.name).facts
    if "shape" not in facts or "n_classes" not in facts:
        return None
    side, _, channels = facts["shape"]
    return NetworkInput(facts["n_classes"], channels, side)


def build_network(backbone: Part, given: NetworkInput) -> None:
    """Build a network; one of the user's own twice, because every trial needs a new one.

    Raises `BackboneError` where it cannot be built.
    """
    from evenhand.backbones.networks.build import build

    for _ in range(1 if REGISTRY.get("backbone", backbone.name).is_shipped else 2):
        build(
            backbone,
            n_classes=given.n_classes,
            head="linear",
            in_channels=given.channels,
            image_size=given.side,
            root_of=weights_root,
        )
