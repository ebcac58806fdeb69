"""Which trials do the same at every step, and leave the rest of their process alone."""

from __future__ import annotations

from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial


def is_static(trial: Trial) -> bool:
    """Whether a trial's parts neither look at their numbers nor draw from a global generator.

    Only then can a step become a CUDA graph, and only then can trials share a process. Of networks,
    augmentations and methods we know our own: those of a plugin may do either, and timm's may drop
    out.
    """
    recipe = trial.recipe
    parts = [("backbone", recipe.backbone), *(("augmentation", p) for p in recipe.augment)]
    ours = all(REGISTRY.get(kind, part.name).facts.get("static", False) for kind, part in parts)
    return ours and trial.method.code is None
