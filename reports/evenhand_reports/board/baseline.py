"""What each row is compared with: the suite's baseline, under the row's own recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evenhand.declared.base import canonical
from evenhand.declared.registry import REGISTRY
from evenhand.suite.declaration import SuiteDeclaration
from evenhand_reports.board.results import Standing


def is_baseline(suite: SuiteDeclaration, standing: Standing) -> bool:
    return standing.configuration.pipeline == suite.baseline


def baseline_of(
    suite: SuiteDeclaration, problem: Sequence[Standing], standing: Standing
) -> Standing | None:
    """The row that another of the same problem is compared with, complete or not.

    Where several rows are the baseline, it is the one under the same recipe. None for a baseline
    itself, and where there is none to choose.
    """
    if is_baseline(suite, standing):
        return None
    found = [s for s in problem if is_baseline(suite, s)]
    like = [s for s in found if s.configuration.recipe == standing.configuration.recipe]
    return next((few[0] for few in (found, like) if len(few) == 1), None)


def baseline_rows(suite: SuiteDeclaration, standings: Iterable[Standing]) -> dict[str, str]:
    """Titles by row of the rows that are the baseline."""
    return {s.row: s.title for s in standings if is_baseline(suite, s)}


def title_of(suite: SuiteDeclaration, rows: dict[str, str]) -> str:
    """The title of the row that is the baseline; the method's own where several are, or none."""
    titles = list(rows.values())
    if len(titles) == 1:
        return titles[0]
    known = [entry.title for entry in REGISTRY.all("method") if entry.name == suite.baseline]
    return known[0] if known else suite.baseline


def is_one_a_recipe(suite: SuiteDeclaration, standings: Iterable[Standing]) -> bool:
    """No two rows are the baseline under one recipe."""
    found = {s.row: canonical(s.configuration.recipe) for s in standings if is_baseline(suite, s)}
    return len(set(found.values())) == len(found)
