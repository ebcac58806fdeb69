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
PROCESSES_SHOWN = 4


def running(store: Store, plan: Plan) -> dict[str, Lease]:
    """The leases of a plan's trials, by key, without those whose attempt has its record."""
    attempts = {key: head.attempts for key, head in plan.heads.items()}
    return {
        key: lease
        for key, lease in store.leases.all().items()
        if key in plan.labels and not lease.is_over(attempts.get(key, 0))
    }


def running_as_json(leases: Mapping[str, Lease], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Key, trial, run and process of each trial that is being trained, with its progress."""
    from evenhand.store.activity import Activity

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
            **(lease.activity or Activity()).model_dump(),
        }
        for key, lease in leases.items()
    ]


def print_running(leases: Mapping[str, Lease], labels: Mapping[str, str], out: Console) -> None:
    """Print which trials a user's processes on a machine train, or left without a record."""
    of_holder: dict[tuple[str, bool], dict[str, Lease]] = {}
    for key, lease in leases.items():
        holder = (lease.owner, lease.process.is_known_dead)
        of_holder.setdefault(holder, {})[key] = lease
    for (name, is_dead), held in of_holder.items():
        one = len(held) == 1
        left, trained = ("was", "is") if one else ("were", "are")
        what = f"{left} left by" if is_dead else f"{trained} trained by"
        numbers = sorted({lease.process.pid for lease in held.values() if lease.process.pid})
        listing = listed([str(number) for number in numbers], PROCESSES_SHOWN)
        who = f"{name}, process{'es' if len(numbers) > 1 else ''} {listing}" if numbers else name
        out.print(f"{plural(len(held), 'trial')} {what} {who}", soft_wrap=True)
        trials = [labels[key] for key in held]
        out.print(f"   {listed(trials, TRIALS_SHOWN)}", style="dim", soft_wrap=True)
