"""Run what a plan misses, and plan again until nothing is missing or every try is used up."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from harness.run.events import Event, Sink, ended
from harness.run.execute import Execution, unfinished
from harness.run.plan import Plan, make_plan
from harness.spec.record import Exit
from harness.spec.trial import Trial
from harness.store import Store

Runner = Callable[[Sequence[Trial], Execution, Store, Sink], None]
ROUNDS = 3
LOST = "its process ended without a record: killed, out of memory, or crashed"


@dataclass
class Watch:
    """A sink that knows what runs and how much has failed, and hands every event on.

    max_failures  how many trials may fail; one more stops the run, as Ctrl-C would
    """

    sink: Sink
    max_failures: int | None = None
    running: dict[str, Event] = field(default_factory=dict)
    failures: int = 0

    def __call__(self, event: Event) -> None:
        self.sink(event)
        if event.kind == "started":
            self.running[event.key] = event
        if event.kind == "ended":
            self.running.pop(event.key, None)
            self.failures += event.status in ("failed", "diverged")
            if self.too_many_failures:
                _thread.interrupt_main()

    @property
    def too_many_failures(self) -> bool:
        return self.max_failures is not None and self.failures > self.max_failures


def drive(plan: Plan, execution: Execution, store: Store, watch: Watch, runner: Runner) -> Plan:
    """Run the plan's missing trials; the plan of what is then done, failed and missing.

    Raises `KeyboardInterrupt` after every trial that ran is marked as interrupted.
    """
    wanted = {trial.key: trial for trial in plan.missing}
    attempts = {key: head.attempts for key, head in plan.heads.items()}
    todo = list(plan.longest_first)
    for round_ in range(ROUNDS):
        tries = {key: attempts.get(key, 0) + round_ for key in wanted}
        execution = replace(execution, attempts=tries)
        try:
            runner(todo, execution, store, watch)
        except KeyboardInterrupt:
            _mark_interrupted(wanted, execution, store, watch)
            raise
        before = {key: plan.heads.get(key) for key in wanted}
        heads = store.heads()
        todo = [t for key, t in wanted.items() if heads.get(key) == before[key]]
        if not todo:
            break
    for trial in todo:
        lost = unfinished(trial, execution, Exit(status="failed", cause=LOST))
        store.write(lost)
        watch(ended(lost))
    return make_plan(plan.resolved, store)


def _mark_interrupted(
    wanted: dict[str, Trial], execution: Execution, store: Store, watch: Watch
) -> None:
    """A worker may have finished while the run was being stopped: its record wins."""
    heads = store.heads()
    for key in list(watch.running):
        head = heads.get(key)
        if head is not None and head.attempts > execution.attempts.get(key, 0):
            continue
        cause = Exit(status="interrupted", cause="the run was stopped")
        record = unfinished(wanted[key], execution, cause)
        store.write(record)
        watch(ended(record))
