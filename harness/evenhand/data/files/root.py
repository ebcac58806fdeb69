"""Where prepared data sets are kept. It is no part of a trial: its key is the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

VARIABLE = "EVENHAND_DATA"
DEFAULT = Path("~/.cache/evenhand")

_CHOSEN: ContextVar[Path | None] = ContextVar("data root", default=None)


@contextmanager
def rooted(*places: str | Path | None) -> Iterator[None]:
    """Inside, `data_root()` is the first of the places that is given; as before where none is."""
    given = [Path(place).expanduser() for place in places if place is not None]
    token = _CHOSEN.set(given[0] if given else _CHOSEN.get())
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def data_root() -> Path:
    """What `rooted` says, else the variable EVENHAND_DATA, else `~/.cache/evenhand`."""
    return _CHOSEN.get() or Path(os.environ.get(VARIABLE) or DEFAULT).expanduser()
