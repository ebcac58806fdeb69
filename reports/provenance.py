"""Where a number comes from: the trial behind it and the command that makes it again."""

from __future__ import annotations

import re
import shlex

from harness.spec.base import plain
from harness.spec.record import Record
from harness.spec.trial import Trial

AGAIN = "rerun"
"""A results folder of its own: what a store holds already is never computed twice."""

SAFE = re.compile(r"[A-Za-z0-9_.+-]+")


def rerun(source: str, trial: Trial, *, every_seed: bool = False) -> str:
    """`evenhand run SUITE --only method=vs,tau=1.25,problem=…,seed=3 --results rerun`."""
    terms = [f"method={trial.method.name}"]
    written = {name: plain(value) for name, value in trial.method.settings.items()}
    terms += [f"{name}={value}" for name, value in written.items() if SAFE.fullmatch(value)]
    terms.append(f"problem={trial.problem.name}")
    if not every_seed:
        terms.append(f"seed={trial.seed}")
    return shlex.join(["evenhand", "run", source, "--only", ",".join(terms), "--results", AGAIN])


def source_of(record: Record) -> str:
    """What the user called the suite that the trial was run for; `SUITE` where nobody knows."""
    words = record.provenance.command.split()
    if words[1:2] == ["run"] and len(words) > 2 and not words[2].startswith("-"):
        return words[2]
    return record.provenance.suite.partition(" ")[0] or "SUITE"


def device(record: Record) -> str:
    """`NVIDIA H100`, or the processor where no GPU was used."""
    found = record.provenance
    return found.gpu or found.cpu or found.device


def commit(record: Record) -> str:
    """Twelve digits, with `+` where files had been changed."""
    found = record.provenance
    return f"{found.commit[:12]}{'+' if found.dirty else ''}" if found.commit else "unknown"
