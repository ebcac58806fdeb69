"""What a trial's predictions come from: its method, a teacher, a post-hoc map, and their trials."""

from __future__ import annotations

from evenhand.declared.notation import in_print
from evenhand.declared.trial import Trial


def teacher(trial: Trial) -> str:
    """`erm (temperature=2, epochs=400)`: fields of the recipe where they are not the student's."""
    if trial.teacher is None:
        return ""
    given = trial.teacher.recipe or trial.recipe
    fields = {k: v for k, v in given if k != "name" and v != getattr(trial.recipe, k)}
    values = {"temperature": trial.teacher.temperature, **fields}
    return in_print(str(trial.teacher.method), values)


def posthoc(trial: Trial) -> str:
    return str(trial.posthoc) if trial.posthoc else ""


def beside(trial: Trial) -> str:
    """`taught by erm (temperature=1), then post_shift(step=3)`; "" for a method alone."""
    taught = f"taught by {teacher(trial)}" if trial.teacher else ""
    mapped = f"then {posthoc(trial)}" if trial.posthoc else ""
    return ", ".join(filter(None, (taught, mapped)))


def whole(trial: Trial) -> str:
    """`la(tau=1), taught by erm (temperature=1)`: the method and all that goes with it."""
    return ", ".join(filter(None, (str(trial.method), beside(trial))))


def read(trial: Trial) -> str:
    """Whose trial the parent's is: `the teacher`, `the network`; "" where there is none."""
    if trial.parent is None:
        return ""
    return "the network" if trial.posthoc else "the teacher"
