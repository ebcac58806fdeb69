"""Data root: the folder or the URL of prepared data sets. It is not part of a trial's key."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import unquote, urlsplit

from evenhand.data.files.cache import expanded
from evenhand.declared.plugin_modules import plugin_of
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError, UnknownName
from evenhand.remote.urls import URL, without_secrets

VARIABLE = "EVENHAND_DATA"
DEFAULT = Path("~/.cache/evenhand")

Root = Path | str
"""A folder, or the URL of a prefix in object storage."""

_CHOSEN: ContextVar[tuple[Root, ...]] = ContextVar("data roots", default=())


def named_root(place: str | Path) -> Root:
    """The data root that a user names. Raises `DataError` for a URL or a folder that is none."""
    text = str(place)
    if not URL.match(text):
        return expanded(place)
    try:
        urlsplit(text)
    except ValueError as error:
        raise DataError(f"the data root is no URL: {error}\n  write s3://BUCKET/PREFIX") from None
    if text.lower().startswith("file:///"):
        return Path(unquote(urlsplit(text).path))
    if "://" not in text:
        slashes = ":///" if text.lower().startswith("file:") else "://"
        raise DataError(
            f"{text}: a URL has two slashes, and a `Path` keeps one of them\n"
            f"  write it as a text: {text.replace(':/', slashes, 1)}"
        )
    return text


@contextmanager
def use_data_root(*places: str | Path | None) -> Iterator[None]:
    """Set `data_root()` for a `with` block to the first place that is not None, if there is one."""
    given = [place for place in places if place is not None]
    with use_data_roots((named_root(given[0]),) if given else ()):
        yield


@contextmanager
def use_data_roots(roots: tuple[Root, ...]) -> Iterator[None]:
    """Set `data_roots()` for a `with` block, unless there are none."""
    token = _CHOSEN.set(roots or _CHOSEN.get())
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def data_roots() -> tuple[Root, ...]:
    """The places where prepared data sets are looked for, in this order: a node has two."""
    return _CHOSEN.get() or (_usual(),)


def data_root() -> Root:
    """The place of `use_data_root`, else of EVENHAND_DATA, else `~/.cache/evenhand`."""
    return data_roots()[0]


def node_roots(roots: tuple[Root, ...]) -> tuple[Root, ...]:
    """The places on a node of a cluster: its own EVENHAND_DATA, then those of the driver."""
    own = (named_root(os.environ[VARIABLE]),) if os.environ.get(VARIABLE) else ()
    return tuple(dict.fromkeys((*own, *roots)))


def own_file(path: str) -> Path:
    """Path of a file or folder of the user's own, which is relative to the data root.

    Raises `DataError` where that is in object storage.
    """
    root, given = data_root(), Path(path).expanduser()
    if isinstance(root, Path) or given.is_absolute():
        return Path(root) / given
    raise DataError(
        f"{path}: only prepared data sets and weights are fetched from object storage, and the "
        f"data root is {without_secrets(root)}\n"
        "  write the absolute path of the file on the machine of the command, or name a folder "
        "with --data"
    )


def has_file(path: Path) -> bool:
    """Whether there is a file that this process may look at."""
    # Until Python 3.14, `Path.is_file` raises for a folder that another user has closed.
    try:
        return path.is_file()
    except OSError:
        return False


def data_command(verb: str, name: str, *more: str) -> str:
    """The command that does something with a data set under this root: `evenhand data check x`.

    It has `--root` where the root is not the default one, and the plugin of the data set.
    """
    found = data_root()
    root = [] if found == _usual() else ["--root", shown(found)]
    return shlex.join(["evenhand", "data", verb, name, *_plugin(name), *more, *root])


def shown(root: Root) -> str:
    """A data root as messages show it, without passwords."""
    return str(root) if isinstance(root, Path) else without_secrets(root)


def _usual() -> Root:
    return named_root(os.environ.get(VARIABLE) or DEFAULT)


def _plugin(name: str) -> list[str]:
    try:
        plugin = plugin_of(REGISTRY.get("dataset", name).make.__module__)
    except UnknownName:
        return []
    return [] if plugin is None else ["--plugin", plugin.path]
