"""The declared comparisons of a suite beside those with the baseline, as pairs of rows.

contrasts: [vs - la, "VS, SAM - LA, SAM"]
"""

from __future__ import annotations

from evenhand.errors import Mistakes
from evenhand.suite.resolve import Configuration, Suite
from evenhand.suite.row_pairs import RowNames, RowPair, Sides
from evenhand.suite.suite_parts import resolve_parts


def contrast_rows(suite: Suite) -> dict[str, tuple[tuple[str, str], ...]]:
    """Pairs of rows of the suite's `contrasts:` by name of the problem, the first minus the second.

    The pairs of a part of a suite are those of the whole suite, on all of its problems. A pair of a
    row and its baseline is left out, because it is compared anyway and counts once.

    >>> import evenhand as eh
    >>> contrast_rows(eh.open_suite("kini2021_table1"))["cifar10-exp-100-ldam"]
    (('VS', 'LA'), ('VS', 'CDT'))
    """
    whole = suite.whole or suite
    found: dict[str, tuple[tuple[str, str], ...]] = dict.fromkeys(whole.problems, ())
    if not whole.declaration.contrasts:
        return found
    names = row_names(whole)
    for contrast in whole.declaration.contrasts:
        for problem, pairs in names.pairs(names.sides(contrast)).items():
            on_problem = [c for c in whole.configurations if c.problem.name == problem]
            found[problem] += tuple(
                (a, b) for a, b in pairs if not _with_baseline(RowPair(a, b), on_problem)
            )
    return found


def named_pairs(suite: Suite, first: str, second: str) -> dict[str, tuple[RowPair, ...]]:
    """The pairs of two names by name of the problem; of a part of a suite, by the whole suite.

    Raises `SpecError` as a contrast of the suite file does.
    """
    return row_names(suite).pairs(Sides(first, second))


def row_names(suite: Suite) -> RowNames:
    """The names of a suite's rows."""
    whole = suite.whole or suite
    rows = resolve_parts(whole.declaration, Mistakes()).rows
    return RowNames(whole.declaration, rows, whole.problems)


def _with_baseline(pair: RowPair, on_problem: list[Configuration]) -> bool:
    """Whether one row of a pair is the baseline with which the other one is compared."""
    recipes: dict[str, set[str]] = {}
    for configuration in on_problem:
        recipes.setdefault(configuration.row, set()).add(configuration.recipe.text)
    baselines = {configuration.row for configuration in on_problem if configuration.is_baseline}
    is_one = len(baselines & {*pair}) == 1
    return is_one and (len(baselines) == 1 or recipes[pair.first] == recipes[pair.second])
