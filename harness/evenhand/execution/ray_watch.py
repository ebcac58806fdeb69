"""Watch over the services of a Ray: where one is lost, Ray ends the process without a message."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from evenhand.ending import RUN_STOPPED, ExitCode, end_now
from evenhand.errors import ClusterLost

POLL_SECONDS = 0.5
HEAD_SECONDS = 30.0
"""Time for which a head may not answer: a short cut of the network heals, and after 60 s Ray ends
the process."""
NODE_SECONDS = 2.0
"""The same for Ray on the driver's node, which is not replaced; Ray ends the process after 10 s."""
UNWIND_SECONDS = 4.0
"""Time in which the run ends by itself: calls of a lost cluster may wait for ever."""
STOPPED_UNWIND_SECONDS = 6.0
"""The same where the user has stopped the run, which still writes records: with `NODE_SECONDS`, it
is less than the 10 s after which Ray ends the process."""


@dataclass(frozen=True)
class Service:
    """A process of Ray without which a run cannot go on."""

    name: str
    is_there: Callable[[], bool]
    patience: float
    """Seconds for which it may be away."""
    may_return: bool = True
    """Whether it may come back; a Ray of the run's own does not."""

    @property
    def loss(self) -> str:
        """What to tell the user."""
        text = f"Ray was lost: {self.name} does not answer\n  finished trials are kept; "
        if not self.may_return:
            return f"{text}rerun the same command to resume"
        return (
            f"{text}rerun the same command when it is back;\n"
            "  with --wait-for-cluster it waits and resumes by itself"
        )


def services(address: str | None) -> list[Service]:
    """What the current connection needs: of a cluster at an address, or of a Ray of its own."""
    import ray
    from ray._private import worker

    node: Any = worker._global_node

    if address is None:
        kinds = {"gcs_server", "raylet"}
        return [
            Service(
                "a process that it needs on this machine (stopped, killed, or out of memory)",
                lambda: not any(kind in kinds for kind, _ in node.dead_processes()),
                0.0,
                may_return=False,
            )
        ]
    found = [Service(f"the head at {node.gcs_address}", _at(node.gcs_address), HEAD_SECONDS)]
    mine = ray.get_runtime_context().get_node_id()
    for each in ray.nodes():  # type: ignore[no-untyped-call]
        if each["NodeID"] == mine:
            there = _listens(each["NodeManagerAddress"], each["NodeManagerPort"])
            found.append(Service("the node of this machine", there, NODE_SECONDS))
    return found


def _at(address: str) -> Callable[[], bool]:
    host, _, port = address.rpartition(":")
    return _listens(host, port)


def _listens(host: str, port: str | int) -> Callable[[], bool]:
    """Whether something listens at a port."""

    def is_there() -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return True
        return False

    return is_there


def translated(error: BaseException, watched: Sequence[Service]) -> BaseException:
    """`ClusterLost` for an error that the loss of a service explains; else the error itself."""
    gone = [service for service in watched if not service.is_there()]
    return ClusterLost(gone[0].loss) if gone else error


@dataclass
class Watch:
    """A watch over services, in a thread, and what it has found."""

    watched: Sequence[Service]
    lost: list[ClusterLost] = field(default_factory=list)
    """The loss that ends the run, once there is one."""
    _over: threading.Event = field(default_factory=threading.Event)
    _is_stopping: bool = False

    def end(self) -> None:
        """End the watch."""
        self._over.set()

    def stop(self) -> None:
        """Note that the user has stopped the run: a loss is no cause of its end any more."""
        self._is_stopping = True

    @property
    def is_whole(self) -> bool:
        """Whether every service is there now."""
        return all(service.is_there() for service in self.watched)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Raise `ClusterLost` from a `with` block in place of an error that a loss explains.

        An interrupt that a user or another part of the run has sent stays one.
        """
        try:
            yield
        except BaseException as error:
            told: BaseException = error
            if self.lost:
                told = self.lost[0]
            elif not isinstance(error, KeyboardInterrupt):
                told = translated(error, self.watched)
            if told is error:
                raise
            raise told from None

    def look(self) -> None:
        """Look at each service until the watch ends or one is lost."""
        since: dict[str, float] = {}
        while not self._over.wait(POLL_SECONDS):
            for service in self.watched:
                if service.is_there():
                    since.pop(service.name, None)
                    continue
                began = since.setdefault(service.name, time.monotonic())
                if time.monotonic() - began >= service.patience and not self._over.is_set():
                    self._end_soon() if self._is_stopping else self._interrupt(service)
                    return

    def _end_soon(self) -> None:
        """End a process that the user has stopped before Ray ends it, where it has one to lose."""
        can_end = any(service.may_return for service in self.watched)
        if can_end and not self._over.wait(STOPPED_UNWIND_SECONDS):
            end_now(RUN_STOPPED, ExitCode.STOPPED)

    def _interrupt(self, service: Service) -> None:
        """Interrupt the main thread, and end the process where it does not end by itself."""
        self.lost.append(ClusterLost(service.loss))
        # A signal, because `interrupt_main` ends no call that waits.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if not self._over.wait(UNWIND_SECONDS):
            end_now(service.loss, ExitCode.CLUSTER_LOST)


@contextlib.contextmanager
def watch(watched: Sequence[Service]) -> Iterator[Watch]:
    """Raise `ClusterLost` from a `with` block in the main thread once a service is lost.

    A block that has not ended `UNWIND_SECONDS` later is ended with the whole process.
    """
    found = Watch(watched)
    threading.Thread(target=found.look, daemon=True).start()
    try:
        with found.explained():
            yield found
    finally:
        found.end()
    if found.lost:
        raise found.lost[0]
