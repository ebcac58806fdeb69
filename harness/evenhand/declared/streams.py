"""Named, independent streams of random numbers, all from one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np

from evenhand.declared.trial import Stream


def stream_seed(name: Stream, seed: int, vary: Collection[Stream]) -> int:
    """Start of a stream, as 63 bits. A stream that does not vary is that of seed 0."""
    text = f"{name}/{seed if name in vary else 0}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(name: Stream, seed: int, vary: Collection[Stream]) -> np.random.Generator:
    """NumPy generator at the start of a stream."""
    return np.random.default_rng(stream_seed(name, seed, vary))
