"""Initial weights of a network from a local file, which its name identifies by content.

A file is called as torch.hub calls its files, `resnet50-19c8e357.pth`: the digits after the last
hyphen begin the SHA-256 of the content. The name is part of a trial, and the folder is not. Trials
of different weights are therefore different trials, and a trial is the same on every machine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from evenhand.errors import BackboneError

FOLDER = "weights"
"""Folder below the folder of prepared data sets."""


def weights_file(name: str, root: Path) -> Path:
    """The file of this name below a data root.

    Raises `BackboneError` if it is absent, or if its content does not belong to its name.
    """
    path = root / FOLDER / name
    if not path.is_file():
        raise BackboneError(
            f"{path}: there is no such file of weights\n"
            f"  put it there, or name the folder that holds {FOLDER}/{name} with --data"
        )
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    stem, _, rest = name.rpartition("-")
    digits, _, suffix = rest.partition(".")
    if not found.startswith(digits):
        right = f"{stem}-{found[: len(digits)]}.{suffix}"
        raise BackboneError(
            f"{path}: its SHA-256 begins with {found[: len(digits)]}, and the name gives {digits}\n"
            f"  the file is damaged or another one: fetch it again, or call it {right} here and in "
            "the suite"
        )
    return path
