"""Data root: the folder of prepared data sets. It is not part of a trial, nor of its key."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from evenhand.declared.plugin_modules import plugin_of
from evenhand.declared.registry import REGISTRY
from evenhand.errors import UnknownName

VARIABLE = "EVENHAND_DATA"
DEFAULT = Path("~/.cache/evenhand")

_CHOSEN: ContextVar[Path | None] = ContextVar("data root", default=None)


@contextmanager
def use_data_root(*places: str | Path | None) -> Iterator[None]:
    """Set `data_root()` for a `with` block to the first place that is not None, if there is one."""
    given = [Path(place).expanduser() for place in places if place is not None]
    token = _CHOSEN.set(given[0] if given else _CHOSEN.get())
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def data_root() -> Path:
    """The folder of `use_data_root`, else of EVENHAND_DATA, else `~/.cache/evenhand`."""
    return _CHOSEN.get() or Path(os.environ.get(VARIABLE) or DEFAULT).expanduser()


def data_command(verb: str, name: str, *more: str) -> str:
    """The command that does something with a data set under this root: `evenhand data check x`.

    It has `--root` where the root is not the default one, and the plugin of the data set.
    """
    usual = Path(os.environ.get(VARIABLE) or DEFAULT).expanduser()
    root = [] if data_root() == usual else ["--root", str(data_root())]
    return shlex.join(["evenhand", "data", verb, name, *_plugin(name), *more, *root])


def _plugin(name: str) -> list[str]:
    try:
        plugin = plugin_of(REGISTRY.get("dataset", name).make.__module__)
    except UnknownName:
        return []
    return [] if plugin is None else ["--plugin", plugin.path]
