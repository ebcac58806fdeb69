"""The size of a suite, so that a report on a part of it states what it leaves out."""

from __future__ import annotations

from typing import NamedTuple

from evenhand.suite.resolve import Suite


class SuiteSize(NamedTuple):
    """Numbers of trials, rows, problems, seeds and settings."""

    trials: int
    rows: int
    problems: int
    seeds: int
    settings: int
    """Number of settings, added up over all rows."""


def size_of(suite: Suite) -> SuiteSize:
    """The size of a suite, or of the part of it that `--only` keeps."""
    return SuiteSize(
        trials=len(suite.trials),
        rows=len(suite.rows),
        problems=len(suite.problems),
        seeds=len({trial.seed for trial in suite.trials.values()}),
        settings=len({(each.row, each.setting) for each in suite.configurations}),
    )
