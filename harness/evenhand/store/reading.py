"""Parsing of `record.json` into a head or a record.

A record of a later version of Evenhand, by its format or by a field that this version does not
have, is no damaged record: it is refused, and nothing overwrites it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from evenhand.declared.identity import identity_of
from evenhand.declared.record import FORMAT, Record
from evenhand.store.index import Head

RECORD = "record.json"
RECORD_BYTES = 1 << 28
"""Most bytes of a record that are read."""


class Unreadable(ValueError):  # noqa: N818  reported as a `Fault`, not as an error
    """A file cannot be read as a record; the message gives the reason."""


class Newer(Unreadable):
    """A later version of Evenhand wrote the record."""


def read_head(content: bytes, folder: str) -> Head:
    """Parse a head. Raises `Unreadable` where `read_record` does."""
    record = read_record(content, folder)
    return Head(
        key=record.key,
        status=record.exit.status,
        attempts=record.attempts,
        seconds=record.cost.seconds,
        method=record.trial.method.name,
        problem=record.trial.problem.name,
        workload=record.trial.workload,
        device=record.provenance.device,
        gpu=record.provenance.gpu,
        gpu_memory_gib=record.cost.reserved_gpu_memory_gib,
        fingerprint=record.data.fingerprint if record.data else None,
        identity=identity_of(record.trial),
        gpu_seconds=record.cost.gpu_seconds,
        core_seconds=record.cost.core_seconds,
        kept=record.kept,
        scored=record.scored,
    )


def read_record(content: bytes, folder: str) -> Record:
    """Parse a record. Raises `Unreadable`, also where the key is not that of the record's trial."""
    try:
        record = Record.model_validate_json(content)
    except ValidationError as error:
        raise _unreadable(content, error) from None
    if record.key != folder:
        raise Unreadable(f"it belongs in the folder {record.key}")
    if record.trial.key != record.key:
        raise Unreadable(f"its spec was changed: the key of its trial is {record.trial.key}")
    return record


def replaces(new: Record, done: Record) -> bool:
    """Whether a record takes the place of one that is done, which another run may have written."""
    is_more = new.attempts > done.attempts or set(new.kept) > set(done.kept)
    return new.exit.status == "done" and is_more


@contextmanager
def no_collection() -> Iterator[None]:
    """Turn off garbage collection in a `with` block.

    Neither records nor modules are garbage, and the search for reference cycles among thousands of
    records takes as long as reading them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _unreadable(content: bytes, error: ValidationError) -> Unreadable:
    if not content:
        return Unreadable("it is empty")
    mistakes = error.errors(include_url=False)
    first = mistakes[0]
    if first["type"] == "json_invalid":
        return Unreadable(f"it is damaged or incomplete JSON: {first['ctx']['error']}")
    ours = f"this version reads format {FORMAT}"
    for mistake in mistakes:
        value = mistake["input"]
        if mistake["loc"] == ("format",):
            kind = Newer if isinstance(value, int) and value > FORMAT else Unreadable
            return kind(f"its format is {value!r}; {ours}")
    for mistake in mistakes:
        if mistake["type"] == "extra_forbidden":
            field = ".".join(str(part) for part in mistake["loc"])
            return Newer(f"it has the field `{field}`; {ours} without that field")
    place = ".".join(str(part) for part in first["loc"]) or "the file"
    return Unreadable(f"it is not a record: {place}: {first['msg'].lower()}")
