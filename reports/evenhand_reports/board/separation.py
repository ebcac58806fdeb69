"""Two rows of a suite at more and more seeds: the looks of a sequential test on each problem.

Everything follows from the records in a store, so that a run that is resumed comes to the same
verdicts. The seeds count in their order. The looks end at the first seed at which either row has no
value, whatever there is at later seeds: to skip it would favour the row that fails where it is bad.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from evenhand.declared.record import Rule
from evenhand.declared.trial import Trial
from evenhand.metrics import better, unit
from evenhand.suite.resolve import Configuration
from evenhand.suite.row_pairs import RowPair
from evenhand.suite.two_rows import TwoRows
from evenhand_reports.board.environment import deviations_between
from evenhand_reports.board.record_source import Records
from evenhand_reports.board.results import PENDING, Deviation, Gap, Result
from evenhand_reports.board.scores import (
    SuiteRecords,
    match_records,
    ranking_rule,
    read_records,
    result_of,
)
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.statistics.sequential import Look, SequentialTest

Verdict = Literal["separated", "not separated", "open", "stopped"]


@dataclass(frozen=True)
class PairOfRows:
    """A pair of rows on one problem, with the looks at their differences."""

    problem: str
    pair: RowPair
    titles: tuple[str, str]
    settings: tuple[str, str]
    """The settings that `select:` chose at the suite's seeds; "" where there is no choice."""
    metric: str
    """The primary metric of the problem."""
    test: SequentialTest
    looks: tuple[Look, ...]
    verdict: Verdict
    """`separated`: a look rejects. `not separated`: none does, up to the last one. `open`: further
    seeds are to be run. `stopped`: a trial has ended without a value, see `gap`, or, without a gap,
    the seeds are folds of a cross-validation or no setting could be chosen."""
    gap: Gap | None = None
    """The trial without a value at which the looks end; None where there is none."""
    deviations: tuple[Deviation, ...] = ()
    """Aspects of the environment in which the first row differs from the second at the same seeds,
    over all seeds that both have."""
    trials: tuple[Trial, ...] = ()
    """The trials of both rows at all seeds, of the setting that is chosen or, before, the first."""
    wanted: tuple[tuple[Trial, ...], ...] = ()
    """Trials that the next looks need, by look; those of the suite's seeds are one look."""

    @property
    def better(self) -> str:
        """Title of the row that is better at the last look; "" before the first."""
        if not self.looks:
            return ""
        is_higher = self.looks[-1].estimate.mean > 0
        return self.titles[0 if is_higher == (better(self.metric) == "higher") else 1]


@dataclass(frozen=True)
class Separation:
    """Two rows of a suite on each problem, with the test that separates them."""

    rows: TwoRows
    test: SequentialTest
    """The test of each pair, at the level α divided by the number of pairs (Bonferroni)."""
    pairs: tuple[PairOfRows, ...]
    location: str = ""
    edition: str = "main"

    @property
    def is_over(self) -> bool:
        """Whether every pair is separated, or has had the last look."""
        return all(pair.verdict in ("separated", "not separated") for pair in self.pairs)

    def next_trials(self, slots: int, runnable: Collection[str]) -> list[Trial]:
        """The trials of the next looks of all pairs that are not decided.

        slots     trials that run at a time: of each pair, as many seeds as these have room for
        runnable  keys of the trials that a run may start; a pair that needs another one has none
        """
        left = [list(_runnable(pair, runnable)) for pair in self.pairs]
        n_open = sum(bool(looks) for looks in left)
        at_a_time = max(1, slots // (2 * max(1, n_open)))
        found = {t.key: t for looks in left for trials in looks[:at_a_time] for t in trials}
        return list(found.values())


def _runnable(pair: PairOfRows, keys: Collection[str]) -> Iterator[tuple[Trial, ...]]:
    """The trials of the next looks, up to the first that needs a trial that cannot be run."""
    if pair.verdict in ("separated", "not separated"):
        return
    for trials in pair.wanted:
        if any(trial.key not in keys for trial in trials):
            return
        yield trials


def build(rows: TwoRows, store: Records) -> Separation:
    """The looks at two rows by the records of a store."""
    suite = rows.suite
    records = match_records(suite, read_records(suite, store))
    alpha = suite.declaration.alpha / rows.n_pairs
    test = SequentialTest(max(SMALLEST_N, rows.n_suite_seeds), len(rows.seeds), alpha)
    pairs = tuple(
        _pair(rows, test, records, problem, pair)
        for problem, found in rows.pairs.items()
        for pair in found
    )
    return Separation(rows, test, pairs, str(store.location), store.edition)


def _pair(
    rows: TwoRows, test: SequentialTest, records: SuiteRecords, problem: str, pair: RowPair
) -> PairOfRows:
    suite = rows.suite.declaration
    metric = suite.primary_on(problem)
    chosen = [result_of(suite, rows.settings(row, problem), records) for row in pair]
    longer = [rows.at_all_seeds(result.configuration) for result in chosen]
    every = [result_of(suite, [configuration], records) for configuration in longer]
    is_ready = all(result.is_complete for result in chosen) and not _are_folds(every)
    differences = list(_differences(every, metric, ranking_rule(suite))) if is_ready else []
    gaps = _gaps_at(every, rows.seeds[len(differences) :]) if is_ready else _blocking(chosen)
    looks = tuple(test.looks(differences, unit=unit(metric)))
    return PairOfRows(
        problem=problem,
        pair=pair,
        titles=_titles(longer),
        settings=(longer[0].setting, longer[1].setting),
        metric=metric,
        test=test,
        looks=looks,
        verdict=_verdict(test, looks, gaps),
        gap=_worst(gaps[0]) if gaps else None,
        deviations=deviations_between(*every),
        trials=tuple(trial for configuration in longer for trial in configuration.trials),
        wanted=tuple(tuple(rows.suite.trials[gap.key] for gap in found) for found in gaps),
    )


def _differences(results: Sequence[Result], metric: str, rule: Rule) -> Iterator[float]:
    """The differences at the first seeds, up to the first without a value of both rows."""
    for a, b in zip(*(result.scores[metric, rule].values for result in results), strict=True):
        if a is None or b is None:
            return
        yield a - b


def _gaps_at(results: Sequence[Result], seeds: Sequence[int]) -> list[list[Gap]]:
    """The gaps of both rows by seed, at seeds of which the first has one."""
    return [[g for result in results for g in result.gaps if g.seed == seed] for seed in seeds]


def _blocking(results: Sequence[Result]) -> list[list[Gap]]:
    """The gaps by which rows are incomplete at the suite's seeds, as those of one look.

    A setting that diverged has lost where another one can be chosen.
    """
    found = [
        gap
        for result in results
        for gap in result.gaps
        if gap.kind != "diverged" or gap.setting == result.configuration.setting
    ]
    return [found] if found else []


def _verdict(test: SequentialTest, looks: Sequence[Look], gaps: Sequence[Sequence[Gap]]) -> Verdict:
    if looks and test.rejects(looks[-1]):
        return "separated"
    if looks and looks[-1].n == test.most:
        return "not separated"
    return "open" if gaps and _worst(gaps[0]).kind in PENDING else "stopped"


def _worst(gaps: Sequence[Gap]) -> Gap:
    """The first gap that a run does not close, or else the first one."""
    return next((gap for gap in gaps if gap.kind not in PENDING), gaps[0])


def _are_folds(results: Sequence[Result]) -> bool:
    return any(result.test_ratio for result in results)


def _titles(configurations: Sequence[Configuration]) -> tuple[str, str]:
    """Titles of two rows; their names where they share one title."""
    first, second = configurations
    is_one = first.title == second.title
    return (first.row, second.row) if is_one else (first.title, second.title)
