"""Runs within a budget of time: only trials that are expected to end within it are started."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from evenhand.declared.trial import Trial
from evenhand.errors import joined
from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.plan import Plan, make_plan
from evenhand.execution.retries import Runner, RunTracker, run_plan
from evenhand.execution.schedule import fitting
from evenhand.store import Store

RAY_SECONDS = 12.0
"""Time kept for the start of Ray's workers, which import torch.

Measured on two cores, with the start of Ray itself.
"""


@dataclass(frozen=True)
class Budget:
    """A time by which trials are to end, and the number of trials that run at a time."""

    deadline: float
    """Unix time."""
    slots: int
    """Number of trials that run at a time."""
    starting: float = 0.0
    """Seconds before the first trial starts."""
    time_limit: float = float("inf")
    """Seconds that a trial may take."""

    def estimate(self, plan: Plan) -> Callable[[Trial], float | None]:
        """Estimate of a trial's time, at most its time limit."""

        def of(trial: Trial) -> float | None:
            seconds = plan.estimate(trial)
            return None if seconds is None else min(seconds, self.time_limit)

        return of

    def fitting(self, plan: Plan) -> tuple[Trial, ...]:
        """The missing trials that are expected to end within the rest of the budget."""
        rest = self.deadline - time.time() - self.starting
        return fitting(plan.missing, self.estimate(plan), seconds=rest, slots=self.slots)


def run_within(
    plan: Plan,
    execution: Execution,
    store: Store,
    tracker: RunTracker,
    runner: Runner,
    *,
    budget: Budget,
) -> Plan:
    """Run the missing trials that fit into a budget; the new plan after that.

    A trial is not started once its estimate exceeds the rest of the budget, and no trial that runs
    is ended. Where trials took less time than expected, the rest of the budget goes to further
    ones, whose estimates then come from the new records.
    """
    rest, total = plan, len(plan.missing)
    while chosen := budget.fitting(rest):
        n_before, estimate = len(tracker.over), budget.estimate(rest)
        if n_before == 0 and len(chosen) < total:
            text = f"{len(chosen)} of {total} trials are expected to end within the budget"
            tracker(Event("note", cause=text))
        seconds = {trial.key: estimate(trial) or 0.0 for trial in chosen}
        latest = {key: budget.deadline - value for key, value in seconds.items()}
        tracker.left.clear()
        run_plan(
            replace(rest, missing=chosen, by_seed=True),
            replace(execution, latest=latest),
            store,
            tracker,
            runner,
        )
        if len(tracker.over) == n_before:
            break
        rest = _rest(plan, store, tracker)
    if not tracker.over:
        tracker(Event("note", cause=_nothing_fits(plan, budget)))
    return make_plan(plan.suite, store, unwritable={**plan.unwritable, **tracker.causes})


def _nothing_fits(plan: Plan, budget: Budget) -> str:
    """Why no trial was started, with the time of the shortest one."""
    rest = max(0.0, budget.deadline - time.time())
    text = f"no trial is expected to end within the {rest:.0f} s that are left of the budget"
    text += f" (pricing took {plan.prices.took:.0f} s)" if plan.prices.took else ""
    known = [s for s in map(budget.estimate(plan), plan.missing) if s is not None]
    takes = [f"the start of workers takes about {budget.starting:.0f} s"] if budget.starting else []
    takes += [f"the shortest trial takes about {min(known):.1f} s"] if known else []
    return f"{text}: {joined(takes)}" if takes else text


def _rest(plan: Plan, store: Store, tracker: RunTracker) -> Plan:
    """The plan as the store is now, with the trials that this run has not run yet."""
    unwritable = {**plan.unwritable, **tracker.causes}
    now = make_plan(plan.suite, store, retry_failed=True, unwritable=unwritable)
    wanted = {trial.key for trial in plan.missing} - tracker.over
    missing = tuple(trial for trial in now.missing if trial.key in wanted)
    return replace(now, missing=missing, prices=plan.prices)
