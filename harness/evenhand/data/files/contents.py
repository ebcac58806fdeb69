"""Contents of a prepared data set, as its file `contents.json` states them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from evenhand.data.images import PreparedFiles
from evenhand.declared.base import Spec
from evenhand.errors import DataError

CONTENTS = "contents.json"
MOST_BYTES = 2**24
"""Size of `contents.json`, which has a name for each class."""

FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
"""Name of a file in the folder: no path, which could lead out of it."""


class File(Spec):
    """Size and SHA-256 of a file."""

    bytes: int
    sha256: str


class Contents(Spec):
    """Contents of a prepared folder, as `contents.json` has them."""

    format: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    per_class: int | None
    in_official_order: bool
    origin: str
    """Description of the files that it was made from."""
    prepared: str
    """Time of preparation in UTC."""
    files: dict[FileName, File] = Field(min_length=1)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all files: equal where images, labels and their order are equal."""
        text = "|".join(f"{name} {file.sha256}" for name, file in sorted(self.files.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

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
    return contents
