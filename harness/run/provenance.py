"""Where and with what a trial ran, as far as anyone needs to repeat it."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("evenhand", "torch", "torchvision", "timm", "numpy", "ray", "scikit-learn")
HERE = Path(__file__).parent


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
    tracked = _output("git", "-C", str(HERE), "ls-files", Path(__file__).name)
    if not tracked:
        return Commit(None, None)
    head = _output("git", "-C", str(HERE), "rev-parse", "HEAD")
    return Commit(head or None, bool(_output("git", "-C", str(HERE), "status", "--porcelain")))


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
    """The command line, with the program's name for its path."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
