"""Records of a plan's missing trials in other editions and in stores nearby."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from evenhand.execution.plan import Plan
from evenhand.execution.stale import describe, find_stale
from evenhand.store.neighbours import editions_near

MOST_READ = 20
"""Editions whose heads are read, which takes longer than the list of their keys."""
MOST_SHOWN = 4


@dataclass(frozen=True)
class Neighbour:
    """An edition that has records of trials that a plan misses."""

    location: str
    """Location of its store."""
    edition: str
    """Name of the edition."""
    trials: int
    """Number of missing trials that have a record in it."""
    stale: Mapping[str, int]
    """Reasons why earlier records in it are not used, each with its number of trials."""
    unread: int = 0
    """Number of its records that were not read, which may be further earlier records."""

    @property
    def size(self) -> int:
        """Number of the missing trials of which it has a record, an earlier one included."""
        return self.trials + sum(self.stale.values())


def find_neighbours(plan: Plan) -> tuple[Neighbour, ...]:
    """The editions near the store of a plan that have most records of its missing trials."""
    wanted = {trial.key: trial for trial in plan.missing if trial.key not in plan.heads}
    if not wanted:
        return ()
    found: list[Neighbour] = []
    current = (plan.suite.whole or plan.suite).trials.keys()
    read = 0
    for near in editions_near(plan.location, plan.edition):
        keys = near.keys()
        there = wanted.keys() & keys
        others = [trial for key, trial in wanted.items() if key not in there]
        stale, unread = {}, 0
        # Records of the suite itself are no earlier ones.
        if others and keys - current and read < MOST_READ:
            read += 1
            heads, unread = near.heads(keys - current)
            stale = describe(find_stale(others, heads, current))
        if there or stale:
            found.append(Neighbour(near.location, near.edition, len(there), stale, unread))
    return tuple(heapq.nlargest(MOST_SHOWN, found, key=lambda n: (n.trials, n.size)))
