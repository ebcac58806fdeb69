"""Runs within limits: only trials that are expected to end in time and within a budget start."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from evenhand.declared.trial import Trial
from evenhand.errors import joined
from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.plan import Plan, make_plan
from evenhand.execution.retries import Runner, RunTracker, run_plan, what_is_left
from evenhand.execution.schedule import fitting
from evenhand.execution.usage import Granted, Ledger
from evenhand.store import Store


@dataclass(frozen=True)
class Limits:
    """A time by which trials are to end, and a budget of GPU time that they are to keep to."""

    until: float = math.inf
    """Unix time by which trials are to end."""
    budget: float | None = None
    """GPU-seconds, or core-seconds without a GPU, of all trials of the suite; None: no budget."""
    slots: int = 1
    """Number of trials that run at a time."""
    granted: Granted = field(default_factory=Granted)
    """GPUs and CPU cores of a trial."""
    time_limit: float = math.inf
    """Seconds that a trial may take."""

    def estimate(self, plan: Plan) -> Callable[[Trial], float | None]:
        """Estimate of a trial's time, at most its time limit."""

        def of(trial: Trial) -> float | None:
            seconds = plan.estimate(trial)
            return None if seconds is None else min(seconds, self.time_limit)

        return of

    def ledger(self, plan: Plan) -> Ledger | None:
        """The budget with what is expected of the missing trials; None without a budget."""
        if self.budget is None:
            return None
        estimate = self.estimate(plan)
        expected = {trial.key: estimate(trial) or 0.0 for trial in plan.missing}
        kinds = {trial.key: (trial.method.name, trial.workload) for trial in plan.missing}
        return Ledger(self.budget, self.granted, frozenset(plan.keep), expected, kinds)

    def fitting(self, plan: Plan, store: Store) -> tuple[Trial, ...]:
        """The missing trials that are expected to end in time and within the budget."""
        ledger = self.ledger(plan)
        left = math.inf if ledger is None else ledger.left(store) / self.granted.units
        return fitting(
            plan.missing,
            self.estimate(plan),
            seconds=self.until - time.time(),
            slots=self.slots,
            total_seconds=left,
        )

    def reasons(self, plan: Plan) -> str:
        """The limits, as notes name them."""
        ledger = self.ledger(plan)
        texts = [] if ledger is None else [ledger.sentence(plan.heads)]
        if math.isfinite(self.until):
            texts += [f"trials are to end by {datetime.fromtimestamp(self.until):%a %d %b %H:%M}"]
        return joined(texts)


def run_within(
    plan: Plan,
    execution: Execution,
    store: Store,
    tracker: RunTracker,
    runner: Runner,
    *,
    limits: Limits,
) -> Plan:
    """Run the missing trials that fit into the limits; the new plan after that.

    A trial is not started once its estimate exceeds the rest of the time or of the budget, and no
    trial that runs is ended. Where trials took less than expected, the rest goes to further ones,
    whose estimates then come from the new records.
    """
    rest, total = plan, len(plan.missing)
    while chosen := limits.fitting(rest, store):
        n_before, estimate = len(tracker.over), limits.estimate(rest)
        if n_before == 0 and len(chosen) < total:
            text = f"{len(chosen)} of {total} trials are expected to fit: {limits.reasons(rest)}"
            tracker(Event("note", cause=text))
        latest = {trial.key: limits.until - (estimate(trial) or 0.0) for trial in chosen}
        tracker.left.clear()
        run_plan(
            replace(rest, missing=chosen, by_seed=True, slots=limits.slots),
            replace(execution, latest=latest, ledger=limits.ledger(rest)),
            store,
            tracker,
            runner,
        )
        if len(tracker.over) == n_before:
            break
        rest = what_is_left(plan, store, tracker)
    if not tracker.over:
        tracker(Event("note", cause=_nothing_fits(plan, limits)))
    after = make_plan(plan.suite, store, unwritable={**plan.unwritable, **tracker.causes})
    ledger = limits.ledger(after)
    if ledger is not None and tracker.over:
        tracker(Event("note", cause=ledger.sentence(after.heads)))
    return after


def _nothing_fits(plan: Plan, limits: Limits) -> str:
    """Why no trial was started, with the time of the shortest one."""
    text = f"no trial is expected to fit: {limits.reasons(plan)}"
    text += f" (pricing took {plan.prices.took:.0f} s)" if plan.prices.took else ""
    known = [s for s in map(limits.estimate(plan), plan.missing) if s is not None]
    return f"{text}; the shortest trial takes about {min(known):.1f} s" if known else text
