"""Places where trials run: a runner in this process or on Ray, and what it grants to trials."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from evenhand.execution.inline import run_inline
from evenhand.execution.rounds import Runner
from evenhand.execution.usage import Granted


class RunPlace(NamedTuple):
    """Where trials run: a runner, and what it grants them."""

    runner: Runner
    slots: int
    """Number of trials that run at a time."""
    granted: Granted
    """GPUs and CPU cores of a process, with all trials of a pack."""


def inline_place(
    cpus: float, gpus: float | None, pack: int, *, trains: bool, end_when_hung: bool
) -> RunPlace:
    """This process, in which one pack runs at a time.

    gpus: share of a GPU for each trial; None: a whole GPU for a pack, where there is one.
    trains: whether any trial is trained; looking for GPUs imports torch, which post-hoc methods do
    without.
    """
    from evenhand.execution.resources import this_machine

    there = this_machine() if trains else {"CPU": 1.0, "GPU": 0.0}
    share = 1.0 if gpus is None else min(1.0, gpus * pack)
    granted = Granted(share if there["GPU"] else 0.0, cpus * pack)
    # The trials of a pack share the cores of this process.
    slots = max(1, min(pack, int(there["CPU"] / cpus)))
    return RunPlace(partial(run_inline, end_when_hung=end_when_hung), slots, granted)
