"""The heads of all records in one file: made from the records, never the truth about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from evenhand.declared.record import Status
from evenhand.declared.trial import Kept


@dataclass(frozen=True, slots=True)
class Head:
    """Enough of a record to plan, to price and to count: who, how it ended, what it took.

    method, problem  names; a record's trial has the settings
    workload         equal for trials of one problem under one recipe
    device           "cpu" or "cuda"
    fingerprint      of the data, where the trial came as far as reading any
    kept             what it kept for other trials
    """

    key: str
    status: Status
    attempts: int
    seconds: float
    method: str
    problem: str
    workload: str
    device: str
    fingerprint: str | None
    kept: tuple[Kept, ...] = ()


class Indexed(NamedTuple):
    """A head, and the version of the file that it was read from."""

    version: str
    head: Head


class Index(BaseModel):
    """The file; its format changes with the fields of `Head`."""

    format: Literal[3] = 3
    entries: list[Indexed]


def dump_index(entries: Mapping[str, Indexed]) -> bytes:
    """Entries of unknown version are left out: nobody could tell whether they still hold."""
    whole = [entry for _, entry in sorted(entries.items()) if entry.version]
    return Index(entries=whole).model_dump_json().encode()


def load_index(content: bytes) -> dict[str, Indexed]:
    """Entries by key; none where the file is torn or somebody else's, for it can be made again."""
    try:
        index = Index.model_validate_json(content)
    except ValidationError:
        return {}
    return {entry.head.key: entry for entry in index.entries}
