"""Connection to a Ray cluster, or to a Ray of its own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from evenhand.errors import RunError
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

SOURCE_ROOT = Path(__file__).parents[2]
"""Folder from which this process imports the package."""


def cluster_nodes(address: str) -> list[dict[str, float]]:
    """Resources of each node of a cluster. Raises `RunError` where none answers."""
    with connect(address) as nodes:
        return nodes


@contextlib.contextmanager
def connect(address: str | None) -> Iterator[list[dict[str, float]]]:
    """Connect to a cluster, or start a Ray on this machine for the duration of a `with` block.

    Gives the resources of each node. Ray's default address would join any cluster of this machine,
    of another user, too.
    """
    os.environ.update(ENVIRONMENT)
    import ray

    where = address or "local"
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if where == "local":
        settings["include_dashboard"] = False
    if not where.startswith("ray://"):
        # With Ray Client the job begins on the head node, in a folder of that machine.
        settings["job_config"] = _job()
    try:
        check_listening(where)
        with _on_localhost() if where == "local" else contextlib.nullcontext():
            ray.init(where, **settings)
        _silence_raylet()
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(
            f"a Ray cluster must answer at the address {where}: {reason}\n"
            "  start one with `ray start --head`, or leave out --address to run on this machine\n"
            "  a cluster with tokens needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=FILE"
        ) from None
    try:
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        yield [node["Resources"] for node in nodes if node["Alive"]]
    finally:
        ray.shutdown()


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
    """Keep the raylet's messages off the screen: a trial's record holds what concerns it."""
    from ray._private import ray_logging

    with contextlib.suppress(AttributeError, ValueError, KeyError):
        ray_logging.global_worker_stdstream_dispatcher.remove_handler("ray_print_logs")
