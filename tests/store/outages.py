"""Files of a store that does not answer for a while, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evenhand.store.files import Files

NO_ANSWER = (
    "When uploading object with key 'main/a' in bucket 'records': AWS Error NETWORK_CONNECTION "
    "during PutObject operation: curlCode: 7, Could not connect to server"
)
FORBIDDEN = (
    "When uploading object with key 'main/a' in bucket 'records': AWS Error ACCESS_DENIED "
    "during PutObject operation: No response body."
)


class FlakyFiles:
    """Files whose operations raise while `error` is not empty."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.location = files.location
        self.error = ""
        self.calls: list[tuple[str, str]] = []
        self.is_hit: Callable[[str, str], bool] = lambda operation, path: True

    def _call(self, operation: str, path: str, *rest: Any) -> Any:
        self.calls.append((operation, path))
        if self.error and self.is_hit(operation, path):
            raise OSError(self.error)
        return getattr(self.files, operation)(path, *rest)

    def versions(self, folder: str, leaf: str) -> Any:
        return self._call("versions", folder, leaf)

    def read(self, path: str, most: int | None = None) -> Any:
        return self._call("read", path, most)

    def begin(self, path: str, n: int) -> Any:
        return self._call("begin", path, n)

    def check(self, path: str) -> Any:
        return self._call("check", path)

    def write(self, path: str, content: bytes) -> Any:
        return self._call("write", path, content)

    def create(self, path: str, content: bytes) -> Any:
        return self._call("create", path, content)

    def remove(self, path: str) -> Any:
        return self._call("remove", path)


class Clock:
    """A clock that only pauses move; `at` are things to do at a time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.at: dict[float, Callable[[], None]] = {}
        patch.setattr("evenhand.remote.retries._sleep", self.pause)
        patch.setattr("evenhand.remote.retries.time.monotonic", lambda: self.now)

    def pause(self, seconds: float, left: Callable[[], float]) -> None:
        self.sleep(min(seconds, left()))

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        for moment in [m for m in self.at if m <= self.now - 1000.0]:
            self.at.pop(moment)()
