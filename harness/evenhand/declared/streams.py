"""One seed feeds named, independent streams of random numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np

from evenhand.declared.trial import Stream


def stream_seed(name: Stream, seed: int, vary: Collection[Stream]) -> int:
    """63 bits that start a stream; a stream that does not vary is that of seed 0."""
    text = f"{name}/{seed if name in vary else 0}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(name: Stream, seed: int, vary: Collection[Stream]) -> np.random.Generator:
    """A NumPy generator at the start of a stream."""
    return np.random.default_rng(stream_seed(name, seed, vary))
