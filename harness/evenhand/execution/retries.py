"""Execution of a plan: missing trials run until each has a record or no attempt left."""

from __future__ import annotations

import _thread
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evenhand.declared.record import Exit
from evenhand.declared.trial import Trial
from evenhand.errors import EndedEarly
from evenhand.execution.events import Event, Sink, ended_event
from evenhand.execution.execute import Execution, empty_record
from evenhand.execution.plan import Plan, make_plan
from evenhand.execution.scoring import metrics_of_logits
from evenhand.store import Store

Runner = Callable[[Sequence[Trial], Execution, Store, Sink], None]
MAX_STARTS = 3
LOST = "its process ended without a record: it was killed, ran out of memory or crashed"


@dataclass
class RunTracker:
    """A sink that counts running and failed trials, and passes every event on."""

    sink: Sink
    max_failures: int | None = None
    """Number of trials that may fail; one more stops the run, as Ctrl-C does."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Names of trials by key, which take the place of those that the workers give."""
    running: dict[str, Event] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)
    """Number of starts of each trial in this run."""
    over: set[str] = field(default_factory=set)
    """Trials that have ended."""
    left: set[str] = field(default_factory=set)
    """Trials that were not started, because they would not have ended within the budget."""
    failures: int = 0
    stopping: bool = False
    """Whether the run was interrupted because too many trials had failed."""

    def __call__(self, event: Event) -> None:
        if event.kind == "ended" and event.key in self.over:
            # Ray lost the process of a trial after its record was written, and ran it again.
            return
        event = replace(event, trial=self.labels.get(event.key, event.trial))
        self.sink(event)
        if event.kind == "started":
            self.running[event.key] = event
            self.starts[event.key] += 1
        if event.kind == "left":
            self.left.add(event.key)
        if event.kind == "ended":
            self.running.pop(event.key, None)
            self.over.add(event.key)
            self.failures += event.status in ("failed", "diverged")
            if self.too_many_failures and not self.stopping:
                # Only once: a second interrupt would stop the records of interrupted trials.
                self.stopping = True
                _thread.interrupt_main()

    @property
    def too_many_failures(self) -> bool:
        """Whether more trials have failed or diverged than `max_failures` allows."""
        return self.max_failures is not None and self.failures > self.max_failures


def run_plan(
    plan: Plan, execution: Execution, store: Store, tracker: RunTracker, runner: Runner
) -> Plan:
    """Run the missing trials of a plan; the new plan after that.

    A runner may end early, because Ray's memory monitor ends the whole experiment when it kills one
    worker. Trials without a new record are then run again, each at most `MAX_STARTS` times. Raises
    `EndedEarly` where the runner ended early without starting a trial, or in every round, and
    `KeyboardInterrupt` after every running trial has a record with the status "interrupted".
    """
    before = {key: head.attempts for key, head in plan.heads.items()}
    metrics = metrics_of_logits(plan.suite.declaration)
    execution = replace(execution, attempts=before, keep=plan.keep, metrics=metrics)
    for trials in plan.generations:
        ready = _ready(trials, store)
        if ready:
            _run_all(ready, execution, store, tracker, runner)
    return make_plan(plan.suite, store)


def _ready(trials: Sequence[Trial], store: Store) -> list[Trial]:
    """The trials whose parents, which have run by now, kept the arrays that they read."""
    heads = store.heads()
    return [
        trial
        for trial in trials
        if trial.parent is None
        or (trial.parent.key in heads and trial.reads in heads[trial.parent.key].kept)
    ]


def _run_all(
    missing: Sequence[Trial],
    execution: Execution,
    store: Store,
    tracker: RunTracker,
    runner: Runner,
) -> None:
    """Run trials of one generation until each has a record."""
    for _ in range(MAX_STARTS):
        started, early = tracker.starts.total(), None
        try:
            runner(missing, execution, store, tracker)
        except EndedEarly as error:
            if tracker.starts.total() == started:
                raise
            early = error
        except KeyboardInterrupt:
            _mark_interrupted(missing, execution, store, tracker)
            raise
        missing = _without_record(missing, execution.attempts, store)
        missing = [trial for trial in missing if trial.key not in tracker.left]
        # One trial of a lost pack may have ended the others: from now on each has its own process.
        lost_together = {trial.key for trial in missing if tracker.starts[trial.key]}
        execution = replace(execution, alone=execution.alone | lost_together)
        lost = [trial for trial in missing if tracker.starts[trial.key] >= MAX_STARTS]
        for trial in lost:
            _write(trial, Exit(status="failed", cause=LOST), execution, store, tracker)
        missing = [trial for trial in missing if trial not in lost]
        if not missing:
            break
    if missing and early is not None:
        raise EndedEarly(f"{len(missing)} trials did not run: {early}")


def _without_record(
    trials: Sequence[Trial], before: Mapping[str, int], store: Store
) -> list[Trial]:
    """The trials that wrote no record after the attempts counted in `before`."""
    heads = store.heads()
    return [
        trial
        for trial in trials
        if trial.key not in heads or heads[trial.key].attempts <= before.get(trial.key, 0)
    ]


def _mark_interrupted(
    trials: Sequence[Trial], execution: Execution, store: Store, tracker: RunTracker
) -> None:
    """Write a record with the status "interrupted" for every trial that was running.

    A trial that finished while the run was being stopped keeps its record.
    """
    running = [trial for trial in trials if trial.key in tracker.running]
    for trial in _without_record(running, execution.attempts, store):
        cause = "the run was stopped"
        _write(trial, Exit(status="interrupted", cause=cause), execution, store, tracker)


def _write(
    trial: Trial, end: Exit, execution: Execution, store: Store, tracker: RunTracker
) -> None:
    record = empty_record(trial, execution, end)
    store.write(record)
    tracker(ended_event(record))
