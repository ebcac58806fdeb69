"""Execution of a plan: missing trials run until each has a record or no attempt left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evenhand.declared.trial import Trial
from evenhand.execution.claims import LOST, MAX_STARTS
from evenhand.execution.execute import Execution
from evenhand.execution.plan import Plan, make_plan
from evenhand.execution.rounds import Rounds, Runner
from evenhand.execution.scoring import metrics_of_logits
from evenhand.execution.tracker import RunTracker
from evenhand.store import Store

__all__ = ["LOST", "MAX_STARTS", "RunTracker", "Runner", "run_plan", "what_is_left"]


def run_plan(
    plan: Plan, execution: Execution, store: Store, tracker: RunTracker, runner: Runner
) -> Plan:
    """Run the missing trials of a plan; the new plan after that.

    Raises `EndedEarly` where the runner ended early without starting a trial, or again and again
    without a new record, and `KeyboardInterrupt` after every running trial has a record with the
    status "interrupted".
    """
    before = {key: head.attempts for key, head in plan.heads.items()}
    metrics = metrics_of_logits(plan.suite.declaration)
    execution = replace(execution, attempts=before, keep=plan.keep, metrics=metrics)
    try:
        for trials in plan.generations:
            ready = _ready(trials, store)
            if ready:
                Rounds(execution, store, tracker, runner).run(ready)
    finally:
        store.leases.remove_hangs(execution.claimant.run)
    after = make_plan(plan.suite, store, unwritable={**plan.unwritable, **tracker.causes})
    store.leases.remove_over({key: head.attempts for key, head in after.heads.items()})
    return after


def what_is_left(plan: Plan, store: Store, tracker: RunTracker) -> Plan:
    """The plan as the store is now, with the trials that this run has not run yet."""
    unwritable = {**plan.unwritable, **tracker.causes}
    now = make_plan(plan.suite, store, retry_failed=True, unwritable=unwritable)
    wanted = {trial.key for trial in plan.missing} - tracker.over
    missing = tuple(trial for trial in now.missing if trial.key in wanted)
    return replace(now, missing=missing, prices=plan.prices)


def _ready(trials: Sequence[Trial], store: Store) -> list[Trial]:
    """The trials whose parents, which have run by now, kept the arrays that they read."""
    heads = store.heads()
    return [
        trial
        for trial in trials
        if trial.parent is None
        or (trial.parent.key in heads and trial.reads in heads[trial.parent.key].kept)
    ]
