"""`evenhand run --wait-for-cluster`: run again whenever the cluster is back."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Sequence

from evenhand.cli.output import errors
from evenhand.ending import ExitCode
from evenhand.errors import RunError
from evenhand.execution.resources import check_listening

OPTION, BUDGET = "--wait-for-cluster", "--budget"
WAIT_SECONDS = 10.0
"""Time between two looks at the cluster."""


def run_until_over(address: str | None, budget: float = math.inf) -> int:
    """Run this command without the option, in a process of its own, until its cluster holds.

    A process of its own, because a lost cluster may take the driver's process with it. Each time
    the plan is made anew from the store, and the budget is what is left of it in seconds. Returns
    the exit code of the last one; raises `RunError` without an address.
    """
    if address is None:
        raise RunError(
            f"{OPTION} waits for the cluster at an address, and this run has none\n"
            "  add --address HOST:PORT, or leave it out: a Ray on this machine is started anew"
        )
    until = time.monotonic() + budget
    arguments = [each for each in sys.argv[1:] if each != OPTION]
    while (code := _run_once(arguments)) == ExitCode.CLUSTER_LOST:
        errors().print(f"waiting for the cluster at {address}; Ctrl-C ends it", soft_wrap=True)
        time.sleep(WAIT_SECONDS)
        while (left := until - time.monotonic()) > 0 and not _answers(address):
            time.sleep(WAIT_SECONDS)
        if left <= 0:
            text = "the budget is over; rerun the same command to run the trials that are left"
            errors().print(text, soft_wrap=True)
            return ExitCode.INCOMPLETE
        if math.isfinite(left):
            arguments = with_budget(arguments, left)
    return code


def with_budget(arguments: Sequence[str], left: float) -> list[str]:
    """The arguments of a command with this budget in seconds in place of their own.

    >>> with_budget(["run", "--budget", "8h", "suite.yaml"], 90.0)
    ['run', 'suite.yaml', '--budget', '90.0s']
    >>> with_budget(["run", "--budget=8h", "suite.yaml"], 90.0)
    ['run', 'suite.yaml', '--budget', '90.0s']
    """
    rest = [each for each in arguments if not each.startswith(f"{BUDGET}=")]
    while BUDGET in rest:
        place = rest.index(BUDGET)
        del rest[place : place + 2]
    return [*rest, BUDGET, f"{left:.1f}s"]


def _run_once(arguments: Sequence[str]) -> int:
    # -P: no module of the current folder comes before an installed one.
    command = [sys.executable, "-P", "-m", "evenhand", *arguments]
    with subprocess.Popen(command) as process:  # noqa: S603  this command itself
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # Ctrl-C has reached it already; a signal to this process alone has not.
            process.terminate()
            code = process.wait()
    return code if code >= 0 else 128 - code


def _answers(address: str) -> bool:
    try:
        check_listening(address)
    except OSError:
        return False
    return True
