"""The work of a round on its way to the workers of a Ray cluster."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from evenhand.data.files.copies import Refused, is_readable, load_copy, load_from
from evenhand.data.files.data_root import node_roots, use_data_roots
from evenhand.data.images import PreparedFiles, Source
from evenhand.declared.base import Part
from evenhand.declared.plugin import Plugin
from evenhand.errors import DataError, StoreError
from evenhand.execution import provenance
from evenhand.execution.engine_import import import_engine
from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.node_copies import place_of
from evenhand.execution.packs import Pack
from evenhand.execution.preflight import source_key
from evenhand.execution.ray_cluster import start_beside
from evenhand.execution.watchdog import hang_name
from evenhand.store import Store


@dataclass(frozen=True)
class Work:
    """The work of all workers in a round."""

    packs: tuple[tuple[str, ...], ...]
    """The trials of each pack as JSON."""
    execution: Execution
    """Settings of the run, without its data sets, which are kept one by one."""
    store: Store
    plugins: tuple[Plugin, ...]
    data: Mapping[str, PreparedFiles | None] = field(default_factory=dict)
    """Data sets by `source_key`, with the files of prepared ones on the driver's machine."""
    is_shared: bool = False
    """Whether other machines train, too, which may have copies of their own."""
    places: frozenset[str] = frozenset()
    """Places of the folders on the driver's machine whose bytes the driver has checked."""
    given_up: Refused = field(default_factory=set)
    """Copies that a process could not use, in that process."""


class Keeper:
    """Owner of the work and of the data sets in Ray's object store; a node fetches each once.

    A prepared data set gets there when the first node asks for it.

    The driver must not own an object there. When Ray is stopped on the node of an object (`ray
    stop`, or a scheduler that ends a job), its owner tries to recover the object at once, and Ray
    ends an owner that does not reach the object store, with code 1 and without a message.
    """

    def __init__(self, work: Work, sources: Mapping[str, Source]) -> None:
        import ray

        self._work = work
        self._reference = ray.put(work)
        self._sources = {key: ray.put(source) for key, source in sources.items()}

    def reference(self) -> list[Any]:
        """The reference to the work, in a list, so that it stays one."""
        return [self._reference]

    def source(self, dataset: str) -> list[Any]:
        """The reference to a data set, which is given as JSON, in a list."""
        import ray

        part = Part.model_validate_json(dataset)
        key = source_key(part)
        if key not in self._sources:
            files = self._work.data[key]
            assert files is not None
            self._sources[key] = ray.put(load_from(part, files))
        return [self._sources[key]]

    def lacking(self) -> list[str]:
        """Keys of the data sets that this process neither has nor can read."""
        left = {key: files for key, files in self._work.data.items() if key not in self._sources}
        return [key for key, files in left.items() if files is None or not is_readable(files)]

    def keep(self, sources: Mapping[str, Source]) -> None:
        """Put data sets into Ray's object store."""
        import ray

        self._sources |= {key: ray.put(source) for key, source in sources.items()}


def kept(work: Work, sources: Mapping[str, Source]) -> Any:
    """Handle of the keeper of the work and of its data sets, which is freed with the last handle.

    Prepared data sets are sent to it only where it cannot read the files of the driver, as another
    user.
    """
    import ray

    sent = {key: source for key, source in sources.items() if source.files is None}
    keeper = start_beside(Keeper, work, sent)
    if work.is_shared and len(sent) < len(sources):
        lacking = {key: sources[key] for key in ray.get(keeper.lacking.remote())}
        if lacking:
            ray.get(keeper.keep.remote(lacking))
    return keeper


@lru_cache(maxsize=1)
def fetched(keeper: Any) -> Work:
    """The work of a keeper; each process fetches it once."""
    import ray

    (reference,) = ray.get(keeper.reference.remote())
    work = arrived(ray.get(reference), ray.get_runtime_context())
    for plugin in work.plugins:
        plugin.load()
    # Before a watchdog looks for progress: importing torch takes seconds.
    import_engine()
    return work


def sources_of(pack: Pack, keeper: Any, mailbox: Any) -> dict[str, Source]:
    """The data sets of a pack, of which a process keeps the last one.

    Raises `DataError` where one cannot be loaded, whatever the cause: no trial could be trained.
    Only the loss of the keeper raises an error of Ray, since the next round has another one.
    """
    import ray

    datasets = [trial.problem.dataset for trial in pack if trial.posthoc is None]
    texts = {source_key(dataset): dataset.model_dump_json() for dataset in datasets}
    there = fetched(keeper).data
    try:
        return {key: _source(text, keeper, mailbox) for key, text in texts.items() if key in there}
    except Exception as error:
        # Ray's error is an instance of the class of its cause, too, with a traceback as its text.
        cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
        if isinstance(cause, ray.exceptions.RayActorError):
            raise
        if isinstance(cause, (DataError, StoreError)):
            raise cause from None
        names = ", ".join(sorted({dataset.name for dataset in datasets}))
        reason = f"{type(cause).__name__}: {cause}".partition("\n")[0]
        raise DataError(
            f"{socket.gethostname()}: {names} cannot be loaded: {reason}\n"
            "  look whether the memory, the shared memory of Ray or the disk is full there or on "
            "the machine of the command, and rerun the same command"
        ) from error


@lru_cache(maxsize=1)
def _source(dataset: str, keeper: Any, mailbox: Any) -> Source:
    """A data set, from this machine where it has the same files, else from the keeper."""
    import ray

    work, part = fetched(keeper), Part.model_validate_json(dataset)
    files = work.data[source_key(part)]
    if files is not None and not work.is_shared:
        return load_from(part, files)
    if files is not None:
        with use_data_roots(work.execution.data_roots):
            copy = load_copy(part, files, lambda here: place_of(here) in work.places, work.given_up)
        if copy.source is not None:
            return copy.source
        for reason in copy.refused:
            text = f"{socket.gethostname()}: {reason}; {files.name} travels from the driver"
            mailbox.post.remote(Event("note", cause=text))
    (reference,) = ray.get(keeper.source.remote(dataset))
    source: Source = ray.get(reference)
    return source


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
    roots = work.execution.data_roots
    roots = node_roots(roots) if work.is_shared else roots
    execution = replace(work.execution, claimant=claimant, commit=commit, data_roots=roots)
    return replace(work, execution=execution)


def node_is_lost(node: str) -> bool:
    """Whether a node, by its identity, is not in the cluster any more."""
    import ray

    if not node:
        return False
    alive = {n["NodeID"] for n in ray.nodes() if n["Alive"]}  # type: ignore[no-untyped-call]
    return node not in alive
