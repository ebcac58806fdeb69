"""An even-handed benchmark of methods for imbalanced learning.

    import evenhand as eh

    suite = eh.open_suite("mine.yaml")                  # or the name of a shipped suite
    store = eh.open_store("results")                    # a folder or an object-storage URL
    eh.run(suite, store)                                # on Ray; inline=True in this process
    frame = eh.to_frame(suite, store)                   # a tidy pandas frame
    board = eh.leaderboard(suite, store)                # shows itself; to_html, to_latex, to_frame

    loss = eh.losses.vs(tau=1.0, gamma=0.15).bind(class_counts)
    loss(logits, labels).mean()                         # in any training loop

Names are imported when they are first used, so that `import evenhand` takes milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand import losses as losses
    from evenhand import metrics as metrics
    from evenhand.api import leaderboard as leaderboard
    from evenhand.api import load_plugins as load_plugins
    from evenhand.api import open_store as open_store
    from evenhand.api import open_suite as open_suite
    from evenhand.api import plan as plan
    from evenhand.api import run as run
    from evenhand.api import separation as separation
    from evenhand.api import to_curves as to_curves
    from evenhand.api import to_frame as to_frame
    from evenhand.data.images import Images as Images
    from evenhand.data.images import Source as Source
    from evenhand.declared.decorators import backbone as backbone
    from evenhand.declared.decorators import dataset as dataset
    from evenhand.declared.decorators import method as method
    from evenhand.declared.decorators import metric as metric
    from evenhand.declared.decorators import recipe as recipe
    from evenhand.declared.method import Method as Method
    from evenhand.declared.method import Stage as Stage
    from evenhand.declared.recipe import Recipe as Recipe
    from evenhand.declared.record import Record as Record
    from evenhand.declared.trial import Problem as Problem
    from evenhand.declared.trial import Trial as Trial
    from evenhand.errors import BackboneError as BackboneError
    from evenhand.errors import DataError as DataError
    from evenhand.errors import EvenhandError as EvenhandError
    from evenhand.errors import LossError as LossError
    from evenhand.errors import MetricError as MetricError
    from evenhand.errors import ReportError as ReportError
    from evenhand.errors import RunError as RunError
    from evenhand.errors import SpecError as SpecError
    from evenhand.errors import StoreError as StoreError
    from evenhand.errors import TooManyFailures as TooManyFailures
    from evenhand.errors import UnknownName as UnknownName
    from evenhand.execution.events import Event as Event
    from evenhand.execution.plan import Plan as Plan
    from evenhand.store import Store as Store
    from evenhand.suite.resolve import Suite as Suite
    from evenhand_reports import Board as Board
    from evenhand_reports import Separated as Separated

__version__ = "0.1.0"

_MODULES = {
    "evenhand": ("losses", "metrics"),
    "evenhand.api": (
        "leaderboard",
        "load_plugins",
        "open_store",
        "open_suite",
        "plan",
        "run",
        "separation",
        "to_curves",
        "to_frame",
    ),
    "evenhand.data.images": ("Images", "Source"),
    "evenhand.declared.method": ("Method", "Stage"),
    "evenhand.declared.record": ("Record",),
    "evenhand.declared.decorators": ("backbone", "dataset", "method", "metric", "recipe"),
    "evenhand.declared.trial": ("Problem", "Recipe", "Trial"),
    "evenhand.errors": (
        "BackboneError",
        "DataError",
        "EvenhandError",
        "LossError",
        "MetricError",
        "ReportError",
        "RunError",
        "SpecError",
        "StoreError",
        "TooManyFailures",
        "UnknownName",
    ),
    "evenhand.execution.events": ("Event",),
    "evenhand.execution.plan": ("Plan",),
    "evenhand.store": ("Store",),
    "evenhand.suite.resolve": ("Suite",),
    "evenhand_reports": ("Board", "Separated"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605  a list of text, made above


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'evenhand' has no attribute {name!r}")
    home = _HOME[name]
    is_module = home == "evenhand"
    found = importlib.import_module(f"evenhand.{name}" if is_module else home)
    value = found if is_module else getattr(found, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
