"""`--only method=vs,problem=cifar10*,seed=0..2`: a part of a suite, by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.errors import Mistake, SpecError, suggest
from harness.spec.base import plain
from harness.spec.registry import REGISTRY
from harness.spec.resolve import Cell, Resolved
from harness.spec.trial import Trial

KEYS = ("method", "problem", "seed", "recipe")


@dataclass(frozen=True)
class Only:
    """Conditions that must all hold; several values of one key are alternatives.

    A value is a glob (`cifar10*`), or a range with both ends in it (`0..2`). Beside the keys above
    any setting of a method may be named: `tau=1..1.5`.
    """

    conditions: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Only:
        """Raises `SpecError` for what is not `key=value,…`."""
        conditions = []
        for term in re.split(r",(?![^(]*\))", text):
            key, equals, value = term.partition("=")
            if not (key.strip() and equals and value.strip()):
                right = "write e.g. `--only method=vs,problem=cifar10*,seed=0..2`"
                raise SpecError([Mistake(f"--only {text}: {term!r} is not key=value", (), right)])
            conditions.append((key.strip(), value.strip()))
        return cls(tuple(conditions))

    def holds(self, cell: Cell, trial: Trial) -> bool:
        values = _values(cell, trial)
        wanted: dict[str, list[str]] = {}
        for key, pattern in self.conditions:
            wanted.setdefault(key, []).append(pattern)
        return all(
            any(_matches(pattern, value) for pattern in patterns for value in values.get(key, ()))
            for key, patterns in wanted.items()
        )


def restrict(resolved: Resolved, filters: Sequence[str]) -> Resolved:
    """The part of a suite that any of the filters keeps; all of it where there are none.

    Raises `SpecError` for a key that nothing has, and where nothing is left.
    """
    if not filters:
        return resolved
    wanted = [Only.parse(text) for text in filters]
    known = [*KEYS, *sorted({k for cell in resolved.cells for k in cell.method.settings})]
    for key, _ in [condition for only in wanted for condition in only.conditions]:
        if key not in known:
            said = suggest(key, known, "key")
            what = f"--only: trials have no {key!r}"
            raise SpecError([Mistake(what, (), said.right, said.hint)])
    _check_values(resolved, wanted)
    cells = [
        replace(cell, trials=tuple(t for t in cell.trials if any(o.holds(cell, t) for o in wanted)))
        for cell in resolved.cells
    ]
    kept = tuple(cell for cell in cells if cell.trials)
    if not kept:
        what = f"--only {' --only '.join(filters)}: no trial has all of this"
        raise SpecError([Mistake(what, (), "alternatives are written `seed=0,seed=2`")])
    return replace(resolved, cells=kept)


def _values(cell: Cell, trial: Trial) -> dict[str, set[str]]:
    """What a trial goes by under each key."""
    aliases = REGISTRY.get("method", cell.method.name).aliases
    values = {
        "method": {cell.method.name, cell.row, *aliases},
        "problem": {cell.problem.name, cell.problem.dataset.name},
        "seed": {str(trial.seed)},
        "recipe": {cell.recipe.name},
    }
    return {k: {plain(v)} for k, v in cell.method.settings.items()} | values


def _check_values(resolved: Resolved, wanted: Sequence[Only]) -> None:
    """Raises `SpecError` for a condition that no trial meets, with what there is."""
    known: dict[str, set[str]] = {}
    for cell in resolved.cells:
        for trial in cell.trials:
            for key, values in _values(cell, trial).items():
                known.setdefault(key, set()).update(values)
    mistakes = []
    for key, pattern in [condition for only in wanted for condition in only.conditions]:
        if not any(_matches(pattern, value) for value in known[key]):
            said = suggest(pattern, sorted(known[key], key=_by_size), key)
            mistakes.append(Mistake(f"--only {key}={pattern}: no trial has it", (), *said))
    if mistakes:
        raise SpecError(mistakes)


def _by_size(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return 0.0, value


def _matches(pattern: str, value: str) -> bool:
    low, dots, high = pattern.partition("..")
    if dots:
        try:
            return float(low or "-inf") <= float(value) <= float(high or "inf")
        except ValueError:
            return False
    return fnmatchcase(value, pattern)
