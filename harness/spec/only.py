"""`--only method=vs,problem=cifar10*,seed=0..2`: a part of a suite, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.errors import Mistake, SpecError, suggest
from harness.spec.base import plain
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
        for term in text.split(","):
            key, equals, value = term.partition("=")
            if not (key.strip() and equals and value.strip()):
                right = "write e.g. `--only method=vs,problem=cifar10*,seed=0..2`"
                raise SpecError([Mistake(f"--only {text}: {term!r} is not key=value", (), right)])
            conditions.append((key.strip(), value.strip()))
        return cls(tuple(conditions))

    def holds(self, cell: Cell, trial: Trial) -> bool:
        values = {
            "method": {cell.method.name, cell.row},
            "problem": {cell.problem.name, cell.problem.dataset.name},
            "seed": {str(trial.seed)},
            "recipe": {cell.recipe.name},
        }
        values |= {k: {plain(v)} for k, v in cell.method.settings.items()}
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
    cells = [
        replace(cell, trials=tuple(t for t in cell.trials if any(o.holds(cell, t) for o in wanted)))
        for cell in resolved.cells
    ]
    kept = tuple(cell for cell in cells if cell.trials)
    if not kept:
        there_is = f"methods: {', '.join(resolved.rows)}; problems: {', '.join(resolved.problems)}"
        raise SpecError([Mistake(f"--only {' '.join(filters)}: no trial is left", (), there_is)])
    return replace(resolved, cells=kept)


def _matches(pattern: str, value: str) -> bool:
    low, dots, high = pattern.partition("..")
    if dots:
        try:
            return float(low or "-inf") <= float(value) <= float(high or "inf")
        except ValueError:
            return False
    return fnmatchcase(value, pattern)
