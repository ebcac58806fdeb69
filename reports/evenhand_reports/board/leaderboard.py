"""The leaderboard of a suite as data: every row on every problem, ranked and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from evenhand.declared.record import Record, Rule
from evenhand.declared.registry import REGISTRY
from evenhand.errors import ReportError
from evenhand.metrics import better
from evenhand.suite.contrasts import contrast_rows
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.identical_rows import IdenticalRows, identical_rows
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.across import AcrossProblems, across_problems
from evenhand_reports.board.baseline import (
    baseline_rows,
    baseline_title,
    has_comparisons,
)
from evenhand_reports.board.comparison import Verdicts, compare, settings_by_place
from evenhand_reports.board.environment import with_deviations
from evenhand_reports.board.provenance import commit, list_keys, run_missing
from evenhand_reports.board.record_source import Fault, Records
from evenhand_reports.board.results import Gap, Result, Score
from evenhand_reports.board.scores import (
    SuiteRecords,
    match_records,
    metrics_of,
    ranking_rule,
    read_records,
    result_of,
)
from evenhand_reports.board.suite_size import SuiteSize, size_of


@dataclass(frozen=True)
class Leaderboard:
    """Every row of a suite on every problem, ranked."""

    suite: SuiteDeclaration
    rows: dict[str, str]
    """Title of each row, in the order of the suite."""

    problems: tuple[str, ...]
    all_problems: tuple[str, ...]
    """The problems of the whole suite, of which a report on a part may show only some."""

    results: dict[tuple[str, str], Result]
    """Result of each row and problem; a suite may leave a method out of a problem."""

    compared: dict[tuple[str, str], Result]
    """`results`, and those of the rows that `--only` leaves out: ranks and tests are over all."""

    metrics: dict[str, str]
    """Title of each metric; primary metrics come first."""

    rule: Rule
    """The checkpoint rule of every rank and test."""

    verdicts: dict[str, Verdicts]
    """What the tests of each problem show."""

    size: SuiteSize
    """Size of the suite, or of the part that is reported."""

    full_size: SuiteSize
    """Size of the suite as it is declared."""

    records: dict[str, Record]
    """Records by the keys of their trials."""

    faults: tuple[Fault, ...] = ()
    location: str = ""
    edition: str = "main"
    source: str = ""
    """The suite as the user names it: a path, or the name of a shipped suite."""

    only: tuple[str, ...] = ()
    """The filters of `--only`; none for the whole suite."""

    changes: tuple[str, ...] = ()
    """The changes of `--set`; none for the suite as its file has it."""

    command: str = ""
    """The command that runs the missing trials of the suite, or of the part that is reported."""

    keys_command: str = ""
    """The command that lists the keys of these trials."""

    configurations: tuple[Configuration, ...] = ()
    """The configurations of the rows that are shown, with all settings that compete."""

    other_data: Mapping[str, str] = field(default_factory=dict)
    """Causes by key, for records whose data differ from those of the others."""

    identical: tuple[IdenticalRows, ...] = ()
    """Rows that are the same training, for which the suite gives a reason under `identical:`."""

    @cached_property
    def n_seeds(self) -> int:
        """Number of seeds of the suite, or of the part that is reported."""
        return max(len(result.records) for result in self.results.values())

    def primary(self, problem: str) -> str:
        """The metric by which the rows are ranked on a problem."""
        if problem not in self._primaries:
            self._primaries[problem] = self.suite.primary_on(problem)
        return self._primaries[problem]

    @cached_property
    def _primaries(self) -> dict[str, str]:
        return {}

    def others(self, problem: str) -> list[str]:
        """The metrics of the suite without the primary metric of a problem."""
        return [metric for metric in self.metrics if metric != self.primary(problem)]

    def score(self, result: Result, rule: Rule | None = None) -> Score:
        """The primary score of a result, by default at the checkpoint rule of the ranking."""
        return result.scores[self.primary(result.problem), rule or self.rule]

    @cached_property
    def ranked_by(self) -> dict[str, list[str]]:
        """The problems of each primary metric, in the order of the problems."""
        found: dict[str, list[str]] = {}
        for problem in self.problems:
            found.setdefault(self.primary(problem), []).append(problem)
        return found

    @property
    def trials(self) -> int:
        """Number of trials of the suite, or of the part that is reported."""
        return self.size.trials

    @cached_property
    def baselines(self) -> dict[str, str]:
        """Titles of the suite's baseline rows, by row: one row for each recipe."""
        return baseline_rows(self.suite, self.compared.values())

    @property
    def baseline(self) -> str:
        """The title of the baseline row; of several, the title of the method."""
        return baseline_title(self.suite, self.baselines)

    @property
    def drawn_baseline(self) -> str:
        """The row that figures draw as the baseline; "" where it is not one row that is shown."""
        [row, *others] = self.baselines or [""]
        return row if row in self.rows and not others else ""

    @cached_property
    def compared_problems(self) -> frozenset[str]:
        """The problems on which rows have a baseline; tables of others have no difference to it."""
        by_problem: dict[str, list[Result]] = {}
        for result in self.compared.values():
            by_problem.setdefault(result.problem, []).append(result)
        return frozenset(p for p, found in by_problem.items() if has_comparisons(self.suite, found))

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps of all results."""
        return tuple(gap for result in self.results.values() for gap in result.gaps)

    @cached_property
    def commits(self) -> tuple[str, ...]:
        """Commits of the records, the most frequent first; `+` marks uncommitted changes."""
        found = Counter(commit(record) for record in self.records.values())
        # `most_common` would leave equal counts in the order of the records.
        return tuple(name for name, _ in sorted(found.items(), key=lambda c: (-c[1], c[0])))

    def on(self, problem: str) -> list[Result]:
        """The results on one problem, best mean first; incomplete ones last."""
        return list(self._ordered.get(problem, ()))

    @cached_property
    def _ordered(self) -> dict[str, list[Result]]:
        found: dict[str, list[Result]] = {}
        for (_, problem), result in self.results.items():
            found.setdefault(problem, []).append(result)
        return {problem: sorted(results, key=self._position) for problem, results in found.items()}

    def _position(self, result: Result) -> tuple[bool, float]:
        sign = -1 if better(self.primary(result.problem)) == "higher" else 1
        mean = self.score(result).estimate
        return not result.is_complete, sign * mean.mean if mean else np.inf

    @cached_property
    def known(self) -> dict[Callable[[Leaderboard], Any], Any]:
        """Values of the functions of the board that are computed once."""
        return {}

    @cached_property
    def compared_titles(self) -> dict[str, str]:
        """The titles of all rows, also of those that a report on a part does not show."""
        return {result.row: result.title for result in self.compared.values()}

    @cached_property
    def across(self) -> AcrossProblems:
        """What holds over the problems: average ranks, means and tests over data sets.

        Each rank is by the primary metric of its problem. Ranks of different metrics have one scale
        and can be averaged; the values of different metrics cannot.
        """
        return across_problems(self.suite, self.problems, self.compared, self.rule)


def build(suite: Suite, store: Records) -> Leaderboard:
    """Read the suite's records from a store and rank its rows.

    Raises `ReportError` where the store has no record of the suite.
    """
    records = read_records(suite, store)
    faults, location = tuple(store.faults), str(store.location)
    return build_from(suite, records, faults=faults, location=location, edition=store.edition)


def build_from(
    suite: Suite,
    records: Sequence[Record],
    *,
    faults: Sequence[Fault] = (),
    location: str = "",
    edition: str = "main",
) -> Leaderboard:
    """Rank a suite's rows by records in memory. Raises `ReportError` where there is none."""
    declaration, matched = suite.declaration, match_records(suite, records)
    shown = {key: record for key, record in matched.by_key.items() if key in suite.trials}
    if not shown:
        raise ReportError(_nothing(suite, location, edition, faults))
    titles = _titles(suite.whole or suite)
    compared, verdicts = _compared(suite, matched, titles)
    places = {(each.row, each.problem.name) for each in suite.configurations}
    return Leaderboard(
        suite=declaration,
        rows={row: titles[row] for row in suite.rows},
        problems=suite.problems,
        all_problems=(suite.whole or suite).problems,
        results={place: result for place, result in compared.items() if place in places},
        compared=compared,
        metrics={name: REGISTRY.get("metric", name).title for name in metrics_of(declaration)},
        rule=ranking_rule(declaration),
        verdicts=verdicts,
        size=size_of(suite),
        full_size=size_of(suite.whole or suite),
        records=shown,
        faults=tuple(faults),
        location=location,
        edition=edition,
        source=suite.source,
        only=suite.only,
        changes=suite.changes,
        command=run_missing(suite, shown.values(), location=location, edition=edition),
        keys_command=list_keys(suite, location=location, edition=edition),
        configurations=suite.configurations,
        other_data=matched.other_data,
        identical=_identical(suite),
    )


def _identical(suite: Suite) -> tuple[IdenticalRows, ...]:
    if not suite.declaration.identical:
        return ()
    return tuple(found for found in identical_rows(suite) if found.reason)


def _compared(
    suite: Suite, records: SuiteRecords, titles: dict[str, str]
) -> tuple[dict[tuple[str, str], Result], dict[str, Verdicts]]:
    """The ranked results of the whole suite, and the verdicts by problem."""
    results = {
        place: result_of(suite.declaration, _titled(found, titles), records)
        for place, found in settings_by_place(suite).items()
    }
    pairs = contrast_rows(suite)
    ranked, verdicts = compare(suite.declaration, suite.problems, results, pairs)
    return with_deviations(suite.declaration, ranked), verdicts


def _nothing(suite: Suite, location: str, edition: str, faults: Sequence[Fault]) -> str:
    declaration = suite.declaration
    where = f" in {location}, edition {edition}" if location else ""
    command = run_missing(suite, [], location=location, edition=edition)
    return "\n".join(
        [
            f"nothing to report on {declaration.suite} v{declaration.version}{where}",
            f"  none of its {len(suite.trials)} trials has a record",
            *(f"  {fault.path}: {fault.reason}" for fault in faults[:5]),
            f"  run the suite first: `{command}`",
        ]
    )


def _titles(suite: Suite) -> dict[str, str]:
    """Titles by row; where two rows share a title, the row's own name is appended."""
    titles = {configuration.row: configuration.title for configuration in suite.configurations}
    used = Counter(titles.values())
    return {row: t if used[t] == 1 else f"{t} [{row}]" for row, t in titles.items()}


def _titled(configurations: Sequence[Configuration], titles: dict[str, str]) -> list[Configuration]:
    return [replace(each, title=titles[each.row]) for each in configurations]
