"""Start of a Ray of its own on this machine: its folder, its token, and why it does not start."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evenhand.errors import RunError

SOCKET_BYTES = 107
"""Longest path of a Unix socket."""
SOCKET = "/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
"""Longest path of a socket in Ray's folder."""
LEAST_MIB = 32
"""Free space for the log files and sockets of a Ray, without which it waits 30 s and fails."""
TOKEN_VARIABLES = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
WITHOUT_RAY = "or leave Ray out with --inline, which trains one trial at a time"


def check_loopback() -> None:
    """Raise `RunError` where this machine cannot connect to itself: Ray would wait for minutes."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        raise RunError(
            f"Ray's processes talk to each other over 127.0.0.1, which does not answer: {error}\n"
            "  bring up the loopback network (`ip link set lo up`) and free some ports,\n"
            f"  {WITHOUT_RAY}"
        ) from None


def ray_folder() -> str:
    """A folder in which a Ray can start: below `RAY_TMPDIR`, `TMPDIR`, /tmp or /var/tmp.

    Raises `RunError` with what is wrong with each of them.
    """
    named = [os.environ.get(name) for name in ("RAY_TMPDIR", "TMPDIR")]
    folders = list(dict.fromkeys([*filter(None, named), "/tmp", "/var/tmp"]))  # noqa: S108
    wrong: list[str] = []
    for folder in folders:
        found = f"{folder.rstrip('/')}/ray"
        reason = _unfit(found)
        if not reason:
            return found
        wrong.append(f"  {printable(folder)}: {reason}")
    raise RunError(
        "Ray needs a folder for its sockets and log files on this machine, and none of these fits\n"
        + "\n".join(wrong)
        + f"\n  set TMPDIR to a folder that fits, {WITHOUT_RAY}"
    )


def _unfit(folder: str) -> str:
    """Why Ray cannot start in a folder; "" where it can."""
    most = SOCKET_BYTES - len(SOCKET)
    if not folder.isascii():
        return "Ray takes ASCII letters only"
    if len(folder) > most:
        return f"its path is longer than {most - len('/ray')} bytes, too long for a Unix socket"
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        # Ray's folder is shared by all users of a machine.
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free >> 20
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return "" if free >= LEAST_MIB else f"{free} MiB are free, and Ray needs {LEAST_MIB} MiB"


@contextlib.contextmanager
def own_token() -> Iterator[None]:
    """Give a Ray on this machine a token of its own, in the environment of its processes.

    Ray would write one to `~/.ray/auth_token`, which other users can read, and fails where the home
    folder cannot be written to. A token or mode that the user has set is left alone.
    """
    before = {name: os.environ.get(name) for name in TOKEN_VARIABLES}
    if not any(before.values()):
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        _forget_settings()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _forget_settings()


def _forget_settings() -> None:
    """Make Ray read its mode and token again: both are kept from the first use in a process."""
    from ray._raylet import (  # type: ignore[attr-defined]
        AuthenticationTokenLoader,
        Config,
    )

    AuthenticationTokenLoader.instance().reset_cache()
    Config.initialize("")


def not_started(error: Exception) -> RunError:
    """The error for a Ray that did not start on this machine."""
    if isinstance(error, UnicodeError):
        paths = "a path of this process (the current folder, or one of `sys.path`)"
        return RunError(
            f"Ray did not start: {paths} has letters that the locale cannot encode\n"
            "  set LC_ALL=C.UTF-8, or run in a folder whose path is ASCII"
        )
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return RunError(
        f"Ray did not start on this machine: {printable(reason)}\n"
        "  its log files in session_latest/logs of its folder (TMPDIR/ray, usually /tmp/ray) have\n"
        "  the cause; free memory, processes (`ulimit -u`) or space on the disk,\n"
        f"  {WITHOUT_RAY}"
    )


def printable(text: str) -> str:
    """A text that every output takes: letters that were not decoded are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
