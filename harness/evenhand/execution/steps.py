"""Runs in steps: the trials of a step are chosen by the records of those before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from evenhand.declared.trial import Trial
from evenhand.execution.plan import Plan, make_plan
from evenhand.execution.retries import RunTracker, what_is_left
from evenhand.store import Store

NextTrials = Callable[[int, Collection[str]], Iterable[Trial]]
"""The trials of the next step, none at the end: given the number of trials that run at a time, and
the keys of the trials that can be run."""


def run_in_steps(
    plan: Plan,
    store: Store,
    tracker: RunTracker,
    run: Callable[[Plan], Plan],
    next_trials: NextTrials,
) -> Plan:
    """Run the missing trials of a plan that each step chooses; the new plan after that.

    The run is over where a step chooses no trial, and where no trial of a step has ended, such as
    where nothing fits into a budget any more.
    """
    rest = plan
    while chosen := _with_parents(rest, next_trials(plan.slots, {t.key for t in rest.missing})):
        n_before = len(tracker.over)
        run(replace(rest, missing=chosen, slots=plan.slots))
        if len(tracker.over) == n_before:
            break
        rest = what_is_left(plan, store, tracker)
    return make_plan(plan.suite, store, unwritable={**plan.unwritable, **tracker.causes})


def _with_parents(plan: Plan, chosen: Iterable[Trial]) -> tuple[Trial, ...]:
    """The chosen trials that are missing, and those that are missing of which they read."""
    wanted: set[str] = set()
    for trial in chosen:
        each: Trial | None = trial
        while each is not None:
            wanted.add(each.key)
            each = each.parent
    return tuple(trial for trial in plan.missing if trial.key in wanted)
