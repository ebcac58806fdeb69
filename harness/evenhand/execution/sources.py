"""Data sets and networks, tried before anything trains on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evenhand.data.images import Source
from evenhand.data.splits import load_source, prepare
from evenhand.declared.base import Part, canonical
from evenhand.declared.labels import Labels
from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Trial, Val
from evenhand.errors import Mistake, Mistakes, SpecError
from evenhand.suite.requirements import Known, Learners, check_learners


def source_key(dataset: Part) -> str:
    """One text for one data set."""
    return canonical(dataset)


def load_sources(problems: list[Problem], seed: int) -> dict[str, Source]:
    """Every data set once, each problem tried on it.

    Raises `DataError` for what is not on disk, not whole, or too small for its problem.
    """
    sources: dict[str, Source] = {}
    for problem in problems:
        key = source_key(problem.dataset)
        if key not in sources:
            sources[key] = load_source(problem)
        prepare(problem, sources[key], seed=seed, vary=())
    return sources


def check_fits(
    trials: Sequence[Trial], sources: Mapping[str, Source], *, selects: bool = False
) -> None:
    """What only the data can say of what trials ask of them.

    selects: the suite chooses settings on validation data. Raises `SpecError` where methods ask for
    held-out images, labels, channels or pixels that there are not.
    """
    mistakes = Mistakes()
    for trial in trials:
        source = sources.get(source_key(trial.problem.dataset))
        if source is None:
            continue
        _check_learners(trial, source, mistakes, selects=selects)
        _check_pixels(trial, source, mistakes)
    if found := list(dict.fromkeys(mistakes.found)):
        raise SpecError(found)


def _check_learners(trial: Trial, source: Source, mistakes: Mistakes, *, selects: bool) -> None:
    problem = trial.problem
    has_validation = problem.val != Val() or source.val is not None
    labels = Labels(source.classes, len(source.classes), len(source.groups))
    teacher = trial.teacher.method if trial.teacher else None
    inner = Mistakes()
    check_learners(
        Learners(trial.method, teacher, trial.posthoc),
        Known(problem.name, labels, has_validation),
        inner,
    )
    place = f"{trial.method} on {problem.name}"
    mistakes.found += [replace(m, what=f"{place}: {m.what}", where=()) for m in inner.found]
    if selects and not has_validation:
        what = f"select chooses on validation data, and {problem.name} has none"
        mistakes.found.append(Mistake(what, (), "add e.g. `val: {per_class: 20}`"))


def _check_pixels(trial: Trial, source: Source, mistakes: Mistakes) -> None:
    """Features have as many channels as there are features, and none of them is a picture."""
    recipe, name = trial.recipe, trial.problem.name
    channels = source.train.shape[-1]
    for field, given in (("mean", recipe.mean), ("std", recipe.std)):
        if given is not None and len(given) not in (1, channels):
            what = f"{field} holds {len(given)} numbers; {name} has {channels:,} channels"
            mistakes.found.append(Mistake(what, (), f"write 1 or {channels}, or leave it out"))
    if source.train.pixels.dtype == np.uint8:
        return
    method: Method = REGISTRY.make("method", trial.method)
    changing = [part.name for part in recipe.augment]
    changing += ["a policy"] if any(stage.policy for stage in method.stages) else []
    if changing:
        what = f"{trial.method} on {name}: {', '.join(changing)} would augment features"
        right = "only images are augmented: `augment: []` in the recipe, or a method without"
        mistakes.found.append(Mistake(what, (), right))


def check_networks(trials: Sequence[Trial], sources: Mapping[str, Source]) -> None:
    """Build every network once that the trials name, for the images that they name.

    Raises `BackboneError` for one that timm does not have or that does not take the images. A
    backbone registered with `fits="any"` needs no trying, which saves importing torch.
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
        _, side, _, channels = source.train.pixels.shape
        n_classes = len(source.classes)
        build(backbone, n_classes=n_classes, head="linear", in_channels=channels, image_size=side)
