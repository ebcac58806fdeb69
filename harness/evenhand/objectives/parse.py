"""The text form of an objective: a goal, and one line for each constraint.

    maximize: mean_recall
    subject_to: ["recall[truck] >= 0.6", "coverage[*] >= 0.95/m", "equalized_odds <= 0.05"]

    line    rate [classes] sense bound        classes  names with commas, *, head or tail
    bound   0.6, 0.95/m or 0.95*prior         sense    >= or <=

`*` and names give each class a bound of its own; head and tail give one bound on the mean over
their classes. A goal can have classes as well: `mean_recall[tail]`, `micro_f1[truck, ship]`. A
number is the index of a class if no class has this name: `recall[3]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, cast

from evenhand.errors import Mistake, Mistakes, SpecError
from evenhand.objectives.constraints import LinearConstraint, Sense, Unit
from evenhand.objectives.objective import Objective
from evenhand.objectives.training_set import ClassSubset, index_of

TERM = r"\s*(?P<name>\w+)\s*(?:\[(?P<classes>[^\]]*)\])?\s*"
BOUND = r"(?P<bound>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(?P<unit>/\s*m|\*\s*prior)?\s*"
GOAL, LINE = re.compile(TERM), re.compile(TERM + r"(?P<sense>>=|<=)\s*" + BOUND, re.IGNORECASE)


def parse(
    maximize: str, subject_to: Sequence[str], classes: Sequence[str] | None = None
) -> Objective:
    """The objective of a goal and lines of constraints.

    classes  names of the data set's classes, in order; None if they are not known yet, in which
             case `bind` checks the names

    Raises `SpecError` with every mistake, its place and the alternatives.

    >>> parse("mean_recall", ["recall[truck] >= 0.6"], ["car", "truck"]).subject_to[0].classes
    ('truck',)
    """
    mistakes = Mistakes()
    goal = mistakes.catch(("maximize",), _goal, maximize, classes)
    lines = [
        mistakes.catch(("subject_to", i), _constraint, line, classes)
        for i, line in enumerate(subject_to)
    ]
    if mistakes.found:
        places = [".".join(map(str, mistake.where)) for mistake in mistakes.found]
        raise SpecError(mistakes.found, places)
    assert goal is not None
    return Objective(goal.maximize, tuple(c for c in lines if c is not None), goal.classes)


def _goal(text: str, names: Sequence[str] | None) -> Objective:
    found = GOAL.fullmatch(text)
    if found is None:
        right = "write a goal, with classes if it is not over all: mean_recall[tail]"
        raise SpecError([Mistake(f"{text!r} is not a goal", (), right)])
    return Objective(found["name"], (), _classes(found["classes"], names))


def _constraint(text: str, names: Sequence[str] | None) -> LinearConstraint:
    found = LINE.fullmatch(text)
    if found is None:
        right = "write rate[classes] >= bound: recall[truck] >= 0.6, coverage[*] >= 0.95/m"
        raise SpecError([Mistake(f"{text!r} is not a constraint", (), right)])
    unit: Unit = "one"
    if found["unit"]:
        unit = "1/m" if found["unit"].startswith("/") else "prior"
    return LinearConstraint(
        found["name"],
        _classes(found["classes"], names),
        cast("Sense", found["sense"]),
        float(found["bound"]),
        unit,
    )


def _classes(text: str | None, known: Sequence[str] | None) -> ClassSubset:
    """The subset of classes in brackets; head and tail are never names of classes."""
    text = "*" if text is None else text.strip()
    if text in ("*", "head", "tail"):
        return cast("Literal['*', 'head', 'tail']", text)
    wanted, mistakes = tuple(name.strip() for name in text.split(",")), Mistakes()
    if known is not None:
        for name in wanted:
            mistakes.catch((), index_of, name, known)
    if mistakes.found:
        raise SpecError(mistakes.found)
    return wanted
