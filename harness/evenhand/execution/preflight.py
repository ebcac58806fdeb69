"""Checks of data sets and networks before any trial trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from evenhand.data.images import Source
from evenhand.data.splits import load_source, make_splits
from evenhand.declared.base import Part, canonical
from evenhand.declared.labels import Labels
from evenhand.declared.method import Method
from evenhand.declared.record import DataSummary
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Stream, Trial, Val
from evenhand.errors import Mistake, Mistakes, SpecError
from evenhand.suite.requirements import Pipeline, ProblemFacts, check_pipeline

FOLD: tuple[Stream, ...] = ("split",)
"""The stream that follows the seed where data are checked: it chooses the fold."""


def source_key(dataset: Part) -> str:
    """Key of a data set: its name and settings as canonical JSON."""
    return canonical(dataset)


class LoadedData(NamedTuple):
    """Data sets in memory, and summaries of the problems on them."""

    sources: dict[str, Source]
    """Data sets by `source_key`."""
    summaries: dict[str, DataSummary]
    """Data of each problem at the first seed, by the name of the problem."""


def load_data(problems: Iterable[Problem], seeds: Sequence[int]) -> LoadedData:
    """Load every data set once, and make the splits of each problem.

    The splits of a problem have the same sizes at every seed, so that they are made at the first
    one; those of a cross-validation are made at every seed. Raises `DataError` for a data set that
    is not on disk, not whole, or too small for its problem.
    """
    loaded = LoadedData({}, {})
    for problem in problems:
        key = source_key(problem.dataset)
        if key not in loaded.sources:
            loaded.sources[key] = load_source(problem)
        source = loaded.sources[key]
        for seed in seeds if source.folds else seeds[:1]:
            made = make_splits(problem, source, seed=seed, vary=FOLD)
            loaded.summaries.setdefault(problem.name, made.summary)
    return loaded


def check_data(
    trials: Sequence[Trial], sources: Mapping[str, Source], *, selects: bool = False
) -> None:
    """Check the requirements of trials that depend on the loaded data.

    selects: the suite chooses settings on validation data. Raises `SpecError` where a method needs
    validation data, labels, channels or images that the data do not have.
    """
    mistakes = Mistakes()
    for trial in trials:
        source = sources.get(source_key(trial.problem.dataset))
        if source is None:
            continue
        _check_pipeline(trial, source, mistakes, selects=selects)
        _check_pixels(trial, source, mistakes)
    if found := list(dict.fromkeys(mistakes.found)):
        raise SpecError(found)


def _check_pipeline(trial: Trial, source: Source, mistakes: Mistakes, *, selects: bool) -> None:
    problem = trial.problem
    has_validation = problem.val != Val() or source.val is not None
    labels = Labels(source.classes, len(source.classes), len(source.groups))
    teacher = trial.teacher.method if trial.teacher else None
    inner = Mistakes()
    check_pipeline(
        Pipeline(trial.method, teacher, trial.posthoc),
        ProblemFacts(problem.name, labels, has_validation),
        inner,
    )
    place = f"{trial.method} on {problem.name}"
    mistakes.found += [replace(m, what=f"{place}: {m.what}", where=()) for m in inner.found]
    if selects and not has_validation:
        what = f"select needs validation data, and {problem.name} has none"
        mistakes.found.append(Mistake(what, (), "add for example `val: {per_class: 20}`"))


def _check_pixels(trial: Trial, source: Source, mistakes: Mistakes) -> None:
    """Check the number of channels, and that features are not augmented."""
    recipe, name = trial.recipe, trial.problem.name
    channels = source.shape[-1]
    for field, given in (("mean", recipe.mean), ("std", recipe.std)):
        if given is not None and len(given) not in (1, channels):
            what = f"{field} has {len(given)} values; {name} has {channels:,} channels"
            right = f"write 1 or {channels} values, or leave {field} out"
            mistakes.found.append(Mistake(what, (), right))
    if source.train.pixels.dtype == np.uint8:
        return
    method: Method = REGISTRY.make("method", trial.method)
    changing = [part.name for part in recipe.augment]
    changing += ["a policy"] if any(stage.policy for stage in method.stages) else []
    if changing:
        what = f"{trial.method} on {name}: {', '.join(changing)} cannot augment features"
        right = "write `augment: []` in the recipe, or use a method that learns no policy"
        mistakes.found.append(Mistake(what, (), right))


def check_networks(trials: Sequence[Trial], sources: Mapping[str, Source]) -> None:
    """Build every network of the trials once, for the images of its problem.

    Raises `BackboneError` for a model that timm does not have or that cannot take the images. A
    backbone registered with `fits="any"` is not built, which saves importing torch.
    """
    seen: set[str] = set()
    for trial in trials:
        backbone, problem = trial.recipe.backbone, trial.problem
        if REGISTRY.get("backbone", backbone.name).facts.get("fits") == "any":
            continue
        place = canonical([backbone.model_dump(), source_key(problem.dataset)])
        if place in seen:
            continue
        seen.add(place)
        from evenhand.backbones.networks.build import build

        source = sources.get(source_key(problem.dataset)) or load_source(problem)
        side, _, channels = source.shape
        n_classes = len(source.classes)
        build(backbone, n_classes=n_classes, head="linear", in_channels=channels, image_size=side)
