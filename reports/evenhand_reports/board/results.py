"""What a leaderboard is made of: where each row stands on each problem, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evenhand.declared.record import Record, Rule
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Configuration
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.statistics.ranks import Rank

GapKind = Literal["missing", "interrupted", "failed", "diverged", "other data", "undefined"]


@dataclass(frozen=True)
class Gap:
    """A trial that a number lacks, and why.

    missing      no record
    interrupted, failed, diverged   how its record says it ended
    other data   its data are not those of the other records of the same problem and seed
    undefined    the metric is not defined on its counts
    """

    row: str
    title: str
    problem: str
    setting: str
    seed: int
    key: str
    kind: GapKind
    cause: str = ""


@dataclass(frozen=True)
class Score:
    """One metric on the test split at one checkpoint rule.

    values one a seed, in the suite's order; None where there is none. estimate is over the others.
    """

    values: tuple[float | None, ...]
    estimate: Estimate | None

    @property
    def is_whole(self) -> bool:
        return None not in self.values


@dataclass(frozen=True)
class Candidate:
    """A setting that competed for a row, and its validation score; None where not all seeds have
    one, which keeps it from being chosen."""

    setting: str
    score: Estimate | None
    trials: tuple[Trial, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(trial.key for trial in self.trials)


@dataclass(frozen=True)
class Choice:
    """What `select:` chose, on validation data; chosen is an index, None where none was whole."""

    metric: str
    rule: Rule
    candidates: tuple[Candidate, ...]
    chosen: int | None


@dataclass(frozen=True)
class Standing:
    """One row on one problem.

    configuration          the setting that stands for the row
    records       one a seed, in the suite's order; None where there is none
    scores        by metric and rule, on the test split
    gaps          what the configuration and its competing settings lack
    is_whole      nothing that the ranking needs is lacking; only whole standings are compared
    rank          None where not whole, or where no test can be made
    to_best, to_baseline  this row − the other; None for that row itself and where not compared
    """

    row: str
    title: str
    problem: str
    configuration: Configuration
    records: tuple[Record | None, ...]
    scores: Mapping[tuple[str, Rule], Score]
    gaps: tuple[Gap, ...]
    is_whole: bool
    choice: Choice | None = None
    rank: Rank | None = None
    to_best: Comparison | None = None
    to_baseline: Comparison | None = None

    @property
    def is_bold(self) -> bool:
        return self.rank is not None and self.rank.is_best

    @property
    def setting(self) -> str:
        """What was chosen, where settings competed."""
        return self.configuration.setting if self.choice and self.choice.chosen is not None else ""
