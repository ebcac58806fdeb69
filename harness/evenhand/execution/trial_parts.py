"""Registered parts that a trial is made of."""

from __future__ import annotations

from evenhand.declared.base import Part
from evenhand.declared.trial import Trial


def parts_of(trial: Trial) -> list[tuple[str, Part]]:
    """Kind and part of everything that a trial and its parent are made of."""
    found = [("dataset", trial.problem.dataset), ("profile", trial.problem.profile)]
    found += [("backbone", trial.recipe.backbone), ("schedule", trial.recipe.schedule)]
    found += [("augmentation", part) for part in trial.recipe.augment]
    optional = {"optimizer": trial.recipe.optimizer, "mixing": trial.recipe.mixing}
    found += [(kind, part) for kind, part in optional.items() if part]
    found += [("method", trial.method), ("metric", Part(name=trial.recipe.best_by))]
    found += [("posthoc", trial.posthoc)] if trial.posthoc else []
    return found + (parts_of(trial.parent) if trial.parent else [])
