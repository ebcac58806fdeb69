"""The row that each row is compared with: the suite's baseline under the same recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evenhand.declared.base import canonical
from evenhand.declared.registry import REGISTRY
from evenhand.suite.declaration import SuiteDeclaration
from evenhand_reports.board.results import Result


def is_baseline(suite: SuiteDeclaration, result: Result) -> bool:
    """Whether a result is that of the suite's baseline."""
    return result.configuration.is_baseline


def baseline_of(
    suite: SuiteDeclaration, on_problem: Sequence[Result], result: Result
) -> Result | None:
    """The result that another one on the same problem is compared with, complete or not.

    Where several rows are the baseline, it is the one under the same recipe. None for a baseline
    itself, and where the baseline is ambiguous or absent.
    """
    if is_baseline(suite, result):
        return None
    baselines = [each for each in on_problem if is_baseline(suite, each)]
    recipe = result.configuration.recipe
    same_recipe = [each for each in baselines if each.configuration.recipe == recipe]
    return next((few[0] for few in (baselines, same_recipe) if len(few) == 1), None)


def has_comparisons(suite: SuiteDeclaration, on_problem: Sequence[Result]) -> bool:
    """Whether a row on a problem has a baseline to be compared with."""
    return any(baseline_of(suite, on_problem, result) for result in on_problem)


def baseline_rows(suite: SuiteDeclaration, results: Iterable[Result]) -> dict[str, str]:
    """Titles of the baseline rows, by row."""
    return {result.row: result.title for result in results if is_baseline(suite, result)}


def baseline_title(suite: SuiteDeclaration, rows: dict[str, str]) -> str:
    """The title of the one baseline row; of several or none, the title of the method."""
    titles = list(rows.values())
    if len(titles) == 1:
        return titles[0]
    methods = [entry.title for entry in REGISTRY.all("method") if entry.name == suite.baseline]
    return methods[0] if methods else suite.baseline


def has_one_baseline_per_recipe(suite: SuiteDeclaration, results: Iterable[Result]) -> bool:
    """Whether no two baseline rows share a recipe on a problem."""
    baselines = [result for result in results if is_baseline(suite, result)]
    recipes = {(each.problem, canonical(each.configuration.recipe)) for each in baselines}
    return len(recipes) == len(baselines)
