"""The progress of a run: a live display on a terminal, lines in a pipe, or JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evenhand.cli.output import console, duration, plural, print_line, time_left
from evenhand.execution.forecast import (
    UNKNOWN,
    Bounds,
    Forecast,
    Left,
    Size,
    sizes,
)
from evenhand.execution.schedule import Kind, finished_seconds, generations_of

if TYPE_CHECKING:
    from evenhand.execution.events import Event, Sink
    from evenhand.execution.plan import Plan

BAR_WIDTH = 76
RUNNING_SHOWN = 8
LINE_EVERY_SECONDS = 1.0
LEFT_EVERY_SECONDS = 1.0


@dataclass
class Tally:
    """Numbers of trials that are done, failed and running, and the time that is left."""

    name: str
    total: int
    waiting: dict[str, Left] = field(default_factory=dict)
    """Trials without a new record, by key, as they were planned."""
    earlier: Mapping[Kind, Sequence[float]] = field(default_factory=dict)
    """Seconds of trials that had finished before this run, by kind."""
    sizes: Mapping[Kind, Size] = field(default_factory=dict)
    """Size of each kind."""
    slots: int = 0
    """Trials that run at a time, as far as that is known."""
    done: int = 0
    failed: int = 0
    interrupted: int = 0
    running: dict[str, Event] = field(default_factory=dict)
    began: float | None = None
    """Time of the first event of a trial: workers that start and import are no part of it."""
    deadline: float = math.inf
    """Time by which the trials are to end."""
    _starts: dict[str, float] = field(default_factory=dict)
    _finished: dict[Kind, list[float]] = field(default_factory=dict)
    _forecast: Bounds = UNKNOWN
    _forecast_until: float = -math.inf

    def see(self, event: Event) -> None:
        """Update the numbers with an event."""
        if event.kind == "ready":
            self.slots = event.slots or 0
            return
        now = time.monotonic()
        if self.began is None:
            self.began = now
        if event.kind in ("started", "progress"):
            self.running[event.key] = event
            self.slots = max(self.slots, len(self.running))
        elif event.kind in ("left", "held", "again", "ended"):
            self.running.pop(event.key, None)
        if event.kind == "left":
            self.waiting.pop(event.key, None)
        if event.kind == "started":
            self._starts[event.key] = now
        elif event.kind == "ended":
            self._ended(event)

    def _ended(self, event: Event) -> None:
        self.done += event.status == "done"
        self.failed += event.status in ("failed", "diverged")
        self.interrupted += event.status == "interrupted"
        trial = self.waiting.pop(event.key, None)
        if trial is not None and event.status == "done" and event.seconds is not None:
            self._finished.setdefault(trial.kind, []).append(event.seconds)

    @property
    def left(self) -> Bounds:
        """The time until all trials have ended, computed anew for at most 2 % of the time."""
        now = time.monotonic()
        if now >= self._forecast_until:
            self._forecast = self._left(now)
            took = time.monotonic() - now
            self._forecast_until = now + max(LEFT_EVERY_SECONDS, 50 * took)
        rest = max(0.0, self.deadline - now)
        return Bounds(min(self._forecast.low, rest), min(self._forecast.high, rest))

    def _left(self, now: float) -> Bounds:
        # Trials of this run go before earlier ones: the same other trials run beside them. The
        # screen is drawn in a thread of its own, while events change the dictionaries: a copy is
        # whole, and a list of items is not, where the collection of garbage runs Python in between.
        finished = {
            kind: own if len(own) > 1 else [*self.earlier.get(kind, ()), *own]
            for kind, own in self._finished.copy().items()
        }
        running = self.running.copy()
        trials = [
            self._running(trial, running[key], now) if key in running else trial
            for key, trial in self.waiting.copy().items()
        ]
        forecast = Forecast({**self.earlier, **finished}, max(1, self.slots), self.sizes)
        return forecast.left(trials)

    def _running(self, trial: Left, event: Event, now: float) -> Left:
        return replace(
            trial,
            is_running=True,
            share=(event.epoch or 0) / (event.epochs or 1),
            resumed=(event.resumed or 0) / (event.epochs or 1),
            seconds=now - self._starts.get(event.key, now),
        )

    def line(self) -> str:
        """Progress of the run in one line of text."""
        if self.began is None:
            return f"{plural(self.total, 'trial')} to run, workers are starting"
        left = f", {time_left(*self.left)}" if self.running else ""
        return (
            f"{self.done} of {self.total} done, {len(self.running)} running, "
            f"{self.failed} failed{left}"
        )

    def __rich__(self) -> Table:
        bar = ProgressBar(
            total=self.total,
            completed=self.done + self.failed,
            width=BAR_WIDTH,
            style="dim",
            complete_style="cyan",
            finished_style="green",
        )
        head = Text.assemble((self.name, "bold"), f"  {self.line()}")
        if self.failed:
            head.highlight_words([f"{self.failed} failed"], "red")
        trials = Table.grid(padding=(0, 2))
        for event in list(self.running.values())[:RUNNING_SHOWN]:
            score = "" if event.score is None else f"val {event.score:.3f}"
            epoch = f"epoch {event.epoch or 0}/{event.epochs}"
            trials.add_row(Text(event.trial, overflow="ellipsis", no_wrap=True), epoch, score)
        if len(self.running) > RUNNING_SHOWN:
            trials.add_row(Text(f"and {len(self.running) - RUNNING_SHOWN} more", "dim"))
        picture = Table.grid()
        for part in (head, bar, trials):
            picture.add_row(part)
        return picture


def planned(plan: Plan) -> dict[str, Left]:
    """The missing trials of a plan, by key, for a forecast."""
    age = generations_of(plan.missing)
    return {
        trial.key: Left(
            (trial.method.name, trial.workload),
            age[trial.key],
            price=plan.prices.seconds.get(trial.key),
        )
        for trial in plan.missing
    }


@contextmanager
def display(
    plan: Plan, *, json: bool, until: float = math.inf, at_most: bool = False
) -> Iterator[Sink]:
    """A sink for the events of a run. Its form depends on the output: terminal, pipe or JSON.

    until    Unix time by which the trials are to end
    at_most  whether the run may end before all missing trials have run
    """
    if json:
        yield _json
        return
    out = console()
    tally = Tally(
        plan.suite.declaration.suite,
        len(plan.missing),
        planned(plan),
        finished_seconds(plan.heads.values()),
        sizes(plan),
    )
    began = time.monotonic()
    tally.deadline = began + until - time.time()
    waiting = len(plan.done) + len(plan.failed)
    already = "has a record" if waiting == 1 else "have records"
    note = f" ({plural(waiting, 'other')} {already} already)" if waiting else ""
    if out.is_terminal:
        with Live(tally, console=out, refresh_per_second=4, transient=True):
            yield _Screen(tally, out)
    else:
        number = ("at most " if at_most else "") + plural(tally.total, "trial")
        out.print(f"{tally.name}: {number} to run{note}")
        yield _Lines(tally, out)
    taken = time.monotonic() - began
    stopped = f", {tally.interrupted} interrupted" if tally.interrupted else ""
    out.print(
        f"{tally.name}: {tally.done} done, {tally.failed} failed{stopped} "
        f"in {duration(taken)}{note}"
    )


def _json(event: Event) -> None:
    print_line({"time": round(time.time(), 3), **event.as_json()})


@dataclass
class _Screen:
    """The live display, with notes above it."""

    tally: Tally
    out: Console

    def __call__(self, event: Event) -> None:
        if event.kind == "note":
            self.out.print(event.cause, style="yellow", soft_wrap=True)
        else:
            self.tally.see(event)


@dataclass
class _Lines:
    """A line for each trial that ends, at most one per second; failures are printed at once."""

    tally: Tally
    out: Console
    last: float = 0.0

    def __call__(self, event: Event) -> None:
        if event.kind == "note":
            self.out.print(event.cause, soft_wrap=True)
            return
        self.tally.see(event)
        if event.kind != "ended":
            return
        went_wrong = event.status != "done"
        if not went_wrong and time.monotonic() - self.last < LINE_EVERY_SECONDS:
            return
        self.last = time.monotonic()
        first = event.cause.partition("\n")[0]
        cause = f": {first}" if went_wrong and first not in ("", event.status) else ""
        self.out.print(
            f"{self.tally.line()}; {event.trial}: {event.status}{cause}",
            soft_wrap=True,
        )
