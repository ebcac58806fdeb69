"""Processes of a machine, by which another process of the machine finds whether they live."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Process(BaseModel):
    """A process of a machine."""

    model_config = ConfigDict(frozen=True)

    host: str = ""
    machine: str = ""
    """Boot and process namespace; equal for processes that see each other's numbers."""
    pid: int = 0
    started: str = ""
    """Start of the process in ticks since the boot: numbers of processes are used again."""

    @classmethod
    def this(cls) -> Process:
        """This process."""
        pid = os.getpid()
        return cls(host=socket.gethostname(), machine=_machine(), pid=pid, started=_started(pid))

    @property
    def is_known_dead(self) -> bool:
        """Whether the process ran on this machine and has ended."""
        return bool(self.machine) and self.machine == _machine() and self._is_over()

    def _is_over(self) -> bool:
        return _started(self.pid) != self.started


@cache
def _machine() -> str:
    """Boot and process namespace of this machine; empty where they are unknown, as on macOS."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Start of a process in ticks since the boot; empty where there is no such process."""
    try:
        # The name in parentheses may contain spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A zombie has ended.
    return "" if fields[0] in "ZX" else fields[19]
