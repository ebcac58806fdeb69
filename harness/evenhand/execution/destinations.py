"""Checks of a store before a run: no trial trains whose record could not be written in the end."""

from __future__ import annotations

from dataclasses import replace

from evenhand.errors import StoreError, listed
from evenhand.execution.plan import Plan, make_plan
from evenhand.store import Store

PATHS_SHOWN = 3


def refuse_newer(plan: Plan) -> None:
    """Raise `StoreError` where a later version of Evenhand wrote records of the suite's trials."""
    newer = plan.newer
    if newer:
        n = len(newer)
        which = "1 record of this suite is" if n == 1 else f"{n} records of this suite are"
        raise StoreError(
            f"{plan.location}: {which} of a later version of Evenhand: {newer[0].reason}\n"
            f"  {listed([fault.path for fault in newer], PATHS_SHOWN)}\n"
            f"  {newer[0].advice}"
        )


def with_writable(plan: Plan, store: Store) -> Plan:
    """The plan without missing trials whose records could not be written; they are blocked."""
    unwritable = store.unwritable(trial.key for trial in plan.missing)
    if not unwritable:
        return plan
    wanted = {trial.key for trial in plan.missing}
    made = make_plan(plan.suite, store, retry_failed=True, unwritable=unwritable)
    missing = tuple(trial for trial in made.missing if trial.key in wanted)
    if not missing:
        return make_plan(plan.suite, store, unwritable=unwritable)
    return replace(made, missing=missing, prices=plan.prices)
