"""Provenance of a trial: commit, package versions, machine and command."""

from __future__ import annotations

import contextlib
import platform
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from evenhand.declared.module_sources import PACKAGES
from evenhand.remote.urls import hidden

ROOT = Path(__file__).parents[3]
BUILT_FROM = Path(__file__).parents[1] / "COMMIT"
"""File in which an image, which is built without the checkout's history, has its commit."""
MADE_OF = ("harness", "reports", "suites", "pyproject.toml", "constraints.txt")
"""Files of the checkout that can change a result; others, such as results, cannot."""


@dataclass(frozen=True)
class Commit:
    """The commit of this code; None where it does not run from a checkout."""

    commit: str | None
    dirty: bool | None
    """Whether files differ from the commit."""


def now() -> str:
    """The time in UTC, to the second, in ISO 8601 format."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def commit() -> Commit:
    """The commit of the checkout that this file is in, or of the image; None in other wheels."""
    found = commit_of(ROOT)
    if found.commit is None and BUILT_FROM.is_file():
        return Commit(BUILT_FROM.read_text().strip() or None, None)
    return found


def commit_of(root: Path) -> Commit:
    """The commit of a checkout; dirty where `MADE_OF` changed or `harness` has untracked code."""

    def git(*arguments: str) -> str:
        return _output("git", "-C", str(root), *arguments)

    if not git("ls-files", "harness"):
        return Commit(None, None)
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *MADE_OF)
    added = git("ls-files", "--others", "--exclude-standard", "--", "harness")
    return Commit(git("rev-parse", "HEAD") or None, bool(changed or added))


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a number."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def cpu() -> str:
    """Model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def driver() -> str | None:
    """Version of the GPU driver; None where there is none."""
    text = _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return text.splitlines()[0] if text else None


class Gpu(NamedTuple):
    """A GPU as its driver describes it."""

    name: str
    """Model of the GPU."""
    gib: float
    """Its memory."""


@cache
def gpu() -> Gpu | None:
    """The GPU of this machine with the least memory; None where there is none.

    The driver is asked, because torch would take memory on the GPU. None, too, where a GPU is cut
    into slices (MIG): the driver gives the memory of the whole.
    """
    fields = "name,memory.total,mig.mode.current"
    text = _output("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits")
    found = []
    for line in text.splitlines():
        name, mib, slices = line.rsplit(",", 2)
        if slices.strip() == "Enabled":
            return None
        with contextlib.suppress(ValueError):
            found.append(Gpu(name.strip(), float(mib) / 1024))
    return min(found, key=lambda each: each.gib, default=None)


def host() -> str:
    """Name of the machine."""
    return socket.gethostname()


def command() -> str:
    """The command line in shell syntax, with the program's name in place of its path.

    URLs are without keys and passwords, because records are published.
    """
    return shlex.join([Path(sys.argv[0]).name, *map(hidden, sys.argv[1:])])


def nvidia_smi(fields: str, *options: str) -> str:
    """A line of the values of these fields for each GPU; empty where there is no answer in 10 s."""
    form = "--format=csv,noheader,nounits"
    return _output("nvidia-smi", f"--query-gpu={fields}", form, *options)


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
