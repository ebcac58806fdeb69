"""A look in Prometheus' text format, as a file for the textfile collector of node_exporter."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from evenhand.cli.look import Look
from evenhand.declared.visible_text import visible
from evenhand.errors import StoreError

GIB = 2**30
HOUR = 3600
CAUSES = 20
"""Most causes of failures that have a line: each is a time series of its own."""
CAUSE_CHARACTERS = 120


class Sample(NamedTuple):
    """A value of a metric with its labels."""

    labels: Mapping[str, str]
    value: float


class Family(NamedTuple):
    """A metric with its samples; all are gauges."""

    name: str
    help: str
    samples: list[Sample]


def write_file(path: Path, look: Look) -> None:
    """Write a look to a file, by rename, so that no half of it is read. Raises `StoreError`."""
    text = "".join(lines(look))
    # Its name does not end with `.prom`, so that the collector leaves it alone.
    beside = None
    try:
        number, beside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            # The collector is another user.
            os.fchmod(number, 0o644)
            file.write(text)
        Path(beside).replace(path)
    except OSError as error:
        if beside is not None:
            with suppress(OSError):
                Path(beside).unlink()
        raise StoreError(
            f"--prometheus {path}: the file cannot be written: {error.strerror}\n"
            "  name a file in a folder that exists and that you may write to"
        ) from error


def lines(look: Look) -> Iterator[str]:
    """The lines of the file, with their ends."""
    suite = {"suite": look.plan.suite.declaration.suite, "edition": look.plan.edition}
    for family in (*_trials(look), *_nodes(look), *_time(look)):
        if family.samples:
            yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n"
        # Two samples with one set of labels would make the whole file invalid.
        values: dict[str, float] = {}
        for sample in family.samples:
            named = ",".join(f'{k}="{escaped(v)}"' for k, v in {**suite, **sample.labels}.items())
            values.setdefault(named, sample.value)
        for named, value in values.items():
            yield f"{family.name}{{{named}}} {number(value)}\n"


def number(value: float) -> str:
    """A value as Prometheus reads it.

    >>> number(3), number(0.25), number(float("inf"))
    ('3', '0.25', '+Inf')
    """
    return "+Inf" if value == float("inf") else repr(value)


def escaped(text: str) -> str:
    r"""A label's value, in which backslashes, quotes and ends of lines are escaped.

    >>> print(escaped('a"b\\c'))
    a\"b\\c
    """
    plain = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return plain.replace("\n", "\\n")


def _trials(look: Look) -> list[Family]:
    plan = look.plan
    numbers = {
        "done": len(plan.done),
        "failed": len(plan.failed),
        "missing": len(plan.missing),
        "blocked": len(plan.blocked),
        "running": len(look.live),
    }
    rows = [
        Sample({"row": row.row, "status": status}, n)
        for row in look.rows
        for status, n in (("done", row.done), ("failed", row.failed), ("missing", row.missing))
    ]
    by_number = sorted(look.causes.items(), key=lambda each: -len(each[1]))[:CAUSES]
    causes: dict[str, int] = {}
    for cause, trials in by_number:
        first = cause.partition("\n")[0][:CAUSE_CHARACTERS]
        causes[first] = causes.get(first, 0) + len(trials)
    return [
        Family(
            "evenhand_trials",
            "Trials of the suite by status; those that run are missing, too.",
            [Sample({"status": status}, n) for status, n in numbers.items()],
        ),
        Family("evenhand_row_trials", "Trials of a row of the suite by status.", rows),
        Family(
            "evenhand_failed_trials",
            "Trials that failed for a cause.",
            [Sample({"cause": cause}, n) for cause, n in causes.items()],
        ),
    ]


def _nodes(look: Look) -> list[Family]:
    nodes = look.nodes
    gpus = [({"node": node.host, "gpu": gpu.gpu}, gpu) for node in nodes for gpu in node.gpus]
    return [
        Family(
            "evenhand_node_running_trials",
            "Trials that run on a machine.",
            [Sample({"node": node.host}, node.trials) for node in nodes],
        ),
        Family(
            "evenhand_node_cpu_cores",
            "CPU cores that the processes of the trials on a machine keep busy.",
            [Sample({"node": n.host}, n.cpu_cores) for n in nodes if n.cpu_cores is not None],
        ),
        Family(
            "evenhand_node_memory_bytes",
            "Resident memory of the processes of the trials on a machine.",
            [
                Sample({"node": n.host}, n.memory_gib * GIB)
                for n in nodes
                if n.memory_gib is not None
            ],
        ),
        Family(
            "evenhand_gpu_utilization_ratio",
            "Share of the time in which a GPU is busy.",
            [Sample(labels, gpu.gpu_use) for labels, gpu in gpus if gpu.gpu_use is not None],
        ),
        Family(
            "evenhand_gpu_memory_used_bytes",
            "Memory of a GPU that is in use.",
            [
                Sample(labels, gpu.gpu_memory_gib * GIB)
                for labels, gpu in gpus
                if gpu.gpu_memory_gib is not None
            ],
        ),
        Family(
            "evenhand_gpu_memory_bytes",
            "Memory of a GPU.",
            [
                Sample(labels, gpu.gpu_total_gib * GIB)
                for labels, gpu in gpus
                if gpu.gpu_total_gib is not None
            ],
        ),
    ]


def _time(look: Look) -> list[Family]:
    left = look.left
    bounds = [] if look.is_over or not look.live else [("low", left.low), ("high", left.high)]
    rate = [] if look.per_hour is None else [Sample({}, look.per_hour / HOUR)]
    return [
        Family(
            "evenhand_time_left_seconds",
            "Bounds of the time until every trial has ended; +Inf where none is known.",
            [Sample({"bound": name}, value) for name, value in bounds],
        ),
        Family(
            "evenhand_throughput_trials_per_second",
            "Trials that end in a second, over the last hour at most.",
            rate,
        ),
    ]
