"""Two places for a store: a folder, and a bucket of an S3 server in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import werkzeug.serving
from moto.server import ThreadedMotoServer
from pyarrow import fs

from evenhand.store import Store
from evenhand.store.files import Files, open_files

FOLDERS = count()


@pytest.fixture(scope="session")
def bucket() -> Iterator[Callable[[str], str]]:
    """From a prefix to the URL of that prefix in an empty bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        query = f"scheme=http&endpoint_override={host}:{port}&region=us-east-1"
        create = f"s3://records?{query}&allow_bucket_creation=true"
        fs.FileSystem.from_uri(create)[0].create_dir("records")
        yield lambda prefix: f"s3://records/{prefix}?{query}"
        server.stop()


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


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests to the server of `bucket`, which a test may clear."""
    seen: list[str] = []
    handler = werkzeug.serving.WSGIRequestHandler
    monkeypatch.setattr(handler, "log_request", lambda self, *_: seen.append(self.requestline))
    return seen
