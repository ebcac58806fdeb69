"""Files in object storage, and in the other file systems that `pyarrow.fs` opens by a URL."""

from __future__ import annotations

import contextlib
import errno
import time
from dataclasses import dataclass

from pyarrow import fs as arrow

from evenhand.errors import StoreError
from evenhand.remote.urls import open_bucket

SETTLED_SECONDS = 2.0
"""Time after which an object and its replacement have different times, on the store's clock."""
READ_BACK_SECONDS = 0.5


@dataclass(frozen=True)
class ObjectFiles:
    """Files in a bucket, under a prefix.

    S3, Google and Azure show an object when its upload is complete, and the old object until then.
    On a file system without this guarantee (HDFS) a reader may find half a record, and reports it.
    """

    location: str
    system: arrow.FileSystem
    root: str

    @classmethod
    def open(cls, url: str) -> ObjectFiles:
        """Open a bucket, which must exist. Raises `StoreError`."""
        return cls(*open_bucket(url, HINT, StoreError))

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        """Versions by path of the objects in a folder and of the `leaf` in each of its folders.

        Names that begin with a dot are left out. Of the store's clock it is known that it has
        reached the latest time in the listing; the clock of this machine is not looked at.
        """
        base = f"{self.root}/{folder}"
        selector = arrow.FileSelector(base, allow_not_found=True, recursive=True)
        found: dict[str, str] = {}
        infos = self.system.get_file_info(selector)
        now = max((info.mtime_ns or 0 for info in infos), default=0)
        for info in infos:
            name = info.path[len(base) + 1 :]
            head, _, rest = name.partition("/")
            is_listed = info.is_file and not head.startswith(".") and rest in ("", leaf)
            if is_listed:
                found[f"{folder}/{name}"] = _version(info, now)
        return found

    def read(self, path: str, most: int | None = None) -> bytes:
        """Content of an object. Raises `FileNotFoundError` where there is none."""
        with self.system.open_input_file(f"{self.root}/{path}") as file:
            size = file.size()
            if most is not None and size > most:
                raise OSError(errno.EFBIG, f"it has more than {most:,} bytes, which are the most")
            # A stream of an unknown length is read in many small requests.
            return bytes(file.read(size))

    def begin(self, path: str, n: int) -> bytes:
        """The first n bytes of an object."""
        with self.system.open_input_file(f"{self.root}/{path}") as file:
            return bytes(file.read(n))

    def write(self, path: str, content: bytes) -> None:
        """Write an object, which readers find once its upload is complete."""
        with self.system.open_output_stream(f"{self.root}/{path}") as stream:
            stream.write(content)

    def create(self, path: str, content: bytes) -> bool:
        """Write an object that does not exist yet; False where it exists or another was faster.

        Of several writers the last one wins, and each reads back after a while who that was.
        """
        name = f"{self.root}/{path}"
        if self.system.get_file_info(name).type is not arrow.FileType.NotFound:
            return False
        self.write(path, content)
        time.sleep(READ_BACK_SECONDS)
        return self.read(path) == content

    def check(self, path: str) -> None:
        """Do nothing: the rights are those of the bucket, not of an object."""

    def remove(self, path: str) -> None:
        """Remove an object, if there is one."""
        with contextlib.suppress(FileNotFoundError):
            self.system.delete_file(f"{self.root}/{path}")


HINT = "a store is a folder, or a URL such as s3://bucket/prefix?region=eu-west-1 or gs://bucket"


def _version(info: arrow.FileInfo, now: int) -> str:
    """Version of an object; empty while it is young.

    S3 gives times in seconds, so that an object and its replacement may have the same time. now: a
    time that the store's clock has reached.
    """
    if info.mtime_ns is None or now - info.mtime_ns < SETTLED_SECONDS * 1e9:
        return ""
    return f"{info.size}-{info.mtime_ns}"
