"""URLs of object storage, and of the other file systems that `pyarrow.fs` opens by a URL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from evenhand.errors import EvenhandError

if TYPE_CHECKING:
    from pyarrow import fs as arrow

URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Beginning of a URL: at least two letters, and one slash, since `s3:/bucket` is a typing error."""
BUCKETS = ("s3", "gs", "gcs", "abfs", "abfss")
SECRETS = ("secret", "token", "password")


class Bucket(NamedTuple):
    """A bucket, or another file system, and a prefix in it."""

    location: str
    """URL as messages show it, without passwords."""
    system: arrow.FileSystem
    root: str
    """Path of the prefix in the file system."""


def open_bucket(url: str, hint: str, error: type[EvenhandError]) -> Bucket:
    """Open a bucket, which must exist.

    Raises an `error` whose last line is the hint.
    """
    from pyarrow import fs as arrow

    try:
        location = without_secrets(url)
    except ValueError as found:
        raise error(f"the URL of object storage is none: {found}\n  {hint}") from None
    try:
        system, root = arrow.FileSystem.from_uri(_with_single_put(url))
        bucket = root.partition("/")[0]
        is_there = system.get_file_info(bucket or root).type is not arrow.FileType.NotFound
    # Also Arrow's error for an invalid URL.
    except (OSError, ValueError) as found:
        reason = str(found).partition("\n")[0].replace(url, location)
        raise error(f"{location}: cannot be opened: {reason}\n  {hint}") from None
    if urlsplit(url).scheme in BUCKETS and not (bucket and is_there):
        raise error(f"{location}: there is no bucket {bucket!r}\n  {hint}")
    return Bucket(location, system, root.rstrip("/"))


def without_secrets(url: str) -> str:
    """The URL without keys and passwords, as a report may show it."""
    parts = urlsplit(url)
    fields = [(k, v) for k, v in parse_qsl(parts.query) if not any(s in k for s in SECRETS)]
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query=urlencode(fields, safe="/:")).geturl()


def hidden(word: str) -> str:
    """A word of a command line without the keys of its URL: `s3://…` or `--set=data=s3://…`."""
    found = URL.search(word)
    if found is None:
        return word
    return word[: found.start()] + without_secrets(word[found.start() :])


def _with_single_put(url: str) -> str:
    """The URL with an option that writes small objects to S3 in one request.

    A multipart upload takes three.
    """
    if urlsplit(url).scheme != "s3" or "allow_delayed_open" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}allow_delayed_open=true"
