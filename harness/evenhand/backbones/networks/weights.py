"""Initial weights of a network from a local file, which its name identifies by content.

A file is called as torch.hub calls its files, `resnet50-19c8e357.pth`: the digits after the last
hyphen begin the SHA-256 of the content. The name is part of a trial, and the folder is not. Trials
of different weights are therefore different trials, and a trial is the same on every machine.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import timm.models
import torch
from safetensors import SafetensorError

from evenhand.errors import BackboneError

READ_ERRORS = (
    pickle.UnpicklingError,
    SafetensorError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    EOFError,
    OSError,
)
"""Exceptions of torch, timm and safetensors for a file that is no checkpoint."""

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
    facts = path.stat()
    found = _digest(path, facts.st_size, facts.st_mtime_ns)
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


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    """SHA-256 of a file, computed once for a process while size and time stay the same."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_checkpoint(path: Path) -> None:
    """Check that a file holds the weights of a network. Raises `BackboneError`."""
    try:
        state: Any = timm.models.load_state_dict(str(path))
        holds = isinstance(state, Mapping) and any(
            isinstance(w, torch.Tensor) for w in state.values()
        )
    except READ_ERRORS:
        holds = False
    if not holds:
        raise BackboneError(
            f"{path}: is no file of weights\n"
            "  it has to hold a state dict, as `torch.save(model.state_dict(), FILE)` and "
            "safetensors write it\n"
            "  write the weights in this form, or remove `weights` from the backbone"
        )
