"""The leaderboard of a suite: every row on every problem, ranked with ties. Data, no layout."""

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
from evenhand_reports.board.baseline import baseline_of, baseline_rows, title_of
from evenhand_reports.board.provenance import commit
from evenhand_reports.board.results import Gap, Standing
from evenhand_reports.board.scores import gather, metrics_of, ranking_rule, stand
from evenhand_reports.board.suite_size import Extent, extent_of
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.statistics.paired_tests import Comparison, caveat
from evenhand_reports.statistics.ranks import Families, Ranking, rank_rows


class Fault(Protocol):
    """A record that the store could not read."""

    @property
    def path(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Records(Protocol):
    """What a report needs of a store."""

    def records(self, keys: Sequence[str]) -> list[Record]: ...
    @property
    def faults(self) -> Sequence[Fault]: ...
    @property
    def location(self) -> str: ...
    @property
    def edition(self) -> str: ...


@dataclass(frozen=True)
class Leaderboard:
    """Every row on every problem.

    rows       titles by row, in the suite's order
    standings  by row and problem; a suite may leave a method out of a problem
    metrics    titles by metric; the primary comes first
    rule       the checkpoint rule of every rank and test
    families   how many comparisons share a level α, by problem; (0, 0) where there are none
    part       how much is reported, of how much (whole)
    records    those found, by key
    source     what the user calls the suite
    """

    suite: SuiteDeclaration
    rows: dict[str, str]
    problems: tuple[str, ...]
    standings: dict[tuple[str, str], Standing]
    metrics: dict[str, str]
    rule: Rule
    families: dict[str, Families]
    part: Extent
    whole: Extent
    records: dict[str, Record]
    faults: tuple[Fault, ...] = ()
    location: str = ""
    edition: str = "main"
    source: str = ""

    @cached_property
    def n_seeds(self) -> int:
        """Of the suite, or of the part of it that is reported."""
        return max(len(standing.records) for standing in self.standings.values())

    @property
    def higher(self) -> bool:
        return better(self.suite.primary) == "higher"

    @property
    def trials(self) -> int:
        """How many the suite asks for, or the part of it that is reported."""
        return self.part.trials

    @cached_property
    def baselines(self) -> dict[str, str]:
        """Titles by row of the rows that are the baseline: one a recipe where there are several."""
        return baseline_rows(self.suite, self.standings.values())

    @property
    def baseline(self) -> str:
        """The title of the baseline; the method's own where several rows are it."""
        return title_of(self.suite, self.baselines)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(gap for standing in self.standings.values() for gap in standing.gaps)

    @cached_property
    def commits(self) -> tuple[str, ...]:
        """Commits of the records, with `+` where files had been changed; the most used first."""
        found = Counter(commit(record) for record in self.records.values())
        return tuple(name for name, _ in sorted(found.items(), key=lambda c: (-c[1], c[0])))

    def on(self, problem: str) -> list[Standing]:
        """The rows of one problem, best mean first; those that are not whole last."""
        sign = -1 if self.higher else 1
        found = [s for (_, p), s in self.standings.items() if p == problem]

        def order(standing: Standing) -> tuple[bool, float]:
            mean = standing.scores[self.suite.primary, self.rule].estimate
            return not standing.is_whole, sign * mean.mean if mean else np.inf

        return sorted(found, key=order)

    @cached_property
    def average_ranks(self) -> dict[str, float | None]:
        """Mean rank over all problems; None for a row that is not ranked on every one."""
        averages: dict[str, float | None] = {}
        for row in self.rows:
            found = [self.standings.get((row, problem)) for problem in self.problems]
            ranks = [s.rank.rank for s in found if s is not None and s.rank is not None]
            averages[row] = sum(ranks) / len(ranks) if len(ranks) == len(found) else None
        return averages


def build(resolved: Suite, store: Records) -> Leaderboard:
    """Read the suite's records from a store and rank them.

    Raises `ReportError` where there is none at all.
    """
    records = store.records(list(resolved.trials))
    faults, location = tuple(store.faults), str(store.location)
    return build_from(resolved, records, faults=faults, location=location, edition=store.edition)


def build_from(
    resolved: Suite,
    records: Sequence[Record],
    *,
    faults: Sequence[Fault] = (),
    location: str = "",
    edition: str = "main",
) -> Leaderboard:
    """The same from records in hand."""
    suite, evidence = resolved.declaration, gather(resolved, records)
    if not evidence.records:
        raise ReportError(_nothing(resolved, location, faults))
    titles = _titles(resolved)
    groups: dict[tuple[str, str], list[Configuration]] = {}
    for configuration in resolved.configurations:
        titled = replace(configuration, title=titles[configuration.row])
        groups.setdefault((configuration.row, configuration.problem.name), []).append(titled)
    standings = {
        place: stand(suite, configurations, evidence) for place, configurations in groups.items()
    }
    compared, families = _compare(suite, resolved.problems, standings)
    return Leaderboard(
        suite=suite,
        rows=titles,
        problems=resolved.problems,
        standings=compared,
        metrics={name: REGISTRY.get("metric", name).title for name in metrics_of(suite)},
        rule=ranking_rule(suite),
        families=families,
        part=extent_of(resolved),
        whole=extent_of(resolved.whole or resolved),
        records=dict(evidence.records),
        faults=tuple(faults),
        location=location,
        edition=edition,
        source=resolved.source or suite.suite,
    )


def _nothing(resolved: Suite, location: str, faults: Sequence[Fault]) -> str:
    suite = resolved.declaration
    where = f" in {location}" if location else ""
    lines = [f"nothing to report on {suite.suite} v{suite.version}{where}"]
    lines += [f"  none of its {len(resolved.trials)} trials has a record"]
    lines += [f"  {fault.path}: {fault.reason}" for fault in faults[:5]]
    return "\n".join(
        [*lines, f"  run the suite first: `evenhand run {resolved.source or suite.suite}`"]
    )


def _titles(resolved: Suite) -> dict[str, str]:
    """Titles by row; where two rows have one title, each is followed by its own name."""
    titles = {configuration.row: configuration.title for configuration in resolved.configurations}
    used = Counter(titles.values())
    return {row: t if used[t] == 1 else f"{t} [{row}]" for row, t in titles.items()}


def _compare(
    suite: SuiteDeclaration, problems: Sequence[str], standings: dict[tuple[str, str], Standing]
) -> tuple[dict[tuple[str, str], Standing], dict[str, Families]]:
    """The standings with ranks and comparisons, and the sizes of each problem's families."""
    higher = better(suite.primary) == "higher"
    compared, families = dict(standings), dict.fromkeys(problems, Families(0, 0))
    for problem in problems:
        there = [s for (_, p), s in standings.items() if p == problem]
        group = [s for s in there if s.is_whole]
        table = _table(suite, group)
        if not table.size:
            continue
        against = [baseline_of(suite, there, standing) for standing in group]
        places = {standing.row: i for i, standing in enumerate(group)}
        baselines = [places.get(s.row) if s else None for s in against]
        ranking = rank_rows(table, higher=higher, alpha=suite.alpha, baselines=baselines)
        families[problem] = ranking.families
        for i, standing in enumerate(group):
            to = {"to_best": ranking.top, "to_baseline": baselines[i]}
            placed = _placed(suite, group, table=table, ranking=ranking, i=i, against=to)
            compared[standing.row, problem] = placed
    return compared, families


def _table(suite: SuiteDeclaration, group: Sequence[Standing]) -> Float[np.ndarray, "rows seeds"]:
    """What the rows are ranked by, at the seeds that all of them have."""
    place = suite.primary, ranking_rule(suite)
    by_seed = [
        dict(zip((t.seed for t in s.configuration.trials), s.scores[place].values, strict=True))
        for s in group
    ]
    shared = [seed for seed in suite.seeds if all(seed in values for values in by_seed)]
    if not group or not shared:
        return np.empty((0, 0))
    return np.array([[values[seed] for seed in shared] for values in by_seed], dtype=np.float64)


def _placed(
    suite: SuiteDeclaration,
    group: Sequence[Standing],
    *,
    table: np.ndarray,
    ranking: Ranking,
    i: int,
    against: Mapping[str, int | None],
) -> Standing:
    """Row i with its place, and its differences to the rows that `against` names by field."""

    def compare(j: int | None) -> Comparison | None:
        if j is None or i == j:
            return None
        difference = estimate((table[i] - table[j]).tolist(), alpha=suite.alpha)
        p = None if np.isnan(ranking.raw[i, j]) else float(ranking.raw[i, j])
        holm = None if p is None else float(ranking.adjusted[i, j])
        return Comparison(group[i].row, group[j].row, difference, p, holm, caveat(difference.n, p))

    comparisons: dict[str, Any] = {field: compare(j) for field, j in against.items()}
    return replace(group[i], rank=ranking.ranks[i] if ranking.ranks else None, **comparisons)
