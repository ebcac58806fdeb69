"""Trials that are being trained now, and by which run, as `evenhand status` prints them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evenhand.cli.output import plural
from evenhand.errors import listed

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.execution.plan import Plan
    from evenhand.store import Store
    from evenhand.store.leases import Lease

TRIALS_SHOWN = 3


def running(store: Store, plan: Plan) -> dict[str, Lease]:
    """The leases of a plan's trials, by key, without those whose attempt has its record."""
    attempts = {key: head.attempts for key, head in plan.heads.items()}
    return {
        key: lease
        for key, lease in store.leases.all().items()
        if key in plan.labels and not lease.is_over(attempts.get(key, 0))
    }


def running_as_json(leases: Mapping[str, Lease], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Key, trial, run and process of each trial that is being trained."""
    return [
        {
            "key": key,
            "trial": labels[key],
            "run": lease.run,
            "user": lease.user,
            "host": lease.process.host,
            "process": lease.process.pid,
            "starts": lease.starts,
            "ended": lease.process.is_known_dead,
        }
        for key, lease in leases.items()
    ]


def print_running(leases: Mapping[str, Lease], labels: Mapping[str, str], out: Console) -> None:
    """Print which process trains which trials, and which processes have ended without a record."""
    of_holder: dict[tuple[str, bool], list[str]] = {}
    for key, lease in leases.items():
        holder = (lease.holder, lease.process.is_known_dead)
        of_holder.setdefault(holder, []).append(labels[key])
    for (name, is_dead), trials in of_holder.items():
        one = len(trials) == 1
        left, trained = ("was", "is") if one else ("were", "are")
        what = f"{left} left by" if is_dead else f"{trained} trained by"
        out.print(f"{plural(len(trials), 'trial')} {what} {name}", soft_wrap=True)
        out.print(f"   {listed(trials, TRIALS_SHOWN)}", style="dim", soft_wrap=True)
