"""Comparison of all rows of a suite on each problem: ranks, differences and families of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.metrics import better, unit
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.baseline import baseline_of
from evenhand_reports.board.results import Result
from evenhand_reports.board.scores import ranking_rule
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.statistics.paired_tests import SMALLEST_N, Comparison, caveat
from evenhand_reports.statistics.ranks import Families, Ranking, rank_rows

Place = tuple[str, str]
"""Row and problem."""


def settings_by_place(suite: Suite) -> dict[Place, list[Configuration]]:
    """The settings that compete in each row on each problem that the suite shows.

    For a part of a suite they include the rows that `--only` leaves out, at the seeds that the part
    shows on the problem. The tests, and with them the ranks, therefore do not depend on the rows
    that are shown.
    """
    shown = _by_place(suite.configurations)
    if suite.whole is None:
        return shown
    seeds: dict[str, set[int]] = {}
    for (_, problem), configurations in shown.items():
        seeds.setdefault(problem, set()).update(t.seed for c in configurations for t in c.trials)
    others = [
        replace(each, trials=tuple(t for t in each.trials if t.seed in seeds[each.problem.name]))
        for each in suite.whole.configurations
        if each.problem.name in seeds
    ]
    whole = _by_place(each for each in others if each.trials)
    return {place: shown.get(place, found) for place, found in whole.items()}


def _by_place(configurations: Any) -> dict[Place, list[Configuration]]:
    found: dict[Place, list[Configuration]] = {}
    for configuration in configurations:
        place = configuration.row, configuration.problem.name
        found.setdefault(place, []).append(configuration)
    return found


def compare(
    suite: SuiteDeclaration, problems: Sequence[str], results: Mapping[Place, Result]
) -> tuple[dict[Place, Result], dict[str, Families]]:
    """The results with ranks and comparisons, and the sizes of the families of tests by problem.

    A family has the size that the suite declares: a pair with an incomplete row has no test, but
    it counts. Sizes are (0, 0) where fewer than two rows are complete.
    """
    compared, families = dict(results), dict.fromkeys(problems, Families(0, 0))
    for problem in problems:
        on_problem = [result for (_, p), result in results.items() if p == problem]
        ranking, baselines = _rank(suite, on_problem)
        if ranking is None:
            continue
        families[problem] = ranking[1].families
        for i, result in enumerate(on_problem):
            if result.is_complete:
                compared[result.row, problem] = _ranked(
                    suite, on_problem, *ranking, i=i, baseline=baselines[i]
                )
    return compared, families


def _rank(
    suite: SuiteDeclaration, results: Sequence[Result]
) -> tuple[tuple[np.ndarray, Ranking] | None, list[int | None]]:
    """The table of scores with its ranking, None without two complete rows; and the baselines."""
    position = {result.row: i for i, result in enumerate(results)}
    found = [baseline_of(suite, results, result) for result in results]
    baselines = [position[each.row] if each else None for each in found]
    table = _table(suite, results)
    if sum(result.is_complete for result in results) < SMALLEST_N or not table.size:
        return None, baselines
    higher = better(suite.primary_on(results[0].problem)) == "higher"
    ranking = rank_rows(
        table,
        higher=higher,
        alpha=suite.alpha,
        baselines=baselines,
        test_ratio=max(result.test_ratio for result in results),
    )
    return (table, ranking), baselines


def _table(suite: SuiteDeclaration, results: Sequence[Result]) -> Float[np.ndarray, "rows seeds"]:
    """The primary metric of each row, at the seeds that all complete rows have; else NaN."""
    place = suite.primary_on(results[0].problem), ranking_rule(suite)
    by_seed = [
        dict(zip((t.seed for t in r.configuration.trials), r.scores[place].values, strict=True))
        if r.is_complete
        else None
        for r in results
    ]
    complete = [values for values in by_seed if values is not None]
    shared = [seed for seed in suite.seeds if all(seed in values for values in complete)]
    rows = [[values[seed] if values else np.nan for seed in shared] for values in by_seed]
    return np.array(rows, dtype=np.float64).reshape(len(results), len(shared))


def _ranked(
    suite: SuiteDeclaration,
    results: Sequence[Result],
    table: np.ndarray,
    ranking: Ranking,
    *,
    i: int,
    baseline: int | None,
) -> Result:
    """Result i with its rank, and with its comparisons to the best row and to the baseline."""

    def compared_with(j: int | None) -> Comparison | None:
        if j is None or i == j or not results[j].is_complete:
            return None
        difference = estimate(
            (table[i] - table[j]).tolist(),
            alpha=suite.alpha,
            test_ratio=max(result.test_ratio for result in results),
            unit=unit(suite.primary_on(results[0].problem)),
        )
        p = None if np.isnan(ranking.raw[i, j]) else float(ranking.raw[i, j])
        holm = None if p is None else float(ranking.adjusted[i, j])
        reason = caveat(difference.n, p)
        return Comparison(results[i].row, results[j].row, difference, p, holm, reason)

    return replace(
        results[i],
        rank=ranking.ranks[i] if ranking.ranks else None,
        to_best=compared_with(ranking.top),
        to_baseline=compared_with(baseline),
    )
