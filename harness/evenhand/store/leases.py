"""Leases of trials, by which several runs on one store share the work.

A lease is the file `.leases/<key>.<generation>.json` of an edition. The process that trains a trial
holds it, and counts its `beats` up. A lease whose count stands still for `STALE_SECONDS` is stale,
and a file of the next generation takes its place. The file is made only where there is none of its
name, so that one of several processes wins. No times of two clocks are compared: who waits for a
lease measures on its own clock for how long the count has stood still.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evenhand.errors import StoreError
from evenhand.store.activity import SomeActivity
from evenhand.store.edition import Edition
from evenhand.store.files import Files, hasty
from evenhand.store.local import LocalFiles
from evenhand.store.process import Process

BEAT_SECONDS = 10.0
"""Time between two counts of a lease's beats."""
STALE_SECONDS = 60.0
"""Time after which a lease whose beats stand still is stale."""
FOLDER, LEASE_BYTES, STACK_BYTES = ".leases", 1 << 16, 1 << 20
"""Folder of the leases, and most bytes of a lease, and of the stack of a hang, that are read."""
NAME = re.compile(r"([0-9a-f]{32})\.([0-9]{1,9})\.json")
HANG = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\.hang")


class Lease(BaseModel):
    """The right of one process to train one trial."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    key: str
    generation: int = 1
    run: str
    """Identity of the run, the same for all of its processes."""
    user: str = ""
    """Name of the user who started the run."""
    process: Process = Process()
    node: str = ""
    """Identity of the Ray node; empty without Ray."""
    actor: str = ""
    """Identity of the Ray actor; empty without Ray."""
    attempt: int = 0
    """Attempt of the trial for which it is held; 0 where it is not known."""
    beats: int = 0
    seconds: float = Field(default=0.0, ge=0, le=1e12)
    """Time for which processes have held it in this attempt, up to the last beat."""
    gpus: float | None = Field(default=None, ge=0, le=1e6)
    """GPUs that its process grants to the trial; None: not known, as in `cpus`."""
    cpus: float | None = Field(default=None, ge=0, le=1e6)
    """CPU cores that its process grants to the trial."""
    gpu_seconds: float | None = Field(default=None, ge=0, le=1e12)
    """GPU time of this attempt, up to the last beat; None: not known, as in `core_seconds`."""
    core_seconds: float | None = Field(default=None, ge=0, le=1e12)
    """Time of CPU cores of this attempt, up to the last beat."""
    starts: int = 1
    """Starts of the trial, with this one, that led to no record and no later saved state."""
    lost_nodes: int = 0
    """Starts that a lost node ended since the last saved state."""
    hang: str = ""
    """File beside the leases in which a process that hangs leaves where it did; empty if none."""
    activity: SomeActivity = None
    """Progress and use of the device at the last beat; None before it, or where it is not known."""

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.key}.{self.generation}.json"

    def is_over(self, attempts: int) -> bool:
        """Whether the record of its attempt is there, by the attempts of that record.

        Its process was killed before it could give the lease back.
        """
        return 0 < self.attempt <= attempts

    @property
    def owner(self) -> str:
        """The user and the machine of its process, as messages show them."""
        return f"{self.user}@{self.process.host}" if self.user else self.process.host or "unknown"

    @property
    def holder(self) -> str:
        """The run that holds it, as messages show it: user, machine and number of the process."""
        return f"{self.owner}, process {self.process.pid}" if self.process.pid else self.owner


class LeaseLostError(StoreError):
    """Another process has taken over a lease, because this one did not count its beats."""


@dataclass(frozen=True)
class Leases:
    """The leases of one edition.

    >>> import tempfile
    >>> from evenhand.store.files import open_files
    >>> leases = Leases(open_files(tempfile.mkdtemp()), "main")
    >>> mine = leases.take(Lease(key="0a" * 16, run="mine"))
    >>> leases.take(Lease(key="0a" * 16, run="other")) is None
    True
    >>> leases.release(mine)
    >>> leases.all()
    {}
    """

    files: Files
    edition: str

    def all(self) -> dict[str, Lease]:
        """The lease of each trial that has one, by key: the file of the latest generation.

        Raises `StoreError` where the leases cannot be listed.
        """
        found: dict[str, Lease] = {}
        with self._named():
            paths = self._names()
        for path in paths:
            lease = self._read(path)
            if lease and (lease.key not in found or found[lease.key].generation < lease.generation):
                found[lease.key] = lease
        return dict(sorted(found.items()))

    def of_run(self, run: str) -> dict[str, Lease]:
        """The leases that the processes of a run hold or have left, by key. Raises `StoreError`."""
        return {key: lease for key, lease in self.all().items() if lease.run == run}

    def of(self, key: str) -> Lease | None:
        """The lease of a trial; None where there is none. Raises `StoreError`."""
        with self._named():
            names = self._names(key)
        return self._read(max(names, key=_generation)) if names else None

    def take(self, lease: Lease, *, over: Lease | None = None) -> Lease | None:
        """Take a lease where there is none, or over a stale one; None where another was faster.

        Raises `StoreError` where it cannot be written.
        """
        if over is not None:
            lease = lease.model_copy(update={"generation": over.generation + 1})
        current = self.of(lease.key)
        if current is not None and (over is None or current.generation != over.generation):
            return None
        with self._named():
            if not self.files.create(self._path(lease), lease.model_dump_json().encode()):
                return None
        if over is not None:
            self.release(over)
        return lease

    def beat(self, lease: Lease) -> Lease:
        """Count the beats up. Raises `LeaseLostError` where another process has taken over.

        A store that does not answer is no reason to end a trial: its next beat tries again.
        """
        if not self.is_held(lease):
            raise LeaseLostError(
                f"{lease.key}: another run has taken over this trial, because this process "
                f"gave no sign of life for {STALE_SECONDS:.0f} s\n"
                "  nothing is lost: the other run writes the record"
            )
        counted = lease.model_copy(update={"beats": lease.beats + 1})
        with suppress(OSError, StoreError):
            hasty(self.files).write(self._path(counted), counted.model_dump_json().encode())
            return counted
        return lease

    def is_held(self, lease: Lease) -> bool:
        """Whether no other process has taken over a lease, or written one in its place.

        Object storage takes the files of two processes, and the last one stays.
        """
        at_once = replace(self, files=hasty(self.files))
        try:
            names = at_once._names(lease.key)
        except OSError:
            return True
        if max(map(_generation, names), default=0) != lease.generation:
            return False
        there = at_once._read(self._path(lease))
        return there is None or there.process in (Process(), lease.process)

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that is left becomes stale."""
        with suppress(OSError):
            hasty(self.files).remove(self._path(lease))

    def remove_over(self, attempts: Mapping[str, int]) -> None:
        """Remove the leases that are over, by the attempts of each trial's record."""
        with suppress(OSError, StoreError):
            for key, lease in self.all().items():
                if lease.is_over(attempts.get(key, 0)):
                    self.release(lease)

    def hang_file(self, name: str) -> Path | None:
        """Make a file for the stack of a process that hangs; its path, None in object storage.

        None, too, where it cannot be made: the claim of a trial then reports the cause.
        """
        if not isinstance(self.files, LocalFiles):
            return None
        path = f"{self._folder}/{name}"
        # As every file of the store: through no link, not under a mount point, open to the group.
        with suppress(OSError, StoreError):
            self.files.create(path, b"")
            return self.files.root / path
        return None

    def hang(self, lease: Lease) -> str:
        """Where the process of a lease hung; empty where it did not."""
        if not HANG.fullmatch(lease.hang):
            return ""
        with suppress(OSError):
            stack = self.files.read(f"{self._folder}/{lease.hang}", STACK_BYTES)
            return stack.decode(errors="replace")
        return ""

    def remove_hangs(self, run: str) -> None:
        """Remove the files that processes of a run made for the case of a hang."""
        with suppress(OSError):
            for path in self.files.versions(self._folder, ""):
                name = path.rpartition("/")[2]
                if HANG.fullmatch(name) and name.startswith(f"{run}-"):
                    self.files.remove(path)

    @property
    def _folder(self) -> str:
        return f"{self.edition}/{FOLDER}"

    def _path(self, lease: Lease) -> str:
        return f"{self._folder}/{lease.name}"

    def _named(self) -> AbstractContextManager[None]:
        return Edition(self.files, self.edition).named(FOLDER)

    def _names(self, key: str = "") -> list[str]:
        # A folder in the place of a lease is one that cannot be read.
        found = [path.rstrip("/") for path in self.files.versions(self._folder, "")]
        names = {path: NAME.fullmatch(path.rpartition("/")[2]) for path in found}
        return [path for path, name in names.items() if name and key in ("", name[1])]

    def _read(self, path: str) -> Lease | None:
        """The lease in a file; one of an unknown process where the file cannot be read as it."""
        name = path.rpartition("/")[2]
        unknown = Lease(key=name.partition(".")[0], generation=_generation(path), run="")
        try:
            lease = Lease.model_validate_json(self.files.read(path, LEASE_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            return unknown
        return lease if lease.name == name else unknown


@dataclass
class LeaseWatch:
    """Leases as one process sees them over time, by which it finds those that are stale.

    Of the time between two looks at most one beat counts: where the store does not answer for a
    while, it answers neither this process nor the one that counts the beats.
    """

    seconds: float = STALE_SECONDS
    _seen: dict[tuple[str, int], _Seen] = field(default_factory=dict)

    def stale(self, leases: Iterable[Lease]) -> list[Lease]:
        """The leases whose process has ended, or whose beats stand still since `seconds`."""
        now, found, seen = time.monotonic(), [], {}
        for lease in leases:
            place = (lease.key, lease.generation)
            before = self._seen.get(place)
            still = 0.0
            if before is not None and before.beats == lease.beats:
                still = before.still + min(now - before.looked, BEAT_SECONDS)
            seen[place] = _Seen(lease.beats, still, now)
            if lease.process.is_known_dead or still >= self.seconds:
                found.append(lease)
        self._seen = seen
        return found


@dataclass(frozen=True)
class _Seen:
    beats: int
    still: float
    """Seconds for which the beats have stood still."""
    looked: float


def _generation(path: str) -> int:
    """The generation in a file's name."""
    return int(path.split(".")[-2])
