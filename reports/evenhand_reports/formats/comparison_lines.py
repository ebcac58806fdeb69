"""The declared comparisons of a board in long form, one per line, for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats.long_form import csv_of
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording.verdicts import verdict_code


@dataclass(frozen=True)
class ComparisonLine:
    """One declared comparison by one metric; differences are fractions, or in the metric's unit."""

    suite: str
    version: int
    edition: str
    problem: str
    metric: str
    rule: str
    kind: str
    """`baseline`, or `contrast` for a pair under `contrasts:`."""

    first: str
    second: str
    difference: float
    """First − second."""

    low: float | None
    high: float | None
    level: float
    """Level of the interval, which is not corrected."""

    n: int
    test: str
    """`moderated t`, `paired t`, `sign` or `none`."""

    p: float | None
    p_adjusted: float | None
    family: int
    """Number of comparisons in Holm's correction."""

    verdict: str
    """`better`, `worse`, `undecided` or `untested`: of the first row against the second."""

    seeds_needed: int | None
    """1001 where more than 1000 are needed."""

    detectable: float | None
    """The smallest detectable difference of the problem, by the primary metric."""

    provisional: bool


def lines(board: Leaderboard) -> Iterator[ComparisonLine]:
    """All declared comparisons of the rows that the board shows."""
    for problem in board.problems:
        verdicts, primary = board.verdicts[problem], board.primary(problem)
        contrasts = {(each.first, each.second) for each in verdicts.contrasts}
        to_baseline = [r.to_baseline for r in board.on(problem) if r.to_baseline]
        by_metric = {primary: (*to_baseline, *verdicts.contrasts), **verdicts.tested}
        for metric, comparisons in by_metric.items():
            for each in comparisons:
                if each.first in board.rows or each.second in board.rows:
                    kind = "contrast" if (each.first, each.second) in contrasts else "baseline"
                    yield _line(board, problem, metric, each, kind)


def _line(
    board: Leaderboard, problem: str, metric: str, found: Comparison, kind: str
) -> ComparisonLine:
    suite, interval = board.suite, found.difference.interval
    verdicts = board.verdicts[problem]
    return ComparisonLine(
        suite=suite.suite,
        version=suite.version,
        edition=board.edition,
        problem=problem,
        metric=metric,
        rule=board.rule,
        kind=kind,
        first=found.first,
        second=found.second,
        difference=found.difference.mean,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        level=1 - suite.alpha,
        n=found.difference.n,
        test=found.test,
        p=found.p,
        p_adjusted=found.adjusted,
        family=verdicts.family,
        verdict=verdict_code(board, metric, found),
        seeds_needed=found.seeds_needed,
        detectable=verdicts.detectable if metric == board.primary(problem) else None,
        provisional=found.is_provisional,
    )


def csv_text(board: Leaderboard) -> str:
    """Comma-separated values with one header line; None is empty."""
    return csv_of(ComparisonLine, lines(board))
