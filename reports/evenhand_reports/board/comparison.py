"""Comparison of the rows of a suite on each problem: ranks, declared comparisons and their power.

Only complete rows are ranked. A row whose trials are still to come is compared at the seeds that it
shares with the other row, and the verdicts of its problem are provisional. A row of which a trial
failed or diverged is not compared: the seeds that are left may be the easier ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.metrics import better, unit
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.baseline import baseline_of
from evenhand_reports.board.results import PENDING, Result, Score
from evenhand_reports.board.scores import ranking_rule
from evenhand_reports.statistics.detectable import seeds_needed, smallest_detectable
from evenhand_reports.statistics.moderation import Pairs
from evenhand_reports.statistics.paired_tests import (
    SMALLEST_N,
    Comparison,
    caveat,
    declared_p_values,
    difference,
    name_of_test,
    of_family,
    p_values,
)
from evenhand_reports.statistics.ranks import Ranking, rank_rows

Place = tuple[str, str]
"""Row and problem."""


@dataclass(frozen=True)
class Verdicts:
    """What the tests of one problem show."""

    family: int = 0
    """Number of declared comparisons that share the level α; 0 where nothing is compared."""

    contrasts: tuple[Comparison, ...] = ()
    """The comparisons under the suite's `contrasts:`, in its order."""

    declared: tuple[tuple[str, str], ...] = ()
    """The pairs of rows under the suite's `contrasts:`, also those without a seed in common."""

    tested: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict)
    """All declared comparisons by each metric under `tested:`, a family for each metric."""

    detectable: float | None = None
    """The smallest difference of two rows of typical scatter that is found with a power of 80 %, as
    a fraction or in the unit of the primary metric; None without a typical scatter."""

    is_tested: bool = False
    """Whether some declared comparison has a p-value."""

    is_provisional: bool = False
    """Whether trials of the problem are still to come."""


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
    suite: SuiteDeclaration,
    problems: Sequence[str],
    results: Mapping[Place, Result],
    contrasts: Mapping[str, Sequence[tuple[str, str]]],
) -> tuple[dict[Place, Result], dict[str, Verdicts]]:
    """The results with ranks and comparisons, and the verdicts of each problem.

    A family has the size that the suite declares: a comparison without a test yet counts.
    `contrasts` holds pairs of rows by problem.
    """
    compared, verdicts = dict(results), dict.fromkeys(problems, Verdicts())
    for problem in problems:
        on_problem = [result for (_, p), result in results.items() if p == problem]
        tests = _Tests.of(suite, on_problem, contrasts.get(problem, ()))
        if tests is None:
            continue
        verdicts[problem] = tests.verdicts()
        by_rows = tests.declared()
        for i, result in enumerate(on_problem):
            base = tests.baselines[i]
            compared[result.row, problem] = replace(
                result,
                rank=tests.ranking.ranks[i] if tests.ranking.ranks else None,
                to_best=tests.to_best(i),
                to_baseline=by_rows.get((result.row, on_problem[base].row))
                if base is not None
                else None,
            )
    return compared, verdicts


@dataclass(frozen=True)
class _Tests:
    """The tests of one problem by one metric."""

    suite: SuiteDeclaration
    results: Sequence[Result]
    metric: str
    contrasts: Sequence[tuple[str, str]]
    baselines: tuple[int | None, ...]
    """The index of the baseline of each row."""

    ranking: Ranking

    @classmethod
    def of(
        cls,
        suite: SuiteDeclaration,
        results: Sequence[Result],
        contrasts: Sequence[tuple[str, str]],
        metric: str = "",
    ) -> _Tests | None:
        """The tests by a metric, by default the primary one; None for fewer than two rows."""
        metric = metric or suite.primary_on(results[0].problem)
        table = _table(suite, results, metric)
        if (~np.isnan(table)).any(1).sum() < SMALLEST_N or not table.size:
            return None
        position = {result.row: i for i, result in enumerate(results)}
        found = [baseline_of(suite, results, result) for result in results]
        baselines = tuple(position[each.row] if each else None for each in found)
        ranking = rank_rows(
            table,
            higher=better(metric) == "higher",
            alpha=suite.alpha,
            test_ratio=max(result.test_ratio for result in results),
            is_whole=[result.is_complete for result in results],
        )
        return cls(suite, results, metric, contrasts, baselines, ranking)

    @property
    def ratio(self) -> float:
        """n_test / n_train of a cross-validation, otherwise 0."""
        return max(result.test_ratio for result in self.results)

    @property
    def is_provisional(self) -> bool:
        """Whether trials of a row are still to come."""
        return any(gap.kind in PENDING for result in self.results for gap in result.gaps)

    def verdicts(self) -> Verdicts:
        """The verdicts by the primary metric, and by those under `tested:`."""
        declared = self.declared()
        tested = {
            metric: tuple(tests.declared().values())
            for metric in self.suite.tested
            if (tests := _Tests.of(self.suite, self.results, self.contrasts, metric)) is not None
        }
        return Verdicts(
            family=len(self.family),
            contrasts=tuple(declared[pair] for pair in self.contrasts if pair in declared),
            declared=tuple(self.contrasts),
            tested=tested,
            detectable=smallest_detectable(
                self.pairs, self.family, alpha=self.suite.alpha, test_ratio=self.ratio
            ),
            is_tested=any(each.p is not None for each in declared.values()),
            is_provisional=self.is_provisional,
        )

    @property
    def family(self) -> list[tuple[int, int]]:
        """Indices of the rows of each declared comparison, those with the baseline first."""
        position = {result.row: i for i, result in enumerate(self.results)}
        with_baseline = [(i, base) for i, base in enumerate(self.baselines) if base is not None]
        return with_baseline + [(position[a], position[b]) for a, b in self.contrasts]

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs of rows for the tests of the family."""
        return of_family(self.ranking.pairs, self.family)

    def declared(self) -> dict[tuple[str, str], Comparison]:
        """The declared comparisons by their rows, Holm-corrected as one family.

        Comparisons of rows without a seed in common count in the family and are left out.
        """
        p = p_values(self.pairs, test_ratio=self.ratio)
        adjusted = declared_p_values(p, self.family)
        return {
            (self.results[i].row, self.results[j].row): self._comparison(
                self.pairs, i, j, float(p[i, j]), float(corrected)
            )
            for (i, j), corrected in zip(self.family, adjusted, strict=True)
            if self.ranking.pairs.n[i, j]
        }

    def to_best(self, i: int) -> Comparison | None:
        """The comparison of a ranked row with the row of the best mean."""
        rank = self.ranking.ranks[i] if self.ranking.ranks else None
        top = self.ranking.top
        if i == top or not self.results[i].is_complete or not self.results[top].is_complete:
            return None
        p, adjusted = float(self.ranking.p[i, top]), rank.p_best if rank else np.nan
        return self._comparison(self.ranking.pairs, i, top, p, adjusted, is_declared=False)

    def _comparison(
        self, pairs: Pairs, i: int, j: int, p: float, adjusted: float, *, is_declared: bool = True
    ) -> Comparison:
        alpha, n = self.suite.alpha, int(pairs.n[i, j])
        is_open = is_declared and not adjusted <= alpha and not self.ratio and n > 0
        needed = None
        if is_open and not np.isnan(p):
            needed = seeds_needed(
                float(pairs.difference[i, j]),
                float(pairs.variance[i, j]),
                float(pairs.df[i, j]) - (n - 1),
                comparisons=len(self.family),
                alpha=alpha,
            )
        test = name_of_test(pairs, i, j, test_ratio=self.ratio)
        return Comparison(
            first=self.results[i].row,
            second=self.results[j].row,
            difference=difference(
                pairs, i, j, alpha=alpha, test_ratio=self.ratio, unit=unit(self.metric)
            ),
            p=None if np.isnan(p) else p,
            adjusted=None if np.isnan(adjusted) else adjusted,
            test=test,
            caveat=caveat(n, test),
            seeds_needed=max(needed, n + 1) if needed else None,
            is_provisional=self.is_provisional,
        )


def _table(
    suite: SuiteDeclaration, results: Sequence[Result], metric: str
) -> Float[np.ndarray, "rows seeds"]:
    """A metric of each row, at the seeds that the suite declares for all of them; NaN without one.

    A row with a gap that no further run fills has NaN at every seed, and so has a complete row on
    which the metric is undefined at some seed.
    """
    place = metric, ranking_rule(suite)
    by_seed = [
        dict(zip((t.seed for t in r.configuration.trials), r.scores[place].values, strict=True))
        if _can_be_compared(r, r.scores[place])
        else {}
        for r in results
    ]
    declared = [{trial.seed for trial in r.configuration.trials} for r in results]
    shared = [seed for seed in suite.seeds if all(seed in seeds for seeds in declared)]
    rows = [[values.get(seed) for seed in shared] for values in by_seed]
    return np.array(rows, dtype=np.float64).reshape(len(results), len(shared))


def _can_be_compared(result: Result, score: Score) -> bool:
    if result.is_complete:
        return score.is_complete
    return bool(result.gaps) and all(gap.kind in PENDING for gap in result.gaps)
