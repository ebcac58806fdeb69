"""The work of a round on its way to the workers of a Ray cluster."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from evenhand.declared.plugin import Plugin
from evenhand.execution import provenance
from evenhand.execution.execute import Execution
from evenhand.execution.ray_cluster import start_beside
from evenhand.execution.watchdog import hang_name
from evenhand.store import Store


@dataclass(frozen=True)
class Work:
    """The work of all workers in a round."""

    packs: tuple[tuple[str, ...], ...]
    """The trials of each pack as JSON."""
    execution: Execution
    store: Store
    plugins: tuple[Plugin, ...]


class Keeper:
    """Owner of the work in Ray's object store, from which a node fetches it once.

    The driver must not own an object there. When Ray is stopped on the node of an object (`ray
    stop`, or a scheduler that ends a job), its owner tries to recover the object at once, and Ray
    ends an owner that does not reach the object store, with code 1 and without a message.
    """

    def __init__(self, work: Work) -> None:
        import ray

        self._reference = ray.put(work)

    def reference(self) -> list[Any]:
        """The reference to the work, in a list, so that it stays one."""
        return [self._reference]


def kept(work: Work) -> Any:
    """Handle of the keeper of the work, which is freed with the last handle."""
    return start_beside(Keeper, work)


@lru_cache(maxsize=1)
def fetched(keeper: Any) -> Work:
    """The work of a keeper; each process fetches it once."""
    import ray

    (reference,) = ray.get(keeper.reference.remote())
    work = arrived(ray.get(reference), ray.get_runtime_context())
    for plugin in work.plugins:
        plugin.load()
    # Before a watchdog looks for progress: importing torch takes seconds.
    importlib.import_module("evenhand.train.engine")
    return work


def arrived(work: Work, here: Any) -> Work:
    """The work in a worker, whose identity Ray's context `here` gives."""
    # The driver keeps the index: every worker lists the records before each start, for the budget.
    work.store.leave_index()
    claimant = replace(
        work.execution.claimant,
        node=here.get_node_id(),
        actor=here.get_actor_id() or "",
        is_lost=node_is_lost,
        hang=hang_name(work.execution.claimant.run),
    )
    # The commit of the code that runs here. Code that was installed or shipped has no checkout; its
    # digest was compared with the driver's, and so it is that of the driver's commit.
    commit = provenance.commit() if provenance.commit().commit else work.execution.commit
    execution = replace(work.execution, claimant=claimant, commit=commit)
    return replace(work, execution=execution)


def node_is_lost(node: str) -> bool:
    """Whether a node, by its identity, is not in the cluster any more."""
    import ray

    if not node:
        return False
    alive = {n["NodeID"] for n in ray.nodes() if n["Alive"]}  # type: ignore[no-untyped-call]
    return node not in alive
