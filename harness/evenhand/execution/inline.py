"""Execution of trials in this process, without Ray: one after the other, or pack by pack."""

from __future__ import annotations

from collections.abc import Sequence

from evenhand.declared.trial import Trial
from evenhand.execution.events import Sink
from evenhand.execution.execute import Execution
from evenhand.execution.packs import make_packs, run_pack
from evenhand.store import Store


def run_inline(trials: Sequence[Trial], execution: Execution, store: Store, sink: Sink) -> None:
    """Run trials in this process.

    Raises `KeyboardInterrupt` after the records of the running trials say "interrupted".
    """
    for pack in make_packs(trials, execution.pack, alone=execution.alone):
        run_pack(pack, execution, store, sink)
