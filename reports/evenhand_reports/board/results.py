"""The parts of a leaderboard: the result of each row on each problem, and the gaps in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from evenhand.declared.record import Evaluation, Record, Rule
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Configuration
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.statistics.ranks import Rank

GapKind = Literal["missing", "interrupted", "failed", "diverged", "other data", "undefined"]

PENDING: tuple[GapKind, ...] = ("missing", "interrupted")
"""Kinds of gaps that a further run fills."""


@dataclass(frozen=True)
class Gap:
    """A trial without a usable value, and the cause."""

    row: str
    title: str
    problem: str
    setting: str
    seed: int
    key: str
    kind: GapKind
    """`missing`: there is no record. `interrupted`, `failed`, `diverged`: the record's status.
    `other data`: the record's data differ from those of the other records of the same problem and
    seed. `undefined`: the metric is not defined on the record's counts."""

    cause: str = ""


@dataclass(frozen=True)
class Deviation:
    """An aspect of the environment in which a row differs from its reference at the same seeds."""

    reference: str
    """Title of the baseline, or `most rows`."""

    aspect: str
    """`device`, `precision`, `compilation`, `code`, or a package such as `torch`."""

    found: tuple[str, ...]
    expected: tuple[str, ...]
    n: int
    """Number of seeds at which they differ."""

    of: int
    """Number of seeds that both have."""

    def __str__(self) -> str:
        here, there = (" and ".join(texts) for texts in (self.found, self.expected))
        seeds = f" at {self.n} of {self.of} seeds" if self.n < self.of else ""
        return f"{self.aspect} {here} (not {there}){seeds}"


@dataclass(frozen=True)
class Score:
    """One metric on the test split at one checkpoint rule."""

    values: tuple[float | None, ...]
    """Value at each seed, in the suite's order; None where the seed has no value."""

    estimate: Estimate | None
    """Estimate over the seeds that have a value; None where no seed has one."""

    undefined: str = ""
    """The reason why usable records have no value; "" where all of them have one."""

    @property
    def is_complete(self) -> bool:
        """Whether every seed has a value."""
        return None not in self.values

    @property
    def is_undefined(self) -> bool:
        """Whether the metric has no value on any record, for a reason that is not their absence."""
        return self.estimate is None and self.undefined != ""


@dataclass(frozen=True)
class Candidate:
    """A setting that competed for a row under the suite's `select:`."""

    setting: str
    score: Estimate | None
    """The validation score; None where a seed has none, which excludes the setting."""

    trials: tuple[Trial, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the trials."""
        return tuple(trial.key for trial in self.trials)


@dataclass(frozen=True)
class Choice:
    """The setting that `select:` chose on validation data, among its candidates."""

    metric: str
    rule: Rule
    candidates: tuple[Candidate, ...]
    chosen: int | None
    """An index into `candidates`; None where no candidate has a validation score."""


@dataclass(frozen=True)
class Result:
    """One row on one problem."""

    row: str
    title: str
    problem: str
    configuration: Configuration
    """The setting whose scores are shown: the only one, or the one that `select:` chose."""

    records: tuple[Record | None, ...]
    """Record of each seed, in the suite's order; None where there is none."""

    scores: Mapping[tuple[str, Rule], Score]
    """Scores on the test split by metric and checkpoint rule."""

    gaps: tuple[Gap, ...]
    """Gaps of the configuration and of its competing settings."""

    is_complete: bool
    """Whether the ranking has all that it needs; only complete results are compared."""

    test_ratio: float = 0.0
    """n_test / n_train where the seeds are folds of a cross-validation, otherwise 0."""

    networks: Mapping[str, Record] = field(default_factory=dict)
    """Records of the networks of post-hoc trials, by the key of the post-hoc trial."""

    deviations: tuple[Deviation, ...] = ()
    """Differences of the environment from that of the baseline."""

    choice: Choice | None = None
    rank: Rank | None = None
    """Rank on the problem; None for an incomplete result, and where no test could be made."""

    to_best: Comparison | None = None
    """Difference from the row of the best mean; None for that row and without a comparison."""

    to_baseline: Comparison | None = None
    """Difference from the baseline; None for the baseline itself and without a comparison."""

    @property
    def is_bold(self) -> bool:
        """Whether the row is in the best group."""
        return self.rank is not None and self.rank.is_best

    @property
    def setting(self) -> str:
        """The chosen setting where settings competed; otherwise ""."""
        return self.configuration.setting if self.choice and self.choice.chosen is not None else ""

    def test_evaluations(self, rule: Rule) -> list[Evaluation]:
        """The evaluations on the test split at one rule, of the usable records."""
        found = [record.evaluation("test", rule) for record in self.usable_records]
        return [evaluation for evaluation in found if evaluation is not None]

    @cached_property
    def usable_records(self) -> list[Record]:
        """The records whose values are in the means."""
        excluded = {gap.key for gap in self.gaps if gap.kind == "other data"}
        return [
            record
            for record in self.records
            if record and record.exit.status == "done" and record.key not in excluded
        ]
