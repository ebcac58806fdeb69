"""Use of the CPU and the GPU by this process, read in the thread that counts a lease's beats."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from evenhand.execution import provenance

READ_SECONDS = 30.0
"""Least time between two readings: `nvidia-smi` takes part of a second of a core, and a node may
have dozens of processes."""
SMI_FIELDS = "name,utilization.gpu,memory.used,memory.total"
PAGES_OF_MEMORY = Path("/proc/self/statm")
GIB = 2**30
MIB_OF_GIB = 1024


@dataclass
class Meter:
    """The latest reading of the use of the devices by this process."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _read: float | None = None
    """Time of the latest reading."""
    _cpu_seconds: float = field(default_factory=time.process_time)
    _began: float = field(default_factory=time.monotonic)
    latest: dict[str, Any] = field(default_factory=dict)
    """What `usage` gave last; empty before."""

    def usage(self) -> dict[str, Any]:
        """Fields of an `Activity`; those that cannot be read are left out.

        The trials of a process share its readings. A thread that would have to wait for another
        one's reading gets the one before it.
        """
        now = time.monotonic()
        if self._read is not None and now - self._read < READ_SECONDS:
            return self.latest
        if self._lock.acquire(blocking=False):
            try:
                self.latest, self._read = self._reading(now), now
            finally:
                self._lock.release()
        return self.latest

    def _reading(self, now: float) -> dict[str, Any]:
        used, since = time.process_time(), self._began
        before, self._cpu_seconds, self._began = self._cpu_seconds, used, now
        found: dict[str, Any] = {}
        if now > since:
            found["cpu_cores"] = round(max(0.0, used - before) / (now - since), 2)
        with suppress(OSError, ValueError, IndexError):
            pages = int(PAGES_OF_MEMORY.read_text().split()[1])
            found["memory_gib"] = round(pages * _page_bytes() / GIB, 3)
        gpu = gpu_of_process()
        if not gpu:
            return found | {"device": provenance.cpu()}
        return found | gpu | parse_smi(ask_smi(gpu["gpu"]))


@cache
def meter() -> Meter:
    """The meter of this process."""
    return Meter()


def gpu_of_process() -> dict[str, str]:
    """Model and UUID of the GPU that this process uses; empty where it uses none.

    A process that has not used CUDA is not made to: that would take memory of a GPU.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    found = torch.cuda.get_device_properties(0)
    uuid = str(found.uuid)
    return {
        "device": found.name,
        "gpu": uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}",
    }


def ask_smi(gpu: str) -> str:
    """Answer of `nvidia-smi` on a GPU; empty where there is none."""
    return provenance.nvidia_smi(SMI_FIELDS, f"--id={gpu}")


def parse_smi(answer: str) -> dict[str, Any]:
    """Fields of an `Activity` in an answer of `nvidia-smi`; `[N/A]`, as of a MIG slice, is none.

    >>> parse_smi("NVIDIA H200, 37, 2048, 143360")
    {'device': 'NVIDIA H200', 'gpu_use': 0.37, 'gpu_memory_gib': 2.0, 'gpu_total_gib': 140.0}
    """
    cells = answer.strip().rsplit(", ", 3)
    if len(cells) != len(SMI_FIELDS.split(",")):
        return {}
    name, use, used, total = cells
    found: dict[str, Any] = {"device": name}
    places = (("gpu_use", use, 100), ("gpu_memory_gib", used, MIB_OF_GIB))
    for field_name, cell, unit in (*places, ("gpu_total_gib", total, MIB_OF_GIB)):
        with suppress(ValueError):
            found[field_name] = round(float(cell) / unit, 3)
    return found


def _page_bytes() -> int:
    import resource

    return resource.getpagesize()
