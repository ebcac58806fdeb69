"""How much of a suite there is: to say of a part what it leaves out."""

from __future__ import annotations

from typing import NamedTuple

from evenhand.suite.resolve import Suite


class Extent(NamedTuple):
    """How many of each. settings counts the settings of every row."""

    trials: int
    rows: int
    problems: int
    seeds: int
    settings: int


def extent_of(resolved: Suite) -> Extent:
    return Extent(
        trials=len(resolved.trials),
        rows=len(resolved.rows),
        problems=len(resolved.problems),
        seeds=len({trial.seed for trial in resolved.trials.values()}),
        settings=len(
            {
                (configuration.row, configuration.setting)
                for configuration in resolved.configurations
            }
        ),
    )
