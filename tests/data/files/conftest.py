"""Prepared data sets in a folder and in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from pyarrow import fs

from tests.buckets import bucket, requests

__all__ = ["bucket", "requests"]

NUMBERS = count()


def put(folder: Path, url: str) -> None:
    """Copy a folder into a bucket, as `aws s3 sync` does."""
    system, root = fs.FileSystem.from_uri(url)
    fs.copy_files(str(folder), f"{root}/{folder.name}", destination_filesystem=system)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched files."""
    monkeypatch.setenv("EVENHAND_CACHE", str(tmp_path))
    return tmp_path / "fetched"


@pytest.fixture
def new_root(bucket: Callable[[str], str]) -> str:
    """The URL of an empty data root."""
    return bucket(f"data-{next(NUMBERS)}")
