"""Events of a run: plain data, which can be sent between processes and written as JSON."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evenhand.declared.base import Part, format_part
from evenhand.declared.method import Method
from evenhand.declared.record import Record, Status
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.execution.usage import Used

Kind = Literal["note", "ready", "started", "progress", "ended", "left", "held", "again", "fatal"]


@dataclass(frozen=True)
class Event:
    """An event of one trial, or a note on the data before the first one.

    >>> Event("ended", key="0a1b", trial="erm on digits-exp-100, seed 0", status="done").as_json()
    {'kind': 'ended', 'key': '0a1b', 'trial': 'erm on digits-exp-100, seed 0', 'status': 'done'}
    """

    kind: Kind
    """Kind of the event; "fatal" is an error that ends the whole run, explained in `cause`.

    "note" is something that a user should know before trials start, in `cause`. "ready" comes once
    the place where trials run is there, with its `slots`. "left" is a trial
    without a record that this run does not start again, because it would not end in time or within
    the budget, or its node does not reach the store, "held" one that another run trains, whose
    process is named in `cause`, "again" one that ran out of the memory of its share of a GPU, and
    runs later on a whole one.
    """
    key: str = ""
    trial: str = ""
    slots: int | None = None
    """Number of trials that run at a time; None on a cluster, which others may use."""
    epoch: int | None = None
    epochs: int | None = None
    resumed: int | None = None
    """Epochs that an earlier attempt had trained; None where the trial began anew."""
    score: float | None = None
    """The recipe's metric `best_by` on validation data after `epoch` of `epochs`."""
    status: Status | None = None
    cause: str = ""
    seconds: float | None = None
    gpu: str | None = None
    """Model of the GPU on which a trial that has ended was trained."""
    gpu_memory_gib: float | None = None
    """Memory that its process took on the GPU."""
    used: Used | None = None
    """What a trial that runs again has used so far, which no record holds."""

    def as_json(self) -> dict[str, Any]:
        """The fields that have a value."""
        return {k: v for k, v in asdict(self).items() if v not in (None, "")}


Sink = Callable[[Event], None]


def trial_label(trial: Trial) -> str:
    """Name of a trial without its default settings: `vs(tau=1.25) on cifar10-exp-100, seed 3`."""
    taught = f" distilled from {_brief('method', trial.teacher.method)}" if trial.teacher else ""
    posthoc = f" + {_brief('posthoc', trial.posthoc)}" if trial.posthoc else ""
    own = _brief("method", trial.method)
    return f"{own}{taught}{posthoc} on {trial.problem.name}, seed {trial.seed}"


def _brief(kind: str, part: Part) -> str:
    """A part's name with its required settings and those that differ from their defaults."""
    needed = {s.name for s in REGISTRY.get(kind, part.name).settings.values() if s.required}
    given = {k: v for k, v in part.settings.items() if k in needed}
    usual = REGISTRY.part(kind, part.name, given).settings
    shown = {k: v for k, v in part.settings.items() if k in needed or v != usual[k]}
    return format_part(part.name, shown)


def started_event(trial: Trial) -> Event:
    """Event at the start of a trial; its epochs are those of all runs of its method."""
    method: Method = REGISTRY.make("method", trial.method)
    epochs = method.total_epochs(trial.recipe.epochs) + (method.refit is not None)
    return Event("started", trial.key, trial_label(trial), epochs=epochs)


def ended_event(record: Record) -> Event:
    """Event after a trial's record was written."""
    return Event(
        "ended",
        record.key,
        trial_label(record.trial),
        status=record.exit.status,
        cause=record.exit.cause,
        seconds=record.cost.seconds,
        gpu=record.provenance.gpu,
        gpu_memory_gib=record.cost.reserved_gpu_memory_gib,
    )


class Mailbox:
    """Queue in which workers put events and the driver fetches them.

    The driver stops the workers by it.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.identity = uuid.uuid4().hex
        self._is_stopped = False

    def post(self, event: Event) -> None:
        """Append an event to the queue."""
        self.events.append(event)

    def take(self) -> tuple[str, list[Event]]:
        """Remove all events of the queue; its identity, which a restart changes, and the events."""
        taken, self.events = self.events, []
        return self.identity, taken

    def stop(self) -> None:
        """Tell the workers to end their trials at the next step."""
        self._is_stopped = True

    def is_stopped(self) -> bool:
        """Whether the workers are to end their trials."""
        return self._is_stopped
