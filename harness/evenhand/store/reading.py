"""From the bytes of `record.json` to a head or a record, or to the reason why not."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ValidationError

from evenhand.declared.base import Part
from evenhand.declared.record import FORMAT, Exit, Record
from evenhand.declared.trial import Kept, Problem, Recipe, workload
from evenhand.store.index import Head


class Unreadable(ValueError):  # noqa: N818  a finding, told as a fault
    """Why these bytes are no record of ours."""


class _Trial(BaseModel):
    problem: Problem
    method: Part
    recipe: Recipe
    posthoc: Part | None = None


class _Cost(BaseModel):
    seconds: float


class _Provenance(BaseModel):
    device: str


class _Data(BaseModel):
    fingerprint: str


class _Glance(BaseModel):
    """The fields of a record that a head needs.

    The JSON is parsed to its end, so a torn record is noticed, but what is not named here never
    becomes a Python object, which is most of the time that a whole record takes.
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


def read_head(content: bytes, folder: str) -> Head:
    """Raises `Unreadable`. The key is compared with the folder's name, not computed anew."""
    try:
        glance = _Glance.model_validate_json(content)
    except ValidationError as error:
        raise Unreadable(_reason(content, error)) from None
    _check_folder(glance.key, folder)
    return Head(
        key=glance.key,
        status=glance.exit.status,
        attempts=glance.attempts,
        seconds=glance.cost.seconds,
        method=glance.trial.method.name,
        problem=glance.trial.problem.name,
        workload=workload(glance.trial.problem, glance.trial.recipe, glance.trial.posthoc),
        device=glance.provenance.device,
        fingerprint=glance.data.fingerprint if glance.data else None,
        kept=glance.kept,
    )


def read_record(content: bytes, folder: str) -> Record:
    """Raises `Unreadable`, also where the key is not the key of the trial in the record."""
    try:
        record = Record.model_validate_json(content)
    except ValidationError as error:
        raise Unreadable(_reason(content, error)) from None
    _check_folder(record.key, folder)
    if record.trial.key != record.key:
        raise Unreadable(f"its trial has another key, {record.trial.key}: the spec was changed")
    return record


def _check_folder(key: str, folder: str) -> None:
    if key != folder:
        raise Unreadable(f"it belongs into the folder {key}")


def _reason(content: bytes, error: ValidationError) -> str:
    if not content:
        return "it is empty"
    mistakes = error.errors(include_url=False)
    first = mistakes[0]
    if first["type"] == "json_invalid":
        return f"torn, or not JSON: {first['ctx']['error']}"
    for mistake in mistakes:
        if mistake["loc"] == ("format",):
            return f"format {mistake['input']!r} is not known; format {FORMAT} is"
    place = ".".join(str(part) for part in first["loc"]) or "the file"
    return f"not a record: {place}: {first['msg'].lower()}"
