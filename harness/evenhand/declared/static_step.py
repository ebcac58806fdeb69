"""Trials whose training step is static: free of data-dependent control flow and global state."""

from __future__ import annotations

from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial


def is_static(trial: Trial) -> bool:
    """Whether a trial's parts have no data-dependent control flow and no global random generator.

    A step can only then be captured as a CUDA graph, and trials can only then share a process. The
    fact `static` states this for networks and augmentations of this package. Methods, optimisers
    and mixings of a plugin may do either, and networks of timm may have dropout, so that they count
    as not static.
    """
    recipe = trial.recipe
    parts = [("backbone", recipe.backbone), *(("augmentation", p) for p in recipe.augment)]
    ours = all(REGISTRY.get(kind, part.name).facts.get("static", False) for kind, part in parts)
    others = (trial.method, recipe.optimizer, recipe.mixing)
    return ours and all(part is None or part.code is None for part in others)
