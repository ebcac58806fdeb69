"""Run trials in this process, without Ray: one after the other, or pack by pack."""

from __future__ import annotations

from collections.abc import Sequence

from evenhand.declared.trial import Trial
from evenhand.execution.events import Sink
from evenhand.execution.execute import Execution
from evenhand.execution.packs import packs, run_pack
from evenhand.store import Store


def run_inline(trials: Sequence[Trial], execution: Execution, store: Store, sink: Sink) -> None:
    """Raises `KeyboardInterrupt` once the running trials are marked as interrupted."""
    for pack in packs(trials, execution.pack, alone=execution.alone):
        run_pack(pack, execution, store, sink)
