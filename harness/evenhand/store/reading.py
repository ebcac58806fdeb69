"""Parsing of `record.json` into a head or a record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ValidationError

from evenhand.declared.base import Part
from evenhand.declared.identity import identity_of
from evenhand.declared.recipe import Recipe
from evenhand.declared.record import FORMAT, Exit, Record
from evenhand.declared.trial import STREAMS, Kept, Problem, Stream, Teacher, workload
from evenhand.store.index import Head


class Unreadable(ValueError):  # noqa: N818  reported as a `Fault`, not as an error
    """A file cannot be read as a record; the message gives the reason."""


class _Trial(BaseModel):
    problem: Problem
    method: Part
    recipe: Recipe
    seed: int
    vary: tuple[Stream, ...] = STREAMS
    engine: int = 1
    teacher: Teacher | None = None
    posthoc: Part | None = None


class _Cost(BaseModel):
    seconds: float


class _Provenance(BaseModel):
    device: str


class _Data(BaseModel):
    fingerprint: str


class _HeadFields(BaseModel):
    """The fields of a record that a head needs.

    The JSON is parsed to its end, so that an incomplete record is found. Fields that are not named
    here never become Python objects, which would take most of the time.
    """

    format: Literal[1] = FORMAT
    key: str
    trial: _Trial
    exit: Exit
    attempts: int
    cost: _Cost
    data: _Data | None
    provenance: _Provenance
    kept: tuple[Kept, ...] = ()
    scored: dict[str, str] = {}


def read_head(content: bytes, folder: str) -> Head:
    """Parse a head. Raises `Unreadable`.

    The key is compared with the name of the folder and not computed again, which saves time.
    """
    try:
        found = _HeadFields.model_validate_json(content)
    except ValidationError as error:
        raise Unreadable(_reason(content, error)) from None
    _check_folder(found.key, folder)
    return Head(
        key=found.key,
        status=found.exit.status,
        attempts=found.attempts,
        seconds=found.cost.seconds,
        method=found.trial.method.name,
        problem=found.trial.problem.name,
        workload=workload(found.trial.problem, found.trial.recipe, found.trial.posthoc),
        device=found.provenance.device,
        fingerprint=found.data.fingerprint if found.data else None,
        identity=identity_of(found.trial),
        kept=found.kept,
        scored=found.scored,
    )


def read_record(content: bytes, folder: str) -> Record:
    """Parse a record. Raises `Unreadable`, also where the key is not that of the record's trial."""
    try:
        record = Record.model_validate_json(content)
    except ValidationError as error:
        raise Unreadable(_reason(content, error)) from None
    _check_folder(record.key, folder)
    if record.trial.key != record.key:
        raise Unreadable(f"its spec was changed: the key of its trial is {record.trial.key}")
    return record


def _check_folder(key: str, folder: str) -> None:
    if key != folder:
        raise Unreadable(f"it belongs in the folder {key}")


def _reason(content: bytes, error: ValidationError) -> str:
    if not content:
        return "it is empty"
    mistakes = error.errors(include_url=False)
    first = mistakes[0]
    if first["type"] == "json_invalid":
        return f"it is damaged or incomplete JSON: {first['ctx']['error']}"
    for mistake in mistakes:
        if mistake["loc"] == ("format",):
            return f"its format is {mistake['input']!r}; this version reads format {FORMAT}"
    place = ".".join(str(part) for part in first["loc"]) or "the file"
    return f"it is not a record: {place}: {first['msg'].lower()}"
