"""GPU time and time of CPU cores that trials have used, and a budget of it over many runs.

A trial uses its share of a GPU for as long as it runs; without a GPU, its CPU cores. The record of
a trial holds the sum over its attempts, so that a budget is counted from the store alone: it
survives a restart, and several runs on one store share it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from evenhand.declared.record import Record
from evenhand.errors import StoreError
from evenhand.execution.schedule import median_seconds
from evenhand.store import Head, Store
from evenhand.store.leases import Lease


@dataclass(frozen=True)
class Granted:
    """GPUs and CPU cores of a process or of a trial.

    >>> Granted(gpus=1.0, cpus=4.0).among(4)
    Granted(gpus=0.25, cpus=1.0)
    """

    gpus: float = 0.0
    cpus: float = 1.0

    def among(self, trials: int) -> Granted:
        """Share of each of several trials in one process."""
        return Granted(self.gpus / trials, self.cpus / trials)

    @property
    def units(self) -> float:
        """What a budget counts in each second of a trial: GPUs, or CPU cores without a GPU."""
        return self.gpus or self.cpus

    @property
    def hours(self) -> str:
        """Name of the unit of a budget."""
        return "GPU-hours" if self.gpus else "core-hours"

    def of_record(self, head: Head) -> float:
        """GPU-seconds, or core-seconds without a GPU, that the attempts of a trial have used.

        A record of an earlier version does not hold them: its time counts with this share.
        """
        was_on_gpu = head.device == "cuda" if head.gpu_seconds is None else head.gpu_seconds > 0
        if was_on_gpu != (self.gpus > 0):
            return 0.0
        recorded = head.gpu_seconds if self.gpus else head.core_seconds
        return max(0.0, head.seconds) * self.units if recorded is None else recorded


@dataclass(frozen=True)
class Ledger:
    """A budget of GPU time, or of core time, for all trials of a suite in one edition."""

    seconds: float
    """GPU-seconds, or core-seconds without a GPU, that the trials may use in all."""
    granted: Granted = field(default_factory=Granted)
    """Share of each trial."""
    keys: Collection[str] = ()
    """Keys of the trials of the suite."""
    expected: Mapping[str, float] = field(default_factory=dict)
    """Seconds that a trial was expected to run when the budget was last planned, by key."""
    kinds: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Method and workload of a trial, by which finished trials correct what is expected."""

    def used(self, heads: Mapping[str, Head]) -> float:
        """GPU-seconds, or core-seconds, that the trials with a record have used."""
        return sum(self.granted.of_record(heads[key]) for key in self.keys if key in heads)

    def left(self, store: Store) -> float:
        """What is left of the budget beside the trials with a record and those that run."""
        # The leases first: of a trial that ends in between there are both, and else neither.
        leases = store.leases.all()
        return self._left(leases, store.heads())

    def covers(self, key: str, store: Store) -> bool:
        """Whether a trial that is about to start fits into what is left of the budget."""
        leases = store.leases.all()
        heads = store.heads()
        needed = self.granted.units * self._expected(heads)(key)
        return needed <= self._left(leases, heads, besides=key)

    def _left(
        self, leases: Mapping[str, Lease], heads: Mapping[str, Head], besides: str = ""
    ) -> float:
        """What is left of the budget.

        A trial that runs counts with the time that is expected of it, or the time for which it has
        run where that is longer. besides: key of a trial of which only the latter counts.
        """
        expected, running = self._expected(heads), 0.0
        for key, lease in leases.items():
            attempts = heads[key].attempts if key in heads else 0
            if key in self.keys and not lease.is_over(attempts):
                least = 0.0 if key == besides else expected(key)
                running += self.granted.units * max(least, lease.seconds)
        return self.seconds - self.used(heads) - running

    def _expected(self, heads: Mapping[str, Head]) -> Callable[[str], float]:
        """The expected seconds of a trial by key, by finished trials of its method if any."""
        medians, planned = median_seconds(heads.values()), self.expected

        def of(key: str) -> float:
            return medians.get(self.kinds.get(key, ("", "")), planned.get(key, 0.0))

        return of

    def sentence(self, heads: Mapping[str, Head]) -> str:
        """What was used of how much, such as `12.5 of 40 GPU-hours are used`."""
        used, unit = self.used(heads) / 3600, self.granted.hours
        shown = "less than 0.01" if 0 < used < 0.01 else f"{used:.2f}"
        return f"{shown} of {self.seconds / 3600:g} {unit} are used"


def charged(record: Record, seconds: float, granted: Granted, store: Store) -> Record:
    """The record with the GPU time and the core time of all attempts of its trial.

    seconds: time for which the processes of this attempt ran.

    The time of a process that was killed counts up to its last beat; where its lease is gone, up to
    the state from which the trial went on.
    """
    before = _before(record, granted, store)
    gpu, core = seconds * granted.gpus, seconds * granted.cpus
    least = max(0.0, record.cost.seconds)
    cost = record.cost.model_copy(
        update={
            "gpu_seconds": max(before.gpus + gpu, least * granted.gpus),
            "core_seconds": max(before.cpus + core, least * granted.cpus),
        }
    )
    return record.model_copy(update={"cost": cost})


def _before(record: Record, granted: Granted, store: Store) -> Granted:
    """GPU-seconds and core-seconds of the attempts of a trial before this one."""
    if record.attempts == 1:
        return Granted(0.0, 0.0)
    try:
        found = next(iter(store.records([record.key])), None)
    except StoreError:
        # The record itself is what must not be lost.
        return Granted(0.0, 0.0)
    if found is None or found.attempts >= record.attempts:
        return Granted(0.0, 0.0)
    cost, is_old = found.cost, found.cost.gpu_seconds is None
    if is_old:
        on_gpu = found.provenance.device == "cuda"
        return Granted(cost.seconds * granted.gpus * on_gpu, cost.seconds * granted.cpus)
    return Granted(cost.gpu_seconds or 0.0, cost.core_seconds or 0.0)
