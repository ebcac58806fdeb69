"""The reason for which Ray Tune ended a round before its trials had ended."""

from __future__ import annotations

import re

from evenhand.errors import EndedEarly
from evenhand.execution.rounds import OutOfMemory

TRAINABLE = "PackTrainable"
"""Name of the class of the actors that run packs, as Ray and the list of processes show it."""
WORKER_MEMORY = re.compile(
    rf"Actor\(([0-9a-f]+)\):[^\n]*?task name={TRAINABLE}[^\n]*?memory used=([0-9.]+)GB"
)
"""An actor of Tune with its memory, in the message of Ray's memory monitor."""
NODE_MEMORY = re.compile(r"was ([0-9.]+)GB used / ([0-9.]+)GB limit")


def early_end(error: RuntimeError) -> EndedEarly:
    """The error of a round that Ray ended early, in one line.

    Where the memory monitor killed a worker, it names the trial's process that used most memory.
    """
    import ray

    text = str(error)
    if not isinstance(error.__cause__, ray.exceptions.OutOfMemoryError):
        return EndedEarly(f"Ray Tune ended early: {text.strip().partition(chr(10))[0]}")
    used = {actor: float(gigabytes) for actor, gigabytes in WORKER_MEMORY.findall(text)}
    memory = NODE_MEMORY.search(text)
    return OutOfMemory(
        "a node ran out of memory, and Ray ended all trials that ran",
        actor=max(used, key=used.__getitem__, default=""),
        memory=f"{memory[1]} GB of {memory[2]} GB in use" if memory else "",
    )
