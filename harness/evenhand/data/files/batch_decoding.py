"""Decoding of many image files in threads. Pillow's decoders release the GIL."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8

from evenhand.data.files.decoding import Decoder, GreyValues
from evenhand.data.files.image_file import ImageFile, Size, measure, without_warnings
from evenhand.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

THREADS = min(32, os.cpu_count() or 1)
MAX_CHUNK = 64
"""Largest number of images that a thread decodes at a time, so that there are few tasks."""

Finish = Callable[["Picture"], UInt8[np.ndarray, "..."]]
"""Makes the array of an image from its picture; raises `DataError` with a reason."""


@dataclass
class Outcome:
    """Sizes of decoded pictures, what was done to them, and which files were refused."""

    sizes: list[Size] = field(default_factory=list)
    """Size of each upright picture, in the order of the files, without refused ones."""
    done: Counter[str] = field(default_factory=Counter)
    """Number of pictures to which something was done, by participle."""
    grey: GreyValues | None = None
    """Values of all grey images that were scaled by their mode."""
    refused: dict[int, str] = field(default_factory=dict)
    """Reason of each refused file by its place in the list."""

    def add(self, i: int, found: _Found | str) -> None:
        """Add what came of a file; a text is the reason of its refusal."""
        if isinstance(found, str):
            self.refused[i] = found
            return
        self.sizes.append(found.size)
        self.done.update(found.done)
        if found.grey is not None:
            least, most, white = zip(self.grey or found.grey, found.grey, strict=True)
            self.grey = GreyValues(min(least), max(most), max(white))


class _Found(NamedTuple):
    size: Size
    done: tuple[str, ...] = ()
    grey: GreyValues | None = None


def decode_all(
    files: Sequence[ImageFile],
    decoder: Decoder,
    finish: Finish,
    into: Shaped[np.ndarray, "n ..."],
) -> Outcome:
    """Decode files, each to its place in an array."""

    def decode(i: int) -> _Found:
        found = decoder(files[i])
        into[i] = finish(found.picture)
        return _Found(found.size, found.done, found.grey)

    return _outcome(decode, len(files))


def measure_all(files: Sequence[ImageFile]) -> Outcome:
    """Sizes of the upright pictures from the headers of files."""
    return _outcome(lambda i: _Found(measure(files[i])), len(files))


def _outcome(work: Callable[[int], _Found], n: int) -> Outcome:
    """Outcome of a function of each place in a list."""

    size = max(1, min(MAX_CHUNK, n // (8 * THREADS)))

    def chunk(start: int) -> list[_Found | str]:
        return [_found_or_reason(work, i) for i in range(start, min(start + size, n))]

    outcome, starts = Outcome(), range(0, n, size)
    with without_warnings(), ThreadPoolExecutor(THREADS) as pool:
        for start, found in zip(starts, pool.map(chunk, starts), strict=True):
            for i, one in enumerate(found, start):
                outcome.add(i, one)
    return outcome


def _found_or_reason(work: Callable[[int], _Found], i: int) -> _Found | str:
    try:
        return work(i)
    except DataError as error:
        return str(error)
