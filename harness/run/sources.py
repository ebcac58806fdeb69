"""Data sets and networks, tried before anything trains on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.data.images import Source
from harness.data.splits import load_source, prepare
from harness.spec.base import Part, canonical
from harness.spec.registry import REGISTRY
from harness.spec.trial import Problem, Trial


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
        from harness.backbones.networks.build import build

        source = sources.get(source_key(problem.dataset)) or load_source(problem)
        _, side, _, channels = source.train.pixels.shape
        n_classes = len(source.classes)
        build(backbone, n_classes=n_classes, head="linear", in_channels=channels, image_size=side)
