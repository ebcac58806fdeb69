"""Records of a plan's missing trials in other editions and in stores nearby."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.declared.trial import Trial
from evenhand.execution.plan import Plan
from evenhand.execution.stale import describe, find_stale
from evenhand.store.neighbours import NearbyEdition, editions_near

MOST_READ = 20
"""Editions whose index is read, which takes longer than the list of their keys."""
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
    for read, near in enumerate(editions_near(plan.location, plan.edition)):
        keys = near.keys()
        there = wanted.keys() & keys
        others = [trial for key, trial in wanted.items() if key not in there]
        stale = _stale(plan, near, others) if keys and others and read < MOST_READ else {}
        if there or stale:
            found.append(Neighbour(near.location, near.edition, len(there), stale))
    return tuple(heapq.nlargest(MOST_SHOWN, found, key=lambda n: (n.trials, n.size)))


def _stale(plan: Plan, near: NearbyEdition, others: Sequence[Trial]) -> Mapping[str, int]:
    current = (plan.suite.whole or plan.suite).trials.keys()
    return describe(find_stale(others, near.heads(), current))
