"""A bucket of an S3 server in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import werkzeug.serving
from moto.server import ThreadedMotoServer
from pyarrow import fs


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


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests to the server of `bucket`, which a test may clear."""
    seen: list[str] = []
    handler = werkzeug.serving.WSGIRequestHandler
    monkeypatch.setattr(handler, "log_request", lambda self, *_: seen.append(self.requestline))
    return seen
