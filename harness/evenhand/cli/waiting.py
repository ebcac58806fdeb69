"""`evenhand run --wait-for-cluster`: run again whenever the cluster is back."""

from __future__ import annotations

import subprocess
import sys
import time

from evenhand.cli.output import errors
from evenhand.ending import ExitCode
from evenhand.errors import RunError
from evenhand.execution.resources import check_listening

OPTION = "--wait-for-cluster"
WAIT_SECONDS = 10.0
"""Time between two looks at the cluster."""


def run_until_over(address: str | None) -> int:
    """Run this command without the option, in a process of its own, until its cluster holds.

    A process of its own, because a lost cluster may take the driver's process with it. Each time
    the plan is made anew from the store. Returns the exit code of the last one; raises `RunError`
    without an address.
    """
    if address is None:
        raise RunError(
            f"{OPTION} waits for the cluster at an address, and this run has none\n"
            "  add --address HOST:PORT, or leave it out: a Ray on this machine is started anew"
        )
    while (code := _run_once()) == ExitCode.CLUSTER_LOST:
        errors().print(f"waiting for the cluster at {address}; Ctrl-C ends it", soft_wrap=True)
        time.sleep(WAIT_SECONDS)
        while not _answers(address):
            time.sleep(WAIT_SECONDS)
    return code


def _run_once() -> int:
    arguments = [each for each in sys.argv[1:] if each != OPTION]
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
