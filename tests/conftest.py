"""What tests of every folder may ask for."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# Shapes and types of arrays are checked at run time in the tests, and only there. Modules that
# import torch in their functions alone are left out: their annotations name what is not there.
WITH_ARRAYS = [
    "evenhand.backbones.networks",
    "evenhand.data.files.folder",
    "evenhand.data.images",
    "evenhand.data.selections",
    "evenhand.data.splits",
    "evenhand.losses.cost_kernel",
    "evenhand.losses.kernel",
    "evenhand.metrics",
    "evenhand.posthoc.outputs",
    "evenhand.posthoc.search",
    "evenhand.train.checkpoints",
    "evenhand.train.engine",
    "evenhand.train.device_data",
    "evenhand.train.sam",
    "evenhand.train.stages",
    "evenhand.train.training",
]
# The hook names its type check by module; this one lets an int stand for a float, as mypy does.
typed = ModuleType("typed")
typed.check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
sys.modules["typed"] = typed
install_import_hook(WITH_ARRAYS, "typed.check")

from evenhand.cli.signals import SIGNALS  # noqa: E402  the hook must come first
from evenhand.declared.plugin_modules import (  # noqa: E402  the hook must come first
    PluginFiles,
    _Finder,
    plugin_of,
)
from evenhand.declared.registry import REGISTRY  # noqa: E402


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Put back the handlers of signals: a command that runs in this process installs its own.

    They end a process that has not stopped 25 s after an interrupt, such as one that a test makes.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def unregistered() -> Iterator[None]:
    """Forget afterwards what a test registers."""
    REGISTRY.fill()
    entries = {kind: dict(names) for kind, names in REGISTRY._entries.items()}
    aliases = {kind: dict(names) for kind, names in REGISTRY._aliases.items()}
    modules = set(sys.modules)
    served = {name: dict(plugins) for name, plugins in _served()}
    yield
    REGISTRY._entries, REGISTRY._aliases = entries, aliases
    for name in [n for n in sys.modules if n not in modules and plugin_of(n) is not None]:
        del sys.modules[name]
    for name, plugins in _served():
        plugins.clear()
        plugins.update(served.get(name, {}))


def _served() -> Iterator[tuple[int, dict[str, PluginFiles]]]:
    """Plugins whose modules each finder of `sys.meta_path` serves."""
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            yield id(finder), finder.plugins
