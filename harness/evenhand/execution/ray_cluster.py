"""Connection to a Ray cluster, or to a Ray of its own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
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
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
"""Environment that silences Ray; Tune's state file, which is never read, is written hourly."""


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
    try:
        check_listening(where)
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


def _silence_raylet() -> None:
    """Keep the raylet's messages off the screen: a trial's record holds what concerns it."""
    from ray._private import ray_logging

    with contextlib.suppress(AttributeError, ValueError, KeyError):
        ray_logging.global_worker_stdstream_dispatcher.remove_handler("ray_print_logs")
