"""Run what a plan misses, and plan again until nothing is missing or every try is used up."""

from __future__ import annotations

import _thread
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evenhand.declared.record import Exit
from evenhand.declared.trial import Trial
from evenhand.errors import EndedEarly
from evenhand.execution.events import Event, Sink, ended
from evenhand.execution.execute import Execution, unfinished
from evenhand.execution.plan import Plan, make_plan
from evenhand.store import Store

Runner = Callable[[Sequence[Trial], Execution, Store, Sink], None]
MAX_STARTS = 3
LOST = "its process ended without a record: killed, out of memory, or crashed"


@dataclass
class Watch:
    """A sink that knows what runs and how much has failed, and hands every event on.

    max_failures  how many trials may fail; one more stops the run, as Ctrl-C would
    stopping      too many have failed, and the run was asked to stop
    starts        how often each trial began in this run
    over          the trials that have ended
    """

    sink: Sink
    max_failures: int | None = None
    running: dict[str, Event] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)
    over: set[str] = field(default_factory=set)
    failures: int = 0
    stopping: bool = False

    def __call__(self, event: Event) -> None:
        if event.kind == "ended" and event.key in self.over:
            # Ray ran a trial again whose process it had lost after the record was written.
            return
        self.sink(event)
        if event.kind == "started":
            self.running[event.key] = event
            self.starts[event.key] += 1
        if event.kind == "ended":
            self.running.pop(event.key, None)
            self.over.add(event.key)
            self.failures += event.status in ("failed", "diverged")
            if self.too_many_failures and not self.stopping:
                # Once: a second one would break off the marking of what ran.
                self.stopping = True
                _thread.interrupt_main()

    @property
    def too_many_failures(self) -> bool:
        return self.max_failures is not None and self.failures > self.max_failures


def drive(plan: Plan, execution: Execution, store: Store, watch: Watch, runner: Runner) -> Plan:
    """Run the plan's missing trials; the plan of what is then done, failed and missing.

    A runner may come back early: Ray ends everything when its memory monitor kills one worker.
    What then has no new record is run again, at most `MAX_STARTS` times a trial. Raises
    `EndedEarly` where a runner did so without starting anything or in every round, and
    `KeyboardInterrupt` after every trial that ran is marked as interrupted.
    """
    before = {key: head.attempts for key, head in plan.heads.items()}
    execution = replace(execution, attempts=before, keep=plan.keep)
    for trials in plan.generations:
        ready = _ready(trials, store)
        if ready:
            _run_all(ready, execution, store, watch, runner)
    return make_plan(plan.resolved, store)


def _ready(trials: Sequence[Trial], store: Store) -> list[Trial]:
    """Those that can read what they need of others, which have run by now."""
    heads = store.heads()
    return [
        trial
        for trial in trials
        if trial.parent is None
        or (trial.parent.key in heads and trial.reads in heads[trial.parent.key].kept)
    ]


def _run_all(
    missing: Sequence[Trial], execution: Execution, store: Store, watch: Watch, runner: Runner
) -> None:
    """Run trials of which none reads from another, until each has its record."""
    for _ in range(MAX_STARTS):
        started, early = watch.starts.total(), None
        try:
            runner(missing, execution, store, watch)
        except EndedEarly as error:
            if watch.starts.total() == started:
                raise
            early = error
        except KeyboardInterrupt:
            _mark_interrupted(missing, execution, store, watch)
            raise
        missing = _without_record(missing, execution.attempts, store)
        # Of trials that ended together one may have been the cause: from now on each is alone.
        lost_together = {trial.key for trial in missing if watch.starts[trial.key]}
        execution = replace(execution, alone=execution.alone | lost_together)
        lost = [trial for trial in missing if watch.starts[trial.key] >= MAX_STARTS]
        for trial in lost:
            _write(trial, Exit(status="failed", cause=LOST), execution, store, watch)
        missing = [trial for trial in missing if trial not in lost]
        if not missing:
            break
    if missing and early is not None:
        raise EndedEarly(f"{len(missing)} trials did not run: {early}")


def _without_record(
    trials: Sequence[Trial], before: Mapping[str, int], store: Store
) -> list[Trial]:
    """Those of which no attempt since `before` has left a record."""
    heads = store.heads()
    return [
        trial
        for trial in trials
        if trial.key not in heads or heads[trial.key].attempts <= before.get(trial.key, 0)
    ]


def _mark_interrupted(
    trials: Sequence[Trial], execution: Execution, store: Store, watch: Watch
) -> None:
    """A worker may have finished while the run was being stopped: its record wins."""
    running = [trial for trial in trials if trial.key in watch.running]
    for trial in _without_record(running, execution.attempts, store):
        cause = "the run was stopped"
        _write(trial, Exit(status="interrupted", cause=cause), execution, store, watch)


def _write(trial: Trial, end: Exit, execution: Execution, store: Store, watch: Watch) -> None:
    record = unfinished(trial, execution, end)
    store.write(record)
    watch(ended(record))
