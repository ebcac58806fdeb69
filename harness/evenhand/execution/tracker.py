"""Running and failed trials of a run, counted from its events."""

from __future__ import annotations

import _thread
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evenhand.execution.events import Event, Sink
from evenhand.execution.usage import Used


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
    causes: dict[str, str] = field(default_factory=dict)
    """Causes of the trials that failed, by key."""
    left: set[str] = field(default_factory=set)
    """Trials that were not started, because they would not have ended within the limits."""
    again: set[str] = field(default_factory=set)
    """Trials that run on a whole GPU, because they ran out of the memory of their share of one."""
    spent: dict[str, Used] = field(default_factory=dict)
    """What the trials in `again` had used before, by key."""
    held: dict[str, str] = field(default_factory=dict)
    """Trials that another run trains, by key, each with the process of that run."""
    seen: int = 0
    """Number of events of trials so far."""
    failures: int = 0
    stopping: bool = False
    """Whether the run was interrupted because too many trials had failed."""

    def __call__(self, event: Event) -> None:
        if event.key in self.over:
            # Ray lost the process of a trial after its record was written, and ran it again, or the
            # store told of the end before an event that was late.
            return
        event = replace(event, trial=self.labels.get(event.key, event.trial))
        self.sink(event)
        self.seen += bool(event.key)
        if event.kind == "started":
            self.running[event.key] = event
            self.starts[event.key] += 1
        if event.kind in ("left", "held", "again"):
            self.running.pop(event.key, None)
        if event.kind == "again":
            self.again.add(event.key)
            # Starts on lost nodes and on its share do not count against it on a whole GPU.
            self.starts[event.key] = 1
            self.spent[event.key] = event.used or Used()
            text = f"{event.trial} {event.cause}; it runs again on a whole GPU"
            self.sink(Event("note", cause=text))
        if event.kind == "left":
            self.left.add(event.key)
        if event.kind == "ended":
            self.running.pop(event.key, None)
            self.over.add(event.key)
            if event.status in ("failed", "diverged"):
                self.failures += 1
                self.causes[event.key] = event.cause
            if self.too_many_failures and not self.stopping:
                # Only once: a second interrupt would stop the records of interrupted trials.
                self.stopping = True
                _thread.interrupt_main()

    def forget(self, key: str) -> None:
        """Forget the starts of a trial whose process was ended with its round."""
        self.running.pop(key, None)
        del self.starts[key]

    def note_held(self, held: Mapping[str, str]) -> None:
        """Tell once for each process of another run that it trains trials of this one."""
        for holder in sorted(set(held.values()) - set(self.held.values())):
            n = list(held.values()).count(holder)
            what = "1 trial is trained" if n == 1 else f"{n} trials are trained"
            waited = "its record is" if n == 1 else "their records are"
            text = f"{what} by another run ({holder}); {waited} waited for"
            self.sink(Event("note", cause=text))
        self.held = {**self.held, **held}

    @property
    def too_many_failures(self) -> bool:
        """Whether more trials have failed or diverged than `max_failures` allows."""
        return self.max_failures is not None and self.failures > self.max_failures
