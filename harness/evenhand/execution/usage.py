"""GPU time and time of CPU cores that trials have used, and a budget of it over many runs.

A trial uses its share of a GPU for as long as it runs; without a GPU, its CPU cores. The record of
a trial holds the sum over its attempts, so that a budget is counted from the store alone: it
survives a restart, and several runs on one store share it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.errors import StoreError
from evenhand.execution.schedule import median_seconds
from evenhand.store import Head, Store
from evenhand.store.leases import Lease


@dataclass(frozen=True)
class Used:
    """Time for which the processes of a trial have run, with its GPU time and core time.

    >>> Used(10.0, 2.5, 10.0) + Used(10.0, 10.0, 40.0)
    Used(seconds=20.0, gpu_seconds=12.5, core_seconds=50.0)
    """

    seconds: float = 0.0
    gpu_seconds: float = 0.0
    core_seconds: float = 0.0

    def __add__(self, other: Used) -> Used:
        """The sum of both."""
        return Used(
            self.seconds + other.seconds,
            self.gpu_seconds + other.gpu_seconds,
            self.core_seconds + other.core_seconds,
        )


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

    def of_trial(self, trial: Trial) -> Granted:
        """What a trial uses of its share: a post-hoc method uses no GPU."""
        return replace(self, gpus=0.0) if trial.posthoc else self

    def over(self, seconds: float) -> Used:
        """What is used in a time."""
        return Used(seconds, seconds * self.gpus, seconds * self.cpus)

    def of_lease(self, lease: Lease) -> Granted:
        """Share of a trial that runs; this share where its lease does not hold one."""
        if lease.gpus is None or lease.cpus is None:
            return self
        return Granted(lease.gpus, lease.cpus)

    def used_of(self, lease: Lease) -> Used:
        """What this attempt has used up to the last beat of its lease.

        A lease of an earlier version holds the time alone, which counts with this share.
        """
        if lease.gpu_seconds is None or lease.core_seconds is None:
            return self.over(lease.seconds)
        return Used(lease.seconds, lease.gpu_seconds, lease.core_seconds)

    def counted(self, gpu: float, core: float) -> float:
        """What a budget in the unit of this share counts of an amount of GPUs and of CPU cores.

        >>> Granted(gpus=0.25).counted(1.0, 8.0), Granted(gpus=0.25).counted(0.0, 8.0)
        (1.0, 0.0)
        """
        if self.gpus:
            return gpu
        return 0.0 if gpu else core

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
    """Share of a trial for which the run is planned; its `hours` are the unit of the budget."""
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
        heads = store.heads()
        return self._left(leases, heads, self._expected(heads))

    def covers(self, key: str, store: Store, share: Granted) -> bool:
        """Whether a trial that is about to start fits into what is left of the budget.

        share: GPUs and CPU cores that the trial uses, which may differ from `granted`.
        """
        leases = store.leases.all()
        heads = store.heads()
        expected = self._expected(heads)
        needed = self._units(share) * expected(key)
        return needed <= self._left(leases, heads, expected, besides=key)

    def _left(
        self,
        leases: Mapping[str, Lease],
        heads: Mapping[str, Head],
        expected: Callable[[str], float],
        besides: str = "",
    ) -> float:
        """What is left of the budget.

        A trial that runs counts with its share and the time that is expected of it, or with what it
        has used where that is more. besides: key of a trial of which only the latter counts.
        """
        running = 0.0
        for key, lease in leases.items():
            attempts = heads[key].attempts if key in heads else 0
            if key in self.keys and not lease.is_over(attempts):
                used, share = self.granted.used_of(lease), self.granted.of_lease(lease)
                so_far = self.granted.counted(used.gpu_seconds, used.core_seconds)
                least = 0.0 if key == besides else self._units(share) * expected(key)
                running += max(least, so_far)
        return self.seconds - self.used(heads) - running

    def _units(self, share: Granted) -> float:
        """What the budget counts in each second of a trial with a share."""
        return self.granted.counted(share.gpus, share.cpus)

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


def charged(record: Record, used: Used, granted: Granted, store: Store) -> Record:
    """The record with the GPU time and the core time of all attempts of its trial.

    used: what the processes of this attempt have used.

    The time of a process that was killed counts up to its last beat; where its lease is gone, up to
    the state from which the trial went on, with the share that is granted now.
    """
    granted = granted.of_trial(record.trial)
    before = _before(record, granted, store)
    # The seconds of a record add up over attempts. What an earlier record holds was counted there,
    # with the share of that time.
    least = granted.over(max(0.0, record.cost.seconds - before.seconds))
    gpu, core = max(used.gpu_seconds, least.gpu_seconds), max(used.core_seconds, least.core_seconds)
    update = {"gpu_seconds": before.gpu_seconds + gpu, "core_seconds": before.core_seconds + core}
    return record.model_copy(update={"cost": record.cost.model_copy(update=update)})


def _before(record: Record, granted: Granted, store: Store) -> Used:
    """What the attempts of a trial before this one have used."""
    if record.attempts == 1:
        return Used()
    try:
        found = next(iter(store.records([record.key])), None)
    except StoreError:
        # The record itself is what must not be lost.
        return Used()
    if found is None or found.attempts >= record.attempts:
        return Used()
    cost = found.cost
    if cost.gpu_seconds is None:
        on_gpu = found.provenance.device == "cuda"
        return replace(granted, gpus=granted.gpus * on_gpu).over(max(0.0, cost.seconds))
    core = cost.core_seconds or 0.0
    # The record of a process that was killed has no seconds of its own.
    seconds = max(cost.seconds, core / granted.cpus if granted.cpus else 0.0)
    return Used(seconds, cost.gpu_seconds, core)
