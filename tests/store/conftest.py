"""Two places for a store: a folder, and a bucket of an S3 server in this process."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from evenhand.store import Store
from evenhand.store.files import Files, open_files
from tests.buckets import bucket, requests

__all__ = ["bucket", "requests"]

FOLDERS = count()


@pytest.fixture(params=["local", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    """Gives a new, empty location at every call."""
    if request.param == "local":
        return lambda: str(tmp_path / f"results-{next(FOLDERS)}")
    # Every object of a test is too young to be indexed, unless youth is abolished.
    monkeypatch.setattr("evenhand.store.objects.SETTLED_SECONDS", float("-inf"))
    url: Callable[[str], str] = request.getfixturevalue("bucket")
    return lambda: url(f"results-{next(FOLDERS)}")


@pytest.fixture
def location(place: Callable[[], str]) -> str:
    return place()


@pytest.fixture
def files(location: str) -> Files:
    """The raw files of `store`, to tamper with."""
    return open_files(location)


@pytest.fixture
def store(location: str) -> Store:
    return Store.open(location)
