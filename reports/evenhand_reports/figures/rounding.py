"""The precision of figures: fewer digits make a page smaller and look the same."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

DIGITS = 4
"""Decimals of a fraction in a figure."""

MOST_EPOCHS = 80
"""Epochs that are drawn of a curve."""


def rounded(value: float | None) -> float | None:
    """A value in the digits of a figure; None for None, NaN and infinity."""
    return round(float(value), DIGITS) if value is not None and np.isfinite(value) else None


def rounded_all(values: Float[np.ndarray, " points"]) -> list[float | None]:
    """Every value in the digits of a figure; None for one that is not finite."""
    return [rounded(value) for value in values.tolist()]


def thinned(n: int) -> list[int]:
    """Indices of the epochs that are drawn of n, the last one among them."""
    step = max(1, -(-n // MOST_EPOCHS))
    return sorted({*range(0, n, step), n - 1})
