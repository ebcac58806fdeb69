"""Choice of a place for each trial of a round: where it is expected to end first."""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.measured import Measured
from evenhand.execution.node_places import Node, Place, cpu_places, gpu_places, share_of
from evenhand.execution.packs import Pack
from evenhand.execution.resources import Resources

OVERDUE = 0.1
"""Time for which a trial runs on that exceeds its estimate, as a part of its time so far."""


@dataclass
class Assigned:
    """A pack that has a place and has not ended."""

    place: Place
    seconds: float
    """Expected time."""
    started: float | None = None

    def left(self, now: float) -> float:
        """Expected time until its end."""
        if self.started is None:
            return self.seconds
        passed = now - self.started
        return max(self.seconds - passed, OVERDUE * passed)


@dataclass
class Placing:
    """Places of the packs of a round, chosen when Ray Tune makes a trial of each."""

    resources: Resources
    """Resources of a trial as the user asked for them."""
    taken: Resources
    """Resources of a pack where nothing is measured."""
    measured: Measured = field(default_factory=Measured)
    leaves_cpus: bool = True
    """Whether trials without a GPU leave CPUs of nodes with GPUs free, for other runs."""
    packs: Sequence[Pack] = ()
    execution: Execution = field(default_factory=Execution)
    assigned: dict[int, Assigned] = field(default_factory=dict)
    """Packs that have a place and have not ended, by index."""
    _index: dict[str, int] = field(default_factory=dict)
    _open: dict[int, set[str]] = field(default_factory=dict)
    """Keys of the trials of each pack that have not ended in this round, by index."""

    def begin(self, packs: Sequence[Pack], execution: Execution, taken: Resources) -> None:
        """Begin a round."""
        self.packs, self.execution, self.taken = packs, execution, taken
        self._index = {trial.key: i for i, pack in enumerate(packs) for trial in pack}
        self._open = {i: {trial.key for trial in pack} for i, pack in enumerate(packs)}
        self.assigned.clear()

    def see(self, event: Event) -> None:
        """Learn from an event of a trial."""
        index = self._index.get(event.key)
        if index is None:
            return
        trial = next(trial for trial in self.packs[index] if trial.key == event.key)
        mine = self.assigned.get(index)
        if event.kind == "started" and mine is not None:
            mine.started = time.monotonic()
        elif event.kind == "again":
            self.measured.exceeded.add(trial.workload)
        elif event.kind == "ended" and event.status == "done":
            seconds, gib = event.seconds or 0.0, event.gpu_memory_gib
            self.measured.add(trial.method.name, trial.workload, seconds, event.gpu, gib)
        if event.kind in ("ended", "left", "held", "again"):
            self._close(index, event.key)

    def _close(self, index: int, key: str) -> None:
        """Note that a trial has ended: its pack ends with the last of them."""
        keys = self._open.get(index, set())
        keys.discard(key)
        if not keys:
            self.end(index)

    def end(self, index: int) -> None:
        """Note that a pack does not run again in this round, although it has open trials."""
        self._open.pop(index, None)
        self.assigned.pop(index, None)

    def bundles(self, nodes: Sequence[Node], most: int) -> list[dict[str, float]]:
        """Resources of each pack that has not ended, up to a number of packs.

        Where the share of a GPU differs between the nodes, it is the largest, because the model of
        the next node is not known.
        """
        return [self._bundle(self.packs[i], nodes) for i in [*self._open][:most]]

    def _bundle(self, pack: Pack, nodes: Sequence[Node]) -> dict[str, float]:
        cpus, gpus = self.taken.cpus, self.taken.gpus or 0.0
        if self._takes_gpu(pack) and not self.execution.whole_node:
            shares = {self._share(pack, node) for node in nodes if node.gpus}
            whole = max(1.0, gpus) if shares else gpus
            gpus = max((share for share in shares if share is not None), default=whole)
        elif not self.execution.whole_node:
            gpus = 0.0
        return {"CPU": cpus} | ({"GPU": gpus} if gpus else {})

    def _takes_gpu(self, pack: Pack) -> bool:
        return bool(self.taken.gpus) and not any(trial.posthoc for trial in pack)

    def place(self, index: int, nodes: Sequence[Node]) -> Place:
        """The place where a pack is expected to end first, which it is assigned to."""
        pack = self.packs[index]
        places = self._places(pack, nodes)
        found = [(self._seconds(pack, place), place) for place in places]
        if len(found) > 1:
            found.sort(key=lambda each: each[0] + self._free_after(each[1]))
        seconds, place = found[0]
        self.assigned[index] = Assigned(place, seconds)
        return place

    def _places(self, pack: Pack, nodes: Sequence[Node]) -> list[Place]:
        cpus, gpus = self.taken.cpus, self.taken.gpus or 0.0
        rest = {"CPU": cpus} | ({"GPU": gpus} if gpus else {})
        room = [node for node in nodes if node.cpus >= cpus and node.gpus >= gpus]
        anywhere = Place(frozenset(node.identity for node in room), rest, 1)
        if self.execution.whole_node:
            return [anywhere]
        if self._takes_gpu(pack):
            found = gpu_places(nodes, cpus, lambda node: self._share(pack, node))
            return found or gpu_places(nodes, cpus, lambda _: max(1.0, gpus)) or [anywhere]
        if not self.leaves_cpus:
            return [replace(anywhere, bundle={"CPU": cpus})]
        return cpu_places(nodes, cpus) or [anywhere]

    def _share(self, pack: Pack, node: Node) -> float | None:
        """GPUs of a pack on a node: a step of `STEPS` where its memory was measured."""
        usual = self.taken.gpus or 0.0
        workload = pack[0].workload
        if any(trial.key in self.execution.whole_gpu for trial in pack):
            return max(1.0, usual)
        if self.resources.gpus is not None or self.execution.pack > 1:
            return usual
        if workload in self.measured.exceeded:
            return 1.0
        if node.gpu is None or workload not in self.measured.gib:
            return usual
        return share_of(self.measured.gib[workload], node.gpu)

    def _seconds(self, pack: Pack, place: Place) -> float:
        return max(self.measured.seconds(trial, place.model) for trial in pack)

    def _free_after(self, place: Place) -> float:
        """Expected seconds until a process of a place can start."""
        now, slots = time.monotonic(), [0.0] * max(1, place.slots)
        for other in [*self.assigned.values()]:
            if not other.place.competes_with(place):
                continue
            n = min(len(slots), max(1, round(place.slots / other.place.slots)))
            start = [heapq.heappop(slots) for _ in range(n)][-1]
            for _ in range(n):
                heapq.heappush(slots, start + other.left(now))
        return slots[0]
