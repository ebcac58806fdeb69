"""Run trials in this process, without Ray: one after the other, or pack by pack."""

from __future__ import annotations

from collections.abc import Sequence

from harness.run.events import Sink
from harness.run.execute import Execution
from harness.run.packs import packs, run_pack
from harness.spec.trial import Trial
from harness.store import Store


def run_inline(trials: Sequence[Trial], execution: Execution, store: Store, sink: Sink) -> None:
    """Raises `KeyboardInterrupt` once the running trials are marked as interrupted."""
    for pack in packs(trials, execution.pack, alone=execution.alone):
        run_pack(pack, execution, store, sink)
