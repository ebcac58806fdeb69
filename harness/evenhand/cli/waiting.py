"""`evenhand run --wait-for-cluster`: run again whenever the cluster is back."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from evenhand.cli.output import errors
from evenhand.ending import ExitCode
from evenhand.errors import RunError
from evenhand.execution.resources import check_listening

OPTION, UNTIL = "--wait-for-cluster", "--until"
WAIT_SECONDS = 10.0
"""Time between two looks at the cluster."""


def run_until_over(address: str | None, until: datetime | None = None) -> int:
    """Run this command without the option, in a process of its own, until its cluster holds.

    A process of its own, because a lost cluster may take the driver's process with it. Each time
    the plan is made anew from the store. Nothing is waited for after `until`. Returns the exit code
    of the last one; raises `RunError` without an address.
    """
    if address is None:
        raise RunError(
            f"{OPTION} waits for the cluster at an address, and this run has none\n"
            "  add --address HOST:PORT, or leave it out: a Ray on this machine is started anew"
        )
    arguments = [each for each in sys.argv[1:] if each != OPTION]
    if until is not None:
        arguments = with_until(arguments, until)
    while (code := _run_once(arguments)) == ExitCode.CLUSTER_LOST:
        errors().print(f"waiting for the cluster at {address}; Ctrl-C ends it", soft_wrap=True)
        time.sleep(WAIT_SECONDS)
        while not (is_over := _is_over(until)) and not _answers(address):
            time.sleep(WAIT_SECONDS)
        if is_over:
            text = f"it is after {until:%Y-%m-%d %H:%M}, so that no more trials are started; "
            text += "rerun the same command with another --until to run those that are left"
            errors().print(text, soft_wrap=True)
            return ExitCode.INCOMPLETE
    return code


def with_until(arguments: Sequence[str], until: datetime) -> list[str]:
    """The arguments of a command with this moment: `8h` would begin anew with each process.

    The last of two options of a name is used, and none is read after `--`.

    >>> with_until(["run", "--until", "07:00", "--", "s.yaml"], datetime(2026, 11, 29, 7))
    ['run', '--until', '07:00', '--until', '2026-11-29T07:00:00', '--', 's.yaml']
    """
    rest = list(arguments)
    place = rest.index("--") if "--" in rest else len(rest)
    rest[place:place] = [UNTIL, until.isoformat(timespec="seconds")]
    return rest


def _is_over(until: datetime | None) -> bool:
    return until is not None and time.time() >= until.timestamp()


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
