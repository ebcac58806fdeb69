"""The lineage of a trial's predictions: method, teacher, post-hoc method and parent trial."""

from __future__ import annotations

from evenhand.declared.notation import titled
from evenhand.declared.trial import Trial


def teacher(trial: Trial) -> str:
    """`erm (temperature=2, epochs=400)`; "" without a teacher.

    A field of the recipe is listed only where it differs from the student's.
    """
    if trial.teacher is None:
        return ""
    recipe = trial.teacher.recipe or trial.recipe
    fields = {k: v for k, v in recipe if k != "name" and v != getattr(trial.recipe, k)}
    values = {"temperature": trial.teacher.temperature, **fields}
    return titled(str(trial.teacher.method), values)


def posthoc(trial: Trial) -> str:
    """`post_shift(step=3)`; "" without a post-hoc method."""
    return str(trial.posthoc) if trial.posthoc else ""


def teacher_and_posthoc(trial: Trial) -> str:
    """`distilled from erm (temperature=1), then post_shift(step=3)`; "" for a method alone."""
    taught = f"distilled from {teacher(trial)}" if trial.teacher else ""
    mapped = f"then {posthoc(trial)}" if trial.posthoc else ""
    return ", ".join(filter(None, (taught, mapped)))


def full_method(trial: Trial) -> str:
    """Method, teacher and post-hoc method: `la(tau=1), distilled from erm (temperature=1)`."""
    return ", ".join(filter(None, (str(trial.method), teacher_and_posthoc(trial))))


def parent_role(trial: Trial) -> str:
    """`the teacher`, or `the network` for a post-hoc method; "" for a trial without a parent."""
    if trial.parent is None:
        return ""
    return "the network" if trial.posthoc else "the teacher"
