"""The leaderboard of a suite as data: every row on every problem, ranked with ties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import Record, Rule
from evenhand.declared.registry import REGISTRY
from evenhand.errors import ReportError
from evenhand.metrics import better
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.baseline import baseline_of, baseline_rows, baseline_title
from evenhand_reports.board.provenance import commit
from evenhand_reports.board.results import Gap, Result
from evenhand_reports.board.scores import match_records, metrics_of, ranking_rule, result_of
from evenhand_reports.board.suite_size import SuiteSize, size_of
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.statistics.paired_tests import Comparison, caveat
from evenhand_reports.statistics.ranks import Families, Ranking, rank_rows


class Fault(Protocol):
    """A record that the store could not read."""

    @property
    def path(self) -> str:
        """Place of the record in the store."""
        ...

    @property
    def reason(self) -> str:
        """Cause of the failure to read it."""
        ...


class Records(Protocol):
    """The part of a store's interface that a report uses."""

    def records(self, keys: Sequence[str]) -> list[Record]:
        """Read the records with these keys; keys without a record are left out."""
        ...

    @property
    def faults(self) -> Sequence[Fault]:
        """Records that could not be read."""
        ...

    @property
    def location(self) -> str:
        """Folder or URL of the store."""
        ...

    @property
    def edition(self) -> str:
        """Name of the edition."""
        ...


@dataclass(frozen=True)
class Leaderboard:
    """Every row of a suite on every problem, ranked."""

    suite: SuiteDeclaration
    rows: dict[str, str]
    """Title of each row, in the order of the suite."""

    problems: tuple[str, ...]
    results: dict[tuple[str, str], Result]
    """Result of each row and problem; a suite may leave a method out of a problem."""

    metrics: dict[str, str]
    """Title of each metric; the primary metric comes first."""

    rule: Rule
    """The checkpoint rule of every rank and test."""

    families: dict[str, Families]
    """Numbers of comparisons that share a level α, by problem; (0, 0) where there are none."""

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

    @cached_property
    def n_seeds(self) -> int:
        """Number of seeds of the suite, or of the part that is reported."""
        return max(len(result.records) for result in self.results.values())

    @property
    def direction(self) -> str:
        """`higher` or `lower`: the direction in which the primary metric is better."""
        return better(self.suite.primary)

    @property
    def higher(self) -> bool:
        """Whether a higher primary metric is better."""
        return self.direction == "higher"

    @property
    def trials(self) -> int:
        """Number of trials of the suite, or of the part that is reported."""
        return self.size.trials

    @cached_property
    def baselines(self) -> dict[str, str]:
        """Titles of the baseline rows, by row: one row for each recipe."""
        return baseline_rows(self.suite, self.results.values())

    @property
    def baseline(self) -> str:
        """The title of the baseline row; of several, the title of the method."""
        return baseline_title(self.suite, self.baselines)

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
        sign = -1 if self.higher else 1
        found = [s for (_, p), s in self.results.items() if p == problem]

        def order(result: Result) -> tuple[bool, float]:
            mean = result.scores[self.suite.primary, self.rule].estimate
            return not result.is_complete, sign * mean.mean if mean else np.inf

        return sorted(found, key=order)

    @cached_property
    def average_ranks(self) -> dict[str, float | None]:
        """Mean rank over all problems; None for a row that is not ranked on every one."""
        averages: dict[str, float | None] = {}
        for row in self.rows:
            found = [self.results.get((row, problem)) for problem in self.problems]
            ranks = [s.rank.rank for s in found if s is not None and s.rank is not None]
            averages[row] = sum(ranks) / len(ranks) if len(ranks) == len(found) else None
        return averages


def build(suite: Suite, store: Records) -> Leaderboard:
    """Read the suite's records from a store and rank its rows.

    Raises `ReportError` where the store has no record of the suite.
    """
    records = store.records(list(suite.trials))
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
    if not matched.by_key:
        raise ReportError(_nothing(suite, location, faults))
    titles = _titles(suite)
    groups: dict[tuple[str, str], list[Configuration]] = {}
    for configuration in suite.configurations:
        titled = replace(configuration, title=titles[configuration.row])
        groups.setdefault((configuration.row, configuration.problem.name), []).append(titled)
    results = {place: result_of(declaration, group, matched) for place, group in groups.items()}
    compared, families = _compare(declaration, suite.problems, results)
    return Leaderboard(
        suite=declaration,
        rows=titles,
        problems=suite.problems,
        results=compared,
        metrics={name: REGISTRY.get("metric", name).title for name in metrics_of(declaration)},
        rule=ranking_rule(declaration),
        families=families,
        size=size_of(suite),
        full_size=size_of(suite.whole or suite),
        records=dict(matched.by_key),
        faults=tuple(faults),
        location=location,
        edition=edition,
        source=suite.source,
    )


def _nothing(suite: Suite, location: str, faults: Sequence[Fault]) -> str:
    declaration = suite.declaration
    where = f" in {location}" if location else ""
    return "\n".join(
        [
            f"nothing to report on {declaration.suite} v{declaration.version}{where}",
            f"  none of its {len(suite.trials)} trials has a record",
            *(f"  {fault.path}: {fault.reason}" for fault in faults[:5]),
            f"  run the suite first: `evenhand run {suite.source or declaration.suite}`",
        ]
    )


def _titles(suite: Suite) -> dict[str, str]:
    """Titles by row; where two rows share a title, the row's own name is appended."""
    titles = {configuration.row: configuration.title for configuration in suite.configurations}
    used = Counter(titles.values())
    return {row: t if used[t] == 1 else f"{t} [{row}]" for row, t in titles.items()}


def _compare(
    suite: SuiteDeclaration, problems: Sequence[str], results: dict[tuple[str, str], Result]
) -> tuple[dict[tuple[str, str], Result], dict[str, Families]]:
    """The results with ranks and comparisons, and the sizes of the families of tests by problem."""
    higher = better(suite.primary) == "higher"
    compared, families = dict(results), dict.fromkeys(problems, Families(0, 0))
    for problem in problems:
        on_problem = [result for (_, p), result in results.items() if p == problem]
        complete = [result for result in on_problem if result.is_complete]
        table = _table(suite, complete)
        if not table.size:
            continue
        baselines = [baseline_of(suite, on_problem, result) for result in complete]
        position = {result.row: i for i, result in enumerate(complete)}
        indices = [position.get(result.row) if result else None for result in baselines]
        ranking = rank_rows(table, higher=higher, alpha=suite.alpha, baselines=indices)
        families[problem] = ranking.families
        for i, result in enumerate(complete):
            others = {"to_best": ranking.top, "to_baseline": indices[i]}
            compared[result.row, problem] = _ranked(
                suite, complete, table=table, ranking=ranking, i=i, others=others
            )
    return compared, families


def _table(suite: SuiteDeclaration, results: Sequence[Result]) -> Float[np.ndarray, "rows seeds"]:
    """The primary metric of each row, at the seeds that all rows have."""
    place = suite.primary, ranking_rule(suite)
    by_seed = [
        dict(zip((t.seed for t in r.configuration.trials), r.scores[place].values, strict=True))
        for r in results
    ]
    shared = [seed for seed in suite.seeds if all(seed in values for values in by_seed)]
    if not results or not shared:
        return np.empty((0, 0))
    return np.array([[values[seed] for seed in shared] for values in by_seed], dtype=np.float64)


def _ranked(
    suite: SuiteDeclaration,
    results: Sequence[Result],
    *,
    table: np.ndarray,
    ranking: Ranking,
    i: int,
    others: Mapping[str, int | None],
) -> Result:
    """Result i with its rank, and with its comparisons to `others`: indices by field."""

    def compare(j: int | None) -> Comparison | None:
        if j is None or i == j:
            return None
        difference = estimate((table[i] - table[j]).tolist(), alpha=suite.alpha)
        p = None if np.isnan(ranking.raw[i, j]) else float(ranking.raw[i, j])
        holm = None if p is None else float(ranking.adjusted[i, j])
        reason = caveat(difference.n, p)
        return Comparison(results[i].row, results[j].row, difference, p, holm, reason)

    comparisons: dict[str, Any] = {field: compare(j) for field, j in others.items()}
    return replace(results[i], rank=ranking.ranks[i] if ranking.ranks else None, **comparisons)
