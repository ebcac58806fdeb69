"""Import of the modules that register parts: Evenhand's own, and plugins by entry point."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points

from evenhand.errors import EvenhandError

ENTRY_POINTS = "evenhand"
OUR_PARTS = (
    "evenhand.metrics",
    "evenhand.data.sources",
    "evenhand.data.profiles",
    "evenhand.backbones",
    "evenhand.methods",
    "evenhand.posthoc",
    "evenhand.recipes",
    "evenhand.data.augment",
)


def import_all() -> None:
    """Import every module that registers parts. Raises `EvenhandError` if a plugin fails."""
    for name in OUR_PARTS:
        module = importlib.import_module(name)
        if getattr(module, "IMPORT_ALL", False):
            for found in pkgutil.iter_modules(module.__path__):
                importlib.import_module(f"{name}.{found.name}")
    for point in entry_points(group=ENTRY_POINTS):
        _load(point)


def _load(point: EntryPoint) -> None:
    package = f"{point.dist.name}: " if point.dist else ""
    place = f"{package}plugin {point.name!r} ({point.value})"
    try:
        point.load()
    except EvenhandError as error:
        raise EvenhandError(f"{place}: {error}") from error
    except (Exception, SystemExit) as error:
        # Code of another package may raise anything; the message names the package.
        raise EvenhandError(f"{place} fails: {type(error).__name__}: {error}") from error
