"""Connection to a Ray cluster, or to a Ray of its own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evenhand.errors import ClusterLost, RunError
from evenhand.execution.node_places import of_types
from evenhand.execution.ray_start import check_loopback, not_started, own_token, ray_folder
from evenhand.execution.ray_watch import Watch, services, watch
from evenhand.execution.resources import check_listening

ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_MAX_PENDING_TRIALS_PG": "16",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
"""Environment that silences Ray; Tune's state file, which is never read, is written hourly.

Few trials are pending at a time, so that nodes that join get the next ones.
"""
QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}

SOURCE_ROOT = Path(__file__).parents[2]
"""Folder from which this process imports the package."""


def node_resources(accelerators: Sequence[str] = ()) -> list[dict[str, float]]:
    """Resources of each node that is connected now, of those with one of these types of GPUs.

    Raises `RunError` where no node has such GPUs.
    """
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in of_types(alive, accelerators)]


@contextlib.contextmanager
def connect(address: str | None, *, ship_code: bool = False) -> Iterator[Watch]:
    """Connect to a cluster, or start a Ray on this machine for the duration of a `with` block.

    ship_code: the nodes import the code of this process in place of their own.

    Gives the watch over the services of Ray. Ray's default address would join any cluster of this
    machine, of another user, too. Raises `ClusterLost` where no cluster answers, or where it is
    lost in the block, and `RunError` where no Ray can be started.
    """
    # Where Ray on this machine is lost, a driver without a parent, as after `nohup` and a logout or
    # in a container, is ended at once and without a message, unless the process of Ray by this
    # number lives. Ray gives its workers the right one.
    os.environ.update(ENVIRONMENT | {"RAY_RAYLET_PID": str(os.getpid())})
    import ray

    _silence_raylet()

    is_own = address in (None, "local")
    with quiet_stderr(), own_token() if is_own else contextlib.nullcontext():
        try:
            with _handlers_kept():
                _start() if is_own else _join(str(address), ship_code=ship_code)
            with watch(services(None if is_own else address)) as watching:
                yield watching
        finally:
            ray.shutdown()


def start_beside(kind: type[Any], *arguments: Any, max_restarts: int = 0) -> Any:
    """Start an actor on the driver's node, so that the loss of any other node leaves it alone.

    Gives its handle. It takes no CPU.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    place = NodeAffinitySchedulingStrategy(here, soft=False)
    remote = ray.remote(kind).options(
        num_cpus=0, max_restarts=max_restarts, scheduling_strategy=place
    )
    return remote.remote(*arguments)


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Keep the handlers of SIGTERM and SIGUSR1, which Ray's start and Ray Tune replace.

    The processes that are started in the `with` block block SIGHUP and SIGUSR1, which schedulers
    send to all processes of a job: Ray must live until the run has ended.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from ray.tune import tune

    tune._setup_signal_catching = threading.Event
    before, is_stopped = signal.getsignal(signal.SIGTERM), False
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGUSR1})
    try:
        yield
    except SystemExit:
        is_stopped = True
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if is_stopped:
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt


def _start() -> None:
    """Start a Ray on this machine. Raises `RunError` with the cause and its cure."""
    import ray

    check_loopback()
    try:
        with _on_localhost():
            folder = ray_folder()
            ray.init("local", include_dashboard=False, _temp_dir=folder, job_config=_job(), **QUIET)
    except RunError:
        raise
    except Exception as error:
        # Ray raises a bare `Exception` where one of its processes does not start.
        raise not_started(error) from None


def _join(address: str, *, ship_code: bool) -> None:
    """Connect to a cluster. Raises `ClusterLost` where none answers."""
    import ray

    try:
        check_listening(address)
        shipped = {"py_modules": [str(SOURCE_ROOT / "evenhand")]} if ship_code else None
        ray.init(address, job_config=_job(), runtime_env=shipped, **QUIET)
    except Exception as error:
        # Ray raises a bare `Exception` in some of its checks.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ClusterLost(
            f"a Ray cluster must answer at the address {address}: {reason}\n"
            "  start one with `ray start --head`, or leave out --address to run on this machine\n"
            "  this machine must be one of the cluster: `ray start --address=HOST:PORT`, with\n"
            "  --num-cpus=0 where it is to train no trials\n"
            "  a cluster with a token, the default of `ray start --head`, needs\n"
            "  RAY_AUTH_MODE=token, and the file ~/.ray/auth_token of the head on this machine"
        ) from None


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what Ray's C++ code writes to standard error; Python's `sys.stderr` is kept.

    The same lines are in the log files of the session.
    """
    sys.stderr.flush()
    kept, stream = os.dup(2), sys.stderr
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    with os.fdopen(kept, "w", 1, errors="backslashreplace") as python:
        try:
            sys.stderr = python if _is_file(stream, 2) else stream
            yield
        finally:
            sys.stderr = stream
            os.dup2(kept, 2)


def _is_file(stream: Any, number: int) -> bool:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return bool(stream.fileno() == number)
    return False


@contextlib.contextmanager
def _on_localhost() -> Iterator[None]:
    """Let a Ray that starts in a `with` block listen on 127.0.0.1 alone.

    On Linux it would listen on every network interface, and `_node_ip_address="127.0.0.1"` is
    replaced by an address of the network. Where Ray allows no clusters, it keeps to this address.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _job() -> Any:
    """The job of this driver, whose workers import nothing from the current folder.

    Ray puts the current folder first on the workers' `sys.path`, where a `timm.py` beside a
    downloaded suite would be run in place of timm. The workers import installed packages only;
    plugins travel to them as texts.
    """
    from ray.job_config import JobConfig

    job = JobConfig()
    job._py_driver_sys_path = _SourceRoots()
    return job


class _SourceRoots(list[str]):
    """The folders that Ray adds to the workers' `sys.path`, without those of other packages."""

    def extend(self, folders: Iterable[str]) -> None:
        super().extend(folder for folder in folders if Path(folder) == SOURCE_ROOT)


def _silence_raylet() -> None:
    """Keep messages of Ray's services off the screen: a trial's record holds what concerns it."""
    from ray._private import worker

    # Ray has no setting for the messages of the raylet that a thread of the driver prints.
    worker.print_to_stdstream = lambda *_, **__: None
