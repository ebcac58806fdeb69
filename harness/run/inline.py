"""Run trials one after the other in this process, without Ray."""

from __future__ import annotations

from collections.abc import Sequence

from harness.run.events import Sink
from harness.run.execute import Execution, run_trial
from harness.spec.trial import Trial
from harness.store import Store


def run_inline(trials: Sequence[Trial], execution: Execution, store: Store, sink: Sink) -> None:
    """Raises `KeyboardInterrupt` once the running trial is marked as interrupted."""
    for trial in trials:
        run_trial(trial, execution, store, sink)
