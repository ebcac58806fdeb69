"""Gain matrices: their parts, and what makes them non-negative.

G[i, j] is the gain of predicting class j for label i, or G[g, i, j] for label i of group g.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.errors import Mistake, SpecError

Gains = Float[np.ndarray, "*groups classes classes"]
FLOOR = 1e-12
"""Smallest entry of a diagonal, as a share of the largest: a gain of 0 has no logarithm."""


class HybridParts(NamedTuple):
    """M [rows, classes], row = label · groups + group, and log d [classes]."""

    mixture: Float[np.ndarray, "rows classes"]
    log_d: Float[np.ndarray, " classes"]


class ShiftedParts(NamedTuple):
    """log α [classes], β/α [classes] and log K of a softmax-shifted loss."""

    log_alpha: Float[np.ndarray, " classes"]
    ratio: Float[np.ndarray, " classes"]
    log_k: float


def non_negative(gains: Gains) -> Gains:
    """The gains, each row raised by as much as its smallest entry is below 0."""
    return np.asarray(gains - np.minimum(0, gains.min(-1, keepdims=True)))


def by_cell(gains: Gains, n_groups: int) -> Float[np.ndarray, "classes groups classes"]:
    """G_gij as [i, g, j]; gains over classes are alike in all groups."""
    if gains.ndim == 2:
        return np.repeat(gains[:, None], n_groups, axis=1)
    assert len(gains) == n_groups, f"gains of {len(gains)} groups for counts of {n_groups}"
    return gains.transpose(1, 0, 2).copy()


def over_classes(gains: Gains, loss: str) -> None:
    """Raises `SpecError` for gains over groups."""
    if gains.ndim == 3:
        what = f"the {loss} loss is for gains over classes, not over groups"
        right = "recalls of groups and differences between groups have gains over groups"
        raise SpecError([Mistake(what, (), right, "use a hybrid or the re-weighted loss")])


class DiagonalAndColumns(NamedTuple):
    """α > 0 and β of G = diag(α) + 1 βᵀ."""

    alpha: Float[np.ndarray, " classes"]
    beta: Float[np.ndarray, " classes"]


def diagonal_and_columns(gains: Gains) -> DiagonalAndColumns:
    """G = diag(α) + 1 βᵀ: a column's entries off the diagonal are all β.

    Raises `SpecError` where they are not, or where some α is negative.
    """
    over_classes(gains, "softmax-shifted")
    off = ~np.eye(len(gains), dtype=bool)
    low = np.where(off, gains, np.inf).min(0)
    high = np.where(off, gains, -np.inf).max(0)
    alpha = np.diag(gains) - high
    if not np.allclose(low, high, rtol=1e-9, atol=1e-12 * np.abs(gains).max()) or alpha.min() < 0:
        what = "the softmax-shifted loss is for gains diag(α) + 1 βᵀ with α > 0"
        right = "bounds of plain coverage and precision have them; balanced coverage has not"
        raise SpecError([Mistake(what, (), right, "use a hybrid loss")])
    return DiagonalAndColumns(floored(alpha), high)


def floored(values: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Non-negative values, none below `FLOOR` of the largest."""
    return np.asarray(np.maximum(values, FLOOR * values.max()))
