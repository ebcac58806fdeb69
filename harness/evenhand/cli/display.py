"""The progress of a run: a live display on a terminal, lines in a pipe, or JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evenhand.cli.output import console, duration, plural, print_line

if TYPE_CHECKING:
    from evenhand.execution.events import Event, Sink
    from evenhand.execution.plan import Plan

BAR_WIDTH = 76
RUNNING_SHOWN = 8
LINE_EVERY_SECONDS = 1.0


@dataclass
class Tally:
    """Numbers of trials that are done, failed and running."""

    name: str
    total: int
    weights: Mapping[str, float] = field(default_factory=dict)
    """Share of the run's time that each trial is expected to take, by key; 1 without an entry."""
    done: int = 0
    failed: int = 0
    interrupted: int = 0
    running: dict[str, Event] = field(default_factory=dict)
    began: float | None = None
    """Time of the first event: workers that start and import are not a part of any trial."""
    ended: float = 0.0
    """Weight of the trials that have ended."""
    deadline: float = math.inf
    """Time by which the trials are to end."""

    def see(self, event: Event) -> None:
        """Update the numbers with an event."""
        if self.began is None:
            self.began = time.monotonic()
        if event.kind in ("started", "progress"):
            self.running[event.key] = event
        elif event.kind in ("left", "held"):
            self.running.pop(event.key, None)
        elif event.kind == "ended":
            self.running.pop(event.key, None)
            self.ended += self.weight(event.key)
            self.done += event.status == "done"
            self.failed += event.status in ("failed", "diverged")
            self.interrupted += event.status == "interrupted"

    def weight(self, key: str) -> float:
        """Share of the run's time that a trial is expected to take."""
        return self.weights.get(key, 1.0)

    @property
    def eta_seconds(self) -> float | None:
        """Remaining seconds at the speed of this run so far; None while no epoch has ended.

        A running trial counts as the share of its epochs that have ended.
        """
        parts = [self.weight(k) * (e.epoch or 0) / (e.epochs or 1) for k, e in self.running.items()]
        progress = self.ended + sum(parts)
        if progress <= 0 or self.began is None:
            return None
        whole = sum(self.weights.values()) + self.total - len(self.weights)
        now = time.monotonic()
        left = (now - self.began) * max(0.0, whole - progress) / progress
        return min(left, max(0.0, self.deadline - now))

    def line(self) -> str:
        """Progress of the run in one line of text."""
        if self.began is None:
            return f"{plural(self.total, 'trial')} to run, workers are starting"
        eta = self.eta_seconds
        left = f", about {duration(eta)} left" if eta is not None and self.running else ""
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


def expected_shares(plan: Plan) -> dict[str, float]:
    """Estimated time of each missing trial, by key, in units of their mean; those without: 1."""
    known = {trial.key: plan.estimate(trial) for trial in plan.missing}
    seconds = {key: value for key, value in known.items() if value}
    mean = sum(seconds.values()) / max(1, len(seconds))
    return {key: value / mean for key, value in seconds.items()}


@contextmanager
def display(plan: Plan, *, json: bool, until: float = math.inf) -> Iterator[Sink]:
    """A sink for the events of a run. Its form depends on the output: terminal, pipe or JSON.

    until: Unix time by which the trials are to end.
    """
    out = console()
    tally = Tally(plan.suite.declaration.suite, len(plan.missing), expected_shares(plan))
    began = time.monotonic()
    tally.deadline = began + until - time.time()
    if json:
        yield _json
        return
    waiting = len(plan.done) + len(plan.failed)
    already = "has a record" if waiting == 1 else "have records"
    note = f" ({plural(waiting, 'other')} {already} already)" if waiting else ""
    if out.is_terminal:
        with Live(tally, console=out, refresh_per_second=4, transient=True):
            yield _Screen(tally, out)
    else:
        out.print(f"{tally.name}: {plural(tally.total, 'trial')} to run{note}")
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
