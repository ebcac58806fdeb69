"""What a run tells while it goes: plain data, so that it crosses processes and becomes JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evenhand.declared.base import Part, call
from evenhand.declared.method import Method
from evenhand.declared.record import Record, Status
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial

Kind = Literal["started", "progress", "ended", "fatal"]


@dataclass(frozen=True)
class Event:
    """Something that happened to one trial.

    score is the recipe's `best_by` on validation data after `epoch` of `epochs`; "fatal" is what
    ends the whole run, with the reason in `cause`.
    """

    kind: Kind
    key: str
    trial: str
    epoch: int | None = None
    epochs: int | None = None
    score: float | None = None
    status: Status | None = None
    cause: str = ""
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v not in (None, "")}


Sink = Callable[[Event], None]


def label(trial: Trial) -> str:
    """`vs(tau=1.25) on cifar10-exp-100, seed 3`: a trial without the settings left as they come."""
    taught = f" taught by {_brief('method', trial.teacher.method)}" if trial.teacher else ""
    mapped = f" + {_brief('posthoc', trial.posthoc)}" if trial.posthoc else ""
    own = _brief("method", trial.method)
    return f"{own}{taught}{mapped} on {trial.problem.name}, seed {trial.seed}"


def _brief(kind: str, part: Part) -> str:
    """Without the settings that a bare name stands for."""
    needed = {s.name for s in REGISTRY.get(kind, part.name).settings.values() if s.required}
    given = {k: v for k, v in part.settings.items() if k in needed}
    usual = REGISTRY.part(kind, part.name, given).settings
    return call(part.name, {k: v for k, v in part.settings.items() if k in needed or v != usual[k]})


def started(trial: Trial) -> Event:
    """A trial begins; its epochs are those of all runs of its method."""
    method: Method = REGISTRY.make("method", trial.method)
    epochs = method.total_epochs(trial.recipe.epochs) + (method.refit is not None)
    return Event("started", trial.key, label(trial), epochs=epochs)


def ended(record: Record) -> Event:
    """A trial has left its record."""
    return Event(
        "ended",
        record.key,
        label(record.trial),
        status=record.exit.status,
        cause=record.exit.cause,
        seconds=record.cost.seconds,
    )


class Mailbox:
    """Where workers leave events and the driver picks them up; also over a `ray://` address."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def post(self, event: Event) -> None:
        self.events.append(event)

    def take(self) -> list[Event]:
        taken, self.events = self.events, []
        return taken
