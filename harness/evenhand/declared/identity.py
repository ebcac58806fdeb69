"""Identity of a trial beside the versions of its code: equal for trials that one key replaced.

The key of a trial changes with the engine's version and with the versions and the code of its
parts. The identity does not, so that a plan can name the earlier records of a trial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from evenhand.declared.base import canonical

KINDS = {"augment": "augmentation", "angle_to": "method"}
"""Kinds of the parts in fields that have another name."""


class PartVersion(NamedTuple):
    """Version and code of one part of a trial."""

    kind: str
    name: str
    version: int
    code: str | None


class Identity(NamedTuple):
    """What a trial is, and the versions of the code that runs it."""

    digest: str
    """16 hexadecimal digits of the specification without versions, code and engine."""
    engine: int
    parts: tuple[PartVersion, ...]
    """Parts that have a version above 1 or code of the user's own."""


def identity_of(trial: BaseModel) -> Identity:
    """The identity of a trial, or of the fields of one."""
    spec = trial.model_dump(mode="json")
    engine = spec.pop("engine")
    parts = sorted(set(_parts(spec, "")), key=str)
    for recipe in (spec["recipe"], (spec.get("teacher") or {}).get("recipe")):
        if recipe:
            del recipe["name"]
    digest = hashlib.sha256(canonical(_without_versions(spec)).encode()).hexdigest()[:16]
    return Identity(digest, engine, tuple(p for p in parts if p.version > 1 or p.code))


class Difference(NamedTuple):
    """A difference between the versions of two trials."""

    text: str
    """The difference as the end of "records of …"."""
    kind: str = ""
    """Kind of the part whose code differs at one version; "" for versions that differ."""
    name: str = ""
    """Name of that part."""


def differences(old: Identity, new: Identity) -> tuple[Difference, ...]:
    """The differences between the versions of two trials."""
    found = []
    if old.engine != new.engine:
        text = f"engine version {old.engine}; this one is version {new.engine}"
        found.append(Difference(text))
    before, after = _by_part(old), _by_part(new)
    for kind, name in sorted(before.keys() | after.keys()):
        one, two = before.get((kind, name), (1, None)), after.get((kind, name), (1, None))
        if one[0] != two[0]:
            text = f"version {one[0]} of the {kind} `{name}`; this one is version {two[0]}"
            found.append(Difference(text))
        elif one[1] != two[1]:
            found.append(Difference(f"other code of the {kind} `{name}`", kind, name))
    return tuple(found)


def _by_part(identity: Identity) -> Mapping[tuple[str, str], tuple[int, str | None]]:
    return {(p.kind, p.name): (p.version, p.code) for p in identity.parts}


def _parts(value: Any, kind: str) -> Iterator[PartVersion]:
    if isinstance(value, list):
        for inner in value:
            yield from _parts(inner, kind)
    elif _is_part(value):
        yield PartVersion(KINDS.get(kind, kind), value["name"], value["version"], value["code"])
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _parts(inner, key)


def _without_versions(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_versions(inner) for inner in value]
    if _is_part(value):
        return {"name": value["name"], "settings": value["settings"]}
    if isinstance(value, dict):
        return {key: _without_versions(inner) for key, inner in value.items()}
    return value


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and {"name", "version", "code", "settings"} == value.keys()
