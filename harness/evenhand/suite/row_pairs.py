"""Pairs of rows by their names: the sides of `contrasts: [vs - la]` and of `--until-separated`.

A name is one that `baseline:` takes: a method, a row, or an entry. Where a name stands for several
rows, which differ in the recipe, rows under the same recipe are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple
from unicodedata import normalize

from evenhand.declared.base import canonical
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.suite.baseline import NamedRow, alike_rows, meanings, named_rows
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.entries import pipeline_of
from evenhand.suite.rows import Row

MINUS = " - "
HOW = "write the names of two rows with ` - ` between them: `contrasts: [vs - la]`"


class RowPair(NamedTuple):
    """Two rows of a problem, in the order of a difference."""

    first: str
    """Name of the row from which the other one is subtracted."""
    second: str
    """Name of the other row."""


class Sides(NamedTuple):
    """The two names of a comparison, as they were given."""

    first: str
    second: str


class RowNames:
    """The names of a suite's rows, by which pairs are found."""

    def __init__(
        self, suite: SuiteDeclaration, rows: Sequence[Row], problems: Sequence[str]
    ) -> None:
        self.suite, self.rows, self.problems = suite, rows, problems

    def sides(self, contrast: str) -> Sides:
        """The two names of `vs - la`. Raises `SpecError` for a text that has not exactly two.

        A name may contain ` - ` itself: the names are those at which both sides are known.
        """
        words = " ".join(normalize("NFC", contrast).split()).split(MINUS)
        ways = [Sides(MINUS.join(words[:i]), MINUS.join(words[i:])) for i in range(1, len(words))]
        known = [sides for sides in ways if all(any(self._meanings(name)) for name in sides)]
        if known[1:]:
            readings = " or ".join(f"{first!r} and {second!r}" for first, second in known)
            what = f"names {readings}"
            raise SpecError([Mistake(what, (), "give one of the rows another name: `as: …`")])
        if not ways:
            raise SpecError([Mistake("does not name two rows", (), HOW)])
        return (known or ways)[0]

    def pairs(self, sides: Sides) -> dict[str, tuple[RowPair, ...]]:
        """The pairs by name of the problem, on the problems that have one.

        Raises `SpecError` for a name of no row or of several under one recipe, and where no problem
        has a pair.
        """
        for a, b in product(*map(self._clear, sides)):
            # `VS, SAM - vs` compares a row with the others of its method.
            one, other = _without(a, b), _without(b, a)
            found = {problem: _pairs_on(problem, one, other) for problem in self.problems}
            paired = {problem: pairs for problem, pairs in found.items() if pairs}
            if paired:
                return paired
        raise SpecError([self._mistake(sides)])

    def _meanings(self, name: str) -> list[list[NamedRow]]:
        return meanings(self.suite, self.rows, name)

    def _clear(self, name: str) -> list[list[NamedRow]]:
        """The meanings of a name with at most one row under each recipe."""
        return [meaning for meaning in self._meanings(name) if meaning and not alike_rows(meaning)]

    def _mistake(self, sides: Sides) -> Mistake:
        """The reason why two names make no pair."""
        for name in sides:
            found = self._meanings(name)
            if not any(found):
                return self._unknown(name)
            if not self._clear(name):
                alike = alike_rows(next(filter(None, found)))
                what = f"{name!r} stands for {len(alike)} rows under one recipe"
                return Mistake(what, (), f"name one of them: {', '.join(alike)}")
        first, second = ({each.name for each in self._clear(name)[0]} for name in sides)
        if first & second:
            return Mistake("compares a row with itself", (), HOW)
        what = f"{sides.first!r} and {sides.second!r} have no recipe in common on any problem"
        named = ", ".join([*sorted(first), *sorted(second)])
        return Mistake(what, (), f"name one row on each side, of {named}")

    def _unknown(self, name: str) -> Mistake:
        pipelines = [pipeline for entry in self.suite.methods if (pipeline := pipeline_of(entry))]
        known = list(dict.fromkeys([*pipelines, *(row.name for row in self.rows)]))
        titles = [x for each in named_rows(self.suite, self.rows) for x in (each.name, each.title)]
        hint = suggest(name, [*titles, *known]).hint
        what = f"{name!r} is not among the suite's methods and rows"
        return Mistake(what, (), f"they are: {', '.join(known)}", hint)


def _without(rows: Sequence[NamedRow], other: Sequence[NamedRow]) -> list[NamedRow]:
    """The rows without those of a side that names fewer of them, or the same ones."""
    names, others = {each.name for each in rows}, {each.name for each in other}
    return [each for each in rows if not (others <= names and each.name in others)]


def _pairs_on(
    problem: str, one: Sequence[NamedRow], other: Sequence[NamedRow]
) -> tuple[RowPair, ...]:
    """The pairs on a problem: of two single rows, else of the rows with the same recipes."""
    first, second = _recipes(problem, one), _recipes(problem, other)
    if len(first) == len(second) == 1:
        return (RowPair(*first, *second),)
    return tuple(RowPair(a, b) for a, b in product(first, second) if first[a] == second[b])


def _recipes(problem: str, rows: Sequence[NamedRow]) -> Mapping[str, set[str]]:
    """The recipes of each row on a problem; several where settings compete under `select:`."""
    found: dict[str, set[str]] = {}
    for each in rows:
        if problem in each.row.problems:
            found.setdefault(each.name, set()).add(canonical(each.variant.recipe))
    return found
