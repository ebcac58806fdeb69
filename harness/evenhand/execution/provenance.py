"""Where and with what a trial ran, as far as anyone needs to repeat it."""

from __future__ import annotations

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

PACKAGES = ("evenhand", "torch", "torchvision", "timm", "numpy", "ray", "scikit-learn")
ROOT = Path(__file__).parents[3]
MADE_OF = ("harness", "reports", "suites", "pyproject.toml", "constraints.txt")
"""Beside them lie results and reports, which change nothing."""


@dataclass(frozen=True)
class Commit:
    """The commit of this code, where it runs from a checkout; dirty where files differ from it."""

    commit: str | None
    dirty: bool | None


def now() -> str:
    """The time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def commit() -> Commit:
    """Of the checkout that this file is in; nothing where it was installed from a wheel."""
    return commit_of(ROOT)


def commit_of(root: Path) -> Commit:
    """Dirty where the package's own files were changed, or where code was added to `harness`."""

    def git(*arguments: str) -> str:
        return _output("git", "-C", str(root), *arguments)

    if not git("ls-files", "harness"):
        return Commit(None, None)
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *MADE_OF)
    added = git("ls-files", "--others", "--exclude-standard", "--", "harness")
    return Commit(git("rev-parse", "HEAD") or None, bool(changed or added))


@cache
def versions() -> dict[str, str]:
    """Of Python and of every package whose version can move a number."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def cpu() -> str:
    """The processor's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def driver() -> str | None:
    """The GPU driver's version."""
    text = _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return text.splitlines()[0] if text else None


def host() -> str:
    return socket.gethostname()


def command() -> str:
    """The command line as a shell takes it, with the program's name for its path."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
