"""Fetching of prepared data sets and weights from object storage into the cache of this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from evenhand.data.files import cache
from evenhand.data.files.cache import Held
from evenhand.data.files.contents import CONTENTS, MOST_BYTES, Contents, File, parse
from evenhand.data.files.data_root import data_roots, has_file
from evenhand.errors import BackboneError, DataError
from evenhand.pulse import pulse
from evenhand.remote.retries import READING_SECONDS, may_pass, retried
from evenhand.remote.urls import Bucket, open_bucket

CHUNK = 16 * 2**20
"""Bytes that are read with one request."""
HINT = "a data root is a folder, or a URL such as s3://bucket/data?region=eu-west-1 or gs://bucket/data"
WEIGHTS = "weights"
"""Folder of weights of networks below a data root."""
HOW_WEIGHTS = "put it there, or name another data root with --data"

T = TypeVar("T")


class MissingError(DataError):
    """There is no such file in object storage."""


class UnreachableError(DataError):
    """Object storage cannot be opened or does not answer, whichever file is asked for."""


class Stated(NamedTuple):
    """Contents of a data set in object storage."""

    contents: Contents
    text: bytes
    """The file that states them."""


def open_root(url: str) -> Bucket:
    """Open a data root in object storage. Raises `DataError`."""
    return open_bucket(url, HINT, UnreachableError)


def fetched(name: str, url: str, wanted: str = "") -> Held:
    """A prepared data set, which is fetched where the cache has not this one.

    wanted: its fingerprint, where another one would not do; then nothing is read from the bucket
    for a data set in the cache. Without it, `contents.json` is read from there.

    Raises `DataError` where it is missing, damaged or another one, where the bucket does not answer
    and where the cache has no room.
    """
    found = cache.held(f"{name}-{wanted}") if wanted else None
    if found is not None:
        return found
    bucket = open_root(url)
    stated = read_contents(bucket, name)
    contents = stated.contents
    if wanted and contents.fingerprint != wanted:
        raise DataError(
            f"{bucket.location}: {name} has the fingerprint {contents.fingerprint} there, and not "
            f"{wanted}"
        )

    def make(folder: Path) -> None:
        _fetch(bucket, name, contents.files, folder)
        _write(folder / CONTENTS, stated.text)

    entry, size = f"{name}-{contents.fingerprint}", contents.n_bytes
    return cache.held_or_made(entry, size, f"{bucket.location}: {name}", make)


def read_contents(bucket: Bucket, name: str) -> Stated:
    """What a bucket states of a data set. Raises `DataError`."""
    path = f"{bucket.root}/{name}/{CONTENTS}"

    def read() -> bytes:
        with bucket.system.open_input_file(path) as file:
            return bytes(file.read(min(file.size(), MOST_BYTES)))

    text = _asked(bucket, f"{name}/{CONTENTS}", read, how_missing(name))
    try:
        return Stated(parse(text, name), text)
    except DataError as error:
        raise DataError(
            f"{bucket.location}: {name}/{CONTENTS} {error}\n  {_how_copied(name)}"
        ) from None


def how_missing(name: str) -> str:
    """How a data set gets into a bucket."""
    return f"`evenhand data prepare {name} --root DIR` prepares it in a folder; {_how_copied(name)}"


def _how_copied(name: str) -> str:
    return f"copy the folder DIR/{name} to the bucket, for example by `aws s3 sync`"


def _asked(bucket: Bucket, path: str, action: Callable[[], T], right: str) -> T:
    """The result of requests, which are repeated where the bucket does not answer."""
    try:
        return retried(action, lambda: READING_SECONDS)
    except FileNotFoundError:
        raise MissingError(f"{bucket.location}: there is no {path}\n  {right}") from None
    # Also Arrow's error for an invalid path.
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        kind = UnreachableError if may_pass(error) else DataError
        raise kind(
            f"{bucket.location}: {path} cannot be read: {reason}\n  look at the network, and rerun "
            "the same command"
        ) from None


def _fetch(bucket: Bucket, name: str, files: Mapping[str, File], folder: Path) -> None:
    """Fetch files of a folder and check them. Raises `DataError`."""
    for file, known in files.items():
        found = _fetch_file(bucket, f"{name}/{file}", known.bytes, folder / file, _how_copied(name))
        if found != known:
            raise DataError(
                f"{bucket.location}: {name}/{file} is not what {CONTENTS} states: it has "
                f"{found.bytes:,} of {known.bytes:,} bytes, and the SHA-256 {found.sha256[:12]}… "
                f"in place of {known.sha256[:12]}…\n  copy all files of DIR/{name} to the bucket "
                "again, for example by `aws s3 cp --recursive`"
            )


def _fetch_file(bucket: Bucket, path: str, n_bytes: int, target: Path, right: str) -> File:
    """Fetch a file, and no byte more than it should have; what was found."""
    digest, n = hashlib.sha256(), 0
    with target.open("xb") as out:
        while n <= n_bytes:
            part = _asked(bucket, path, partial(_chunk, bucket, path, n), right)
            if not part:
                break
            out.write(part)
            digest.update(part)
            n += len(part)
            pulse()
        out.flush()
        os.fsync(out.fileno())
    return File(bytes=n, sha256=digest.hexdigest())


def _chunk(bucket: Bucket, path: str, start: int) -> bytes:
    """Some bytes of a file from a place on; b"" at its end."""
    with bucket.system.open_input_file(f"{bucket.root}/{path}") as file:
        return bytes(file.read_at(max(0, min(CHUNK, file.size() - start)), start))


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def weights_root(name: str) -> Path:
    """The data root with a file of weights; a folder of the cache where it was fetched.

    The first root where none has it. Raises `BackboneError` where it is not in object storage
    either, and `DataError` where that does not answer or the cache has no room; with several URLs,
    the error of the first.
    """
    folders = [root for root in data_roots() if isinstance(root, Path)]
    for root in folders:
        if has_file(root / WEIGHTS / name):
            return root
    errors: list[BackboneError | DataError] = []
    for url in data_roots():
        if isinstance(url, str):
            try:
                return _fetched_weights(name, url)
            except (BackboneError, DataError) as error:
                errors.append(error)
    if errors:
        raise errors[0]
    return folders[0]


@lru_cache
def _fetched_weights(name: str, url: str) -> Path:
    """A folder with `weights/NAME`, which this process holds until it ends.

    The name has digits of the SHA-256, which are checked later.
    """
    from pyarrow import fs as arrow

    bucket, path = open_root(url), f"{WEIGHTS}/{name}"
    info = _asked(
        bucket, path, lambda: bucket.system.get_file_info(f"{bucket.root}/{path}"), HOW_WEIGHTS
    )
    if info.type is not arrow.FileType.File:
        raise BackboneError(f"{bucket.location}: there is no file {path}\n  {HOW_WEIGHTS}")

    def make(folder: Path) -> None:
        (folder / WEIGHTS).mkdir()
        _fetch_file(bucket, path, info.size, folder / path, HOW_WEIGHTS)

    entry = f"{name}-{info.size}-{info.mtime_ns}"
    return cache.held_or_made(entry, info.size, f"{bucket.location}: {path}", make).folder
