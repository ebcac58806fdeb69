"""A plugin for the fault campaign: small data, slow steps, a journal, and traps.

The environment of a process turns each of them on, so that the undisturbed run of the same suite
with the same plugin is quick. `JOURNAL` is the file of the journal, `TRAPS` the folder of traps,
`PACE` the seconds of a step, `STALL` the seconds after which a trial hangs, and `CLOCK` the seconds
that the process's clock is ahead.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset, recipe
from evenhand.declared.recipe import Recipe
from evenhand.execution.watchdog import StallLimits
from evenhand.store.store import Store
from evenhand.suite.recipes import part

PREFIX = "EVENHAND_CAMPAIGN_"
STALLS = StallLimits(first=90.0, factor=4.0, grace=3.0)
CHUNK, LARGEST = 2**23, 600
"""Numbers of eight bytes that a greedy trial takes at a time, and how often."""


@dataset(n_classes=3, shape=(4, 4, 1))
def campaign_blobs() -> Source:
    """Three classes of noisy 4×4 images, 60 to train on and 20 to test on of each."""
    rng = np.random.default_rng(0)

    def images(n: int) -> Images:
        labels = np.repeat(np.arange(3), n)
        noise = rng.integers(0, 120, (len(labels), 4, 4, 1))
        pixels = (noise + 60 * labels[:, None, None, None]).clip(0, 255).astype(np.uint8)
        return Images(pixels, labels, np.zeros_like(labels))

    return Source(images(60), images(20), ("a", "b", "c"))


@recipe()
def campaign_quick() -> Recipe:
    """A linear model, six epochs of a few steps."""
    return Recipe(
        name="campaign_quick",
        backbone=part("backbone", linear={}),
        epochs=6,
        batch=16,
        lr=0.05,
        schedule=part("schedule", constant={}),
        deterministic=True,
    )


def setting(name: str) -> str:
    """A setting of the campaign; empty outside of it."""
    return os.environ.get(PREFIX + name, "")


def note(what: str, key: str, **more: Any) -> None:
    """Append a line to the journal, in one system call."""
    process = f"{os.uname().nodename} {os.getpid()}"
    line = {"at": time.monotonic(), "what": what, "key": key, "process": process, **more}
    file = os.open(setting("JOURNAL"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, json.dumps(line).encode() + b"\n")
    os.close(file)


def fall_into_trap() -> None:
    """Do what the first trap says that no other process has fallen into."""
    traps = setting("TRAPS")
    for trap in Path(traps).glob("*.set") if traps else ():
        taken = trap.with_suffix(".taken")
        try:
            trap.rename(taken)
        except FileNotFoundError:
            continue
        _go_wrong(trap.stem)


def _go_wrong(how: str) -> None:
    if how == "hang":
        time.sleep(3600)
    if how == "lock":
        # One call of C code, which other threads of the process wait for.
        re.match(r"(a+)+$", "a" * 64 + "b")
    if how == "memory":
        taken = []
        for _ in range(LARGEST):
            taken.append(np.ones(CHUNK))
            time.sleep(0.05)
        time.sleep(3600)


def _with_journal() -> None:
    """Write what a process reads and writes of a trial to the journal."""
    load, save, write = Store.load_state, Store.save_state, Store.write

    def load_state(self: Store, key: str) -> bytes | None:
        state = load(self, key)
        note("start", key, state=None if state is None else hash_of(state))
        return state

    def save_state(self: Store, key: str, content: bytes) -> None:
        save(self, key, content)
        note("save", key, state=hash_of(content))

    def write_record(self: Store, record: Any, *attachments: Any) -> Any:
        held = write(self, record, *attachments)
        note("record", record.key, status=record.exit.status)
        return held

    Store.load_state, Store.save_state, Store.write = load_state, save_state, write_record


def hash_of(content: bytes) -> int:
    """A number for a content, the same in all processes."""
    import zlib

    return zlib.crc32(content)


def _with_slow_steps() -> None:
    """Save after each step, which takes its time and may be trapped."""
    from evenhand.execution import execute
    from evenhand.train import resume

    save, pace = resume.Resumable.save_if_due, float(setting("PACE"))

    def save_if_due(self: resume.Resumable, run: Any) -> None:
        time.sleep(pace)
        fall_into_trap()
        save(self, run)

    resume.Resumable.save_if_due = save_if_due
    resume.LEAST_SECONDS = 0.5
    defaults = (STALLS.first, float(setting("STALL")), STALLS.factor, STALLS.grace)
    execute.StallLimits.__init__.__defaults__ = defaults


def _with_clock(ahead: float) -> None:
    now = time.time
    time.time = lambda: now() + ahead


if setting("JOURNAL") and not hasattr(Store, "campaign"):
    # Once in a process, however often the plugin is loaded.
    Store.campaign = True
    _with_journal()
    _with_slow_steps()
    if setting("CLOCK"):
        _with_clock(float(setting("CLOCK")))
