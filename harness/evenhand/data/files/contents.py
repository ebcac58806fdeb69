"""Contents of a prepared data set, as its file `contents.json` states them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from evenhand.data.images import PreparedFiles
from evenhand.declared.base import Spec
from evenhand.errors import DataError

CONTENTS = "contents.json"
ARRAYS = ("pixels", "labels", "groups")
MOST_BYTES = 2**24
"""Size of `contents.json`, which has a name for each class."""

FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)]
"""Name of a file in the folder: no path, which could lead out of it."""


class File(Spec):
    """Size and SHA-256 of a file."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: str


class Contents(Spec):
    """Contents of a prepared folder, as `contents.json` has them."""

    format: Literal[1] = 1
    name: str
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    groups: Annotated[tuple[str, ...], Field(min_length=1)]
    per_class: int | None
    in_official_order: bool
    origin: str
    """Description of the files that it was made from."""
    prepared: str
    """Time of preparation in UTC."""
    files: dict[FileName, File] = Field(min_length=1)

    @property
    def fingerprint(self) -> str:
        """Fingerprint, equal where images, labels, their order and the names of both are equal."""
        files = [(name, file.sha256) for name, file in sorted(self.files.items())]
        facts = (self.classes, self.groups, self.per_class)
        return hashlib.sha256(json.dumps([files, facts]).encode()).hexdigest()[:32]

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files.values())

    def files_in(self, folder: Path) -> PreparedFiles:
        """The files in a folder, as a source names them."""
        return PreparedFiles(self.name, folder, self.fingerprint, self.n_bytes)


def parse(content: bytes, name: str) -> Contents:
    """The contents that a file states. Raises `DataError` with what is wrong with them."""
    try:
        contents = Contents.model_validate_json(content)
    except ValidationError:
        raise DataError("has other fields than were written") from None
    if contents.name != name:
        raise DataError(f"holds {contents.name}")
    needed = [f"{split}.{array}.npy" for split in ("train", "test") for array in ARRAYS]
    if missing := [file for file in needed if file not in contents.files]:
        raise DataError(f"lists no {missing[0]}")
    return contents
