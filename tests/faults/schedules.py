"""Schedules of faults, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

ROWS = ("erm", "la", "vs", "erm: {as: distilled, teacher: erm}", "erm: {posthoc: tau_norm}")
"""Rows of a suite: plain methods, a student of a teacher and a post-hoc method."""
LEAST_SEEDS, MOST_SEEDS = 3, 8
STOPPED, LOST, REFUSED, INCOMPLETE, KILLED = 130, 3, 2, 1, -9


@dataclass(frozen=True)
class Kind:
    """A kind of fault, and what a run may make of it."""

    codes: tuple[int, ...] = ()
    """Exit codes with which a run that it hits may end, besides 0."""
    told: str = ""
    """Pattern of the message of a run that ends so; empty where none is printed."""
    fails: str = ""
    """Pattern of the cause in the record of the trial that it makes fail; empty where none does."""
    needs: frozenset[str] = frozenset()
    """What the place must have: "namespaces", "folder" or "objects" for the store, "memory"."""


NOT_DRAWN = frozenset({"nodes replaced"})
"""Kinds that need a cluster made for them, as one of `FIXED` has."""
NETWORK, FOLDER = frozenset({"namespaces"}), frozenset({"namespaces", "folder"})
KINDS: dict[str, Kind] = {
    "worker killed": Kind(),
    "node killed": Kind(),
    "nodes replaced": Kind(),
    "mailbox killed": Kind(),
    "driver killed": Kind(codes=(KILLED,)),
    "driver stopped by SIGTERM": Kind(codes=(STOPPED,), told="the run is stopped"),
    "head killed": Kind(codes=(LOST,), told="Ray was lost|must answer"),
    "network cut": Kind(needs=NETWORK),
    "network cut for long": Kind(needs=NETWORK),
    "slow link": Kind(needs=NETWORK),
    "disk full": Kind(codes=(REFUSED,), told="(?i)no space left", needs=FOLDER),
    "root read-only": Kind(codes=(REFUSED,), told="(?i)read-only", needs=FOLDER),
    "root vanished": Kind(
        codes=(REFUSED,), told="not the results folder", needs=frozenset({"folder"})
    ),
    "trial hangs": Kind(codes=(INCOMPLETE,), fails="^hung: it made no progress"),
    "trial holds the GIL": Kind(codes=(INCOMPLETE,), fails="^hung: it held the interpreter"),
    "trial takes all memory": Kind(needs=frozenset({"memory"})),
    "second driver": Kind(),
    "second driver inline": Kind(),
    "node joins": Kind(),
    "node with other code joins": Kind(),
    "node without the folder joins": Kind(needs=FOLDER),
    "node with its clock set back joins": Kind(),
    "object storage away": Kind(needs=frozenset({"objects"})),
}


@dataclass(frozen=True)
class Fault:
    """A fault at a moment of a run."""

    kind: str
    share: float
    """Share of the records that must be there before; below 0: while the run starts."""
    delay: float
    """Seconds after that."""
    seconds: float
    """How long it lasts, where it ends by itself."""
    node: int
    """Number of the node that it hits, where it hits one: the head is 1."""

    def __str__(self) -> str:
        when = "at the start" if self.share < 0 else f"at {self.share:.0%}"
        return f"{self.kind} ({when})"


@dataclass(frozen=True)
class Schedule:
    """What happens to one suite."""

    seed: int
    faults: tuple[Fault, ...]
    n_seeds: int = LEAST_SEEDS
    """Seeds of the suite, which has `ROWS` rows."""
    head_cpus: int = 1
    """CPUs of the head for trials: without one, the other nodes train alone."""
    objects: bool = False
    """Whether the store is in object storage."""

    @property
    def needs(self) -> frozenset[str]:
        """What the place must have."""
        return frozenset().union(*(KINDS[fault.kind].needs for fault in self.faults))


FIXED = (
    Schedule(
        seed=-1,
        faults=(
            Fault("worker killed", share=0.1, delay=0.5, seconds=0, node=2),
            Fault("node killed", share=0.3, delay=0.5, seconds=0, node=3),
            Fault("driver killed", share=0.5, delay=0.5, seconds=0, node=1),
        ),
    ),
    Schedule(
        seed=-2,
        faults=(
            Fault("node with other code joins", share=-1, delay=0.5, seconds=0, node=4),
            Fault("mailbox killed", share=0.2, delay=0.5, seconds=0, node=1),
            Fault("driver stopped by SIGTERM", share=0.5, delay=0.5, seconds=0, node=1),
        ),
    ),
    Schedule(
        seed=-3,
        faults=(Fault("nodes replaced", share=0.1, delay=0.5, seconds=0, node=2),),
        head_cpus=0,
    ),
)
"""Schedules for every change of the code, which need nothing of the machine."""


def draw(seed: int, *, place: frozenset[str] = frozenset({"namespaces", "memory"})) -> Schedule:
    """Draw a schedule of two to four faults of different kinds.

    place: what the place has, which a fault may need.

    >>> draw(3) == draw(3)
    True
    >>> len({fault.kind for fault in draw(3).faults}) in (2, 3, 4)
    True
    """
    rng = random.Random(seed)
    objects = rng.random() < 0.2
    has = place | {"objects" if objects else "folder"}
    possible = [name for name, kind in KINDS.items() if kind.needs <= has and name not in NOT_DRAWN]
    names = rng.sample(possible, rng.randint(2, 4))
    if objects and "object storage away" not in names:
        names[0] = "object storage away"
    faults = sorted((_fault(name, rng) for name in names), key=lambda fault: fault.share)
    n_seeds = rng.randint(LEAST_SEEDS, MOST_SEEDS)
    return Schedule(seed, tuple(faults), n_seeds=n_seeds, objects=objects)


def _fault(kind: str, rng: random.Random) -> Fault:
    at_start = rng.random() < 0.1
    seconds = rng.uniform(45, 60) if kind.endswith("for long") else rng.uniform(5, 15)
    return Fault(
        kind=kind,
        share=-1.0 if at_start else rng.uniform(0, 0.8),
        delay=rng.uniform(0, 8 if at_start else 2),
        seconds=seconds,
        node=rng.choice((2, 3)),
    )
