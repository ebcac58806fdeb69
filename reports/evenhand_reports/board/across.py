"""Statements over several problems: average ranks, means, regrets, and tests over data sets.

All of them are over the rows that are complete on every problem, so that ranks count the same rows
everywhere and means are over the same problems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from evenhand.declared.base import canonical
from evenhand.declared.record import Rule
from evenhand.metrics import better
from evenhand.suite.declaration import SuiteDeclaration
from evenhand_reports.board.baseline import baseline_of
from evenhand_reports.board.metric_estimate import difference_estimate, metric_estimate
from evenhand_reports.board.results import Result
from evenhand_reports.statistics.across import (
    FEWEST_ROWS,
    AverageRank,
    CriticalDifferences,
    ProblemScores,
    average_ranks,
    critical_differences,
    fewest_data_sets,
)
from evenhand_reports.statistics.estimate import Estimate

FEWEST_PROBLEMS = 2
FEWEST_COMPARED = 2


@dataclass(frozen=True)
class AcrossProblems:
    """What a suite of several problems shows over all of them."""

    problems: tuple[str, ...]
    data_sets: tuple[str, ...]
    """The data set of each problem; problems that differ in the profile alone share one."""

    rows: tuple[str, ...] = ()
    """The rows that are complete on every problem, in the order of the suite."""

    ranks: Mapping[str, AverageRank] = field(default_factory=dict)
    metric: str = ""
    """The primary metric of all problems; "" where problems have different ones."""

    means: Mapping[str, Estimate] = field(default_factory=dict)
    """Mean of the metric over problems, for each row, over seeds; empty without one metric."""

    differences: Mapping[str, Estimate] = field(default_factory=dict)
    """Mean difference from the row's baseline over problems, over seeds."""

    regrets: Mapping[str, Float[np.ndarray, "problems seeds"]] = field(default_factory=dict)
    """By how much each row is behind the best row at the same problem and seed; 0 for the best."""

    critical: CriticalDifferences | None = None
    """The comparison of `rows` over data sets."""

    needed: int = 0
    """The smallest number of data sets at which a pair of these rows could differ."""

    @property
    def n_data_sets(self) -> int:
        """Number of different data sets."""
        return len(set(self.data_sets))


def across_problems(
    suite: SuiteDeclaration,
    problems: Sequence[str],
    results: Mapping[tuple[str, str], Result],
    rule: Rule,
) -> AcrossProblems:
    """Compare the rows over the problems; nothing is compared on fewer than two problems."""
    on = {problem: [r for (_, p), r in results.items() if p == problem] for problem in problems}
    sets = tuple(canonical(on[problem][0].configuration.problem.dataset) for problem in problems)
    found = AcrossProblems(tuple(problems), sets)
    rows = tuple(
        row
        for row in dict.fromkeys(row for row, _ in results)
        if all((r := results.get((row, p))) is not None and r.is_complete for p in problems)
    )
    if len(problems) < FEWEST_PROBLEMS or len(rows) < FEWEST_COMPARED:
        return found
    scores = [_scores(suite, [results[row, p] for row in rows], rule) for p in problems]
    if not all(each.scores.size for each in scores):
        return found
    ranks = dict(zip(rows, average_ranks(scores, alpha=suite.alpha), strict=True))
    metrics = {suite.primary_on(problem) for problem in problems}
    alike = {each.scores.shape[1] for each in scores}
    if len(metrics) > 1 or len(alike) > 1:
        return AcrossProblems(tuple(problems), sets, rows, ranks)
    [metric] = metrics
    table = np.stack([each.scores for each in scores])
    critical, needed = _critical(table, sets, metric, suite.alpha)
    return AcrossProblems(
        tuple(problems),
        sets,
        rows,
        ranks,
        metric,
        **_means(suite, rows, scores, metric, on),
        regrets=_regrets(rows, table, higher=scores[0].higher),
        critical=critical,
        needed=needed,
    )


def _scores(suite: SuiteDeclaration, results: Sequence[Result], rule: Rule) -> ProblemScores:
    """The primary metric of complete results on one problem, at the seeds that all have."""
    metric = suite.primary_on(results[0].problem)
    by_seed = [
        dict(
            zip(
                (t.seed for t in r.configuration.trials), r.scores[metric, rule].values, strict=True
            )
        )
        for r in results
    ]
    shared = [seed for seed in suite.seeds if all(seed in values for values in by_seed)]
    table = np.array([[values[s] for s in shared] for values in by_seed], dtype=np.float64)
    ratio = max(result.test_ratio for result in results)
    return ProblemScores(
        table.reshape(len(results), len(shared)), better(metric) == "higher", ratio
    )


def _means(
    suite: SuiteDeclaration,
    rows: Sequence[str],
    scores: Sequence[ProblemScores],
    metric: str,
    on: Mapping[str, Sequence[Result]],
) -> dict[str, Mapping[str, Estimate]]:
    """Means and differences over problems, taken at each seed and then estimated over seeds.

    At one seed the problems share the streams of random numbers, and may share images, so that
    their scores may be correlated. The mean at each seed is one value, whatever the correlation.
    """
    by_seed = dict(zip(rows, np.mean([each.scores for each in scores], axis=0), strict=True))
    ratio = max(each.test_ratio for each in scores)
    means = {
        row: metric_estimate(metric, values.tolist(), alpha=suite.alpha, test_ratio=ratio)
        for row, values in by_seed.items()
    }
    differences = {}
    for row in rows:
        base = _one_baseline(suite, on, row)
        if base in by_seed:
            gaps = (by_seed[row] - by_seed[base]).tolist()
            differences[row] = difference_estimate(
                metric, gaps, alpha=suite.alpha, test_ratio=ratio
            )
    return {"means": means, "differences": differences}


def _one_baseline(
    suite: SuiteDeclaration, on: Mapping[str, Sequence[Result]], row: str
) -> str | None:
    """The row that is the baseline of another one on every problem; None where there is none."""
    found = set()
    for results in on.values():
        [result] = [each for each in results if each.row == row]
        base = baseline_of(suite, results, result)
        found.add(base.row if base else None)
    return found.pop() if len(found) == 1 else None


def _regrets(
    rows: Sequence[str], table: Float[np.ndarray, "problems rows seeds"], *, higher: bool
) -> dict[str, Float[np.ndarray, "problems seeds"]]:
    merit = table if higher else -table
    behind = merit.max(1, keepdims=True) - merit
    return dict(zip(rows, behind.transpose(1, 0, 2), strict=True))


def _critical(
    table: Float[np.ndarray, "problems rows seeds"],
    data_sets: Sequence[str],
    metric: str,
    alpha: float,
) -> tuple[CriticalDifferences | None, int]:
    """The comparison over data sets, each with the mean over its problems; None for too few."""
    rows = table.shape[1]
    if rows < FEWEST_ROWS:
        return None, 0
    needed, names = fewest_data_sets(rows, alpha), np.array(data_sets)
    distinct = list(dict.fromkeys(data_sets))
    if len(distinct) < needed:
        return None, needed
    means = np.array([table[names == name].mean((0, 2)) for name in distinct]).T
    higher = better(metric) == "higher"
    return critical_differences(means, higher=higher, alpha=alpha), needed
