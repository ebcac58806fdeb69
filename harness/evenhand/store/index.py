"""Index of a store: the heads of all records in one file, which can always be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from evenhand.declared.identity import Identity
from evenhand.declared.record import Seconds, Status
from evenhand.declared.trial import Kept

FORMAT: Literal[8] = 8
BEGINNING = b'{"format":%d,' % FORMAT
"""First bytes of an index of this format."""
INDEX_BYTES = 1 << 30
"""Most bytes of an index that are read."""


@dataclass(frozen=True, slots=True)
class Head:
    """The few fields of a record that planning and pricing need."""

    key: str
    status: Status
    attempts: int
    seconds: Seconds
    method: str
    """Name of the method, without settings."""
    problem: str
    """Name of the problem, without settings."""
    workload: str
    """Equal for trials of one problem under one recipe."""
    device: str
    """Type of the device, "cpu" or "cuda"."""
    gpu: str | None
    """Model of the GPU."""
    gpu_memory_gib: float | None
    """Peak memory that the trial took on the GPU; None where that is not known."""
    fingerprint: str | None
    """Fingerprint of the data; None where the trial ended before it read any."""
    identity: Identity
    """The trial beside the versions of its code, by which a plan finds earlier records of it."""
    gpu_seconds: Seconds | None = None
    """GPU time of all attempts; None where it is not recorded."""
    core_seconds: Seconds | None = None
    """Time of CPU cores of all attempts; None where it is not recorded."""
    kept: tuple[Kept, ...] = ()
    """Arrays that the trial kept for other trials."""
    scored: Mapping[str, str] = field(default_factory=dict)
    """Version of the code of each metric of logits that the record holds."""


class IndexEntry(NamedTuple):
    """A head with the version of the file that it was read from."""

    version: str
    head: Head


class Index(BaseModel):
    """Content of the index file; its format changes with the fields of `Head`.

    An index of another format is made again from the records.
    """

    format: Literal[8] = FORMAT
    entries: list[IndexEntry]


def dump_index(entries: Mapping[str, IndexEntry]) -> bytes:
    """The index file; entries without a version are left out, because they may be out of date."""
    whole = [entry for _, entry in sorted(entries.items()) if entry.version]
    return Index(entries=whole).model_dump_json().encode()


def load_index(content: bytes) -> dict[str, IndexEntry]:
    """Entries of an index file by key; none where it cannot be read, because it is made again."""
    if not content.startswith(BEGINNING):
        # Validation would list the mistakes of every entry: 100,000 entries take 1 GB.
        return {}
    try:
        index = Index.model_validate_json(content)
    except ValidationError:
        return {}
    return {entry.head.key: entry for entry in index.entries}


def settled(entries: Mapping[str, IndexEntry]) -> dict[str, str]:
    """Version of each entry that an index holds."""
    return {key: entry.version for key, entry in entries.items() if entry.version}
