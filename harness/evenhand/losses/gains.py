"""Gain matrices: decomposition and shift to non-negative entries.

G[i, j] is the gain of predicting class j for label i, or G[g, i, j] for label i of group g.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.errors import Mistake, SpecError

Gains = Float[np.ndarray, "*groups classes classes"]
FLOOR = 1e-12
"""Lower limit of a diagonal entry, relative to the largest one; a gain of 0 has no logarithm."""


class HybridParts(NamedTuple):
    """Vectors of a hybrid loss for given gains."""

    mixture: Float[np.ndarray, "rows classes"]
    """M, with row = label · groups + group."""
    log_d: Float[np.ndarray, " classes"]
    """log d, which is subtracted from the logits."""


class ShiftedParts(NamedTuple):
    """Vectors of a softmax-shifted loss for given gains."""

    log_alpha: Float[np.ndarray, " classes"]
    """log α, which is subtracted from the logits."""
    ratio: Float[np.ndarray, " classes"]
    """β/α."""
    log_k: float
    """log K, with K = 1 + Σ β/α."""


def non_negative(gains: Gains) -> Gains:
    """Gains with every row shifted so that its smallest entry is not negative."""
    return np.asarray(gains - np.minimum(0, gains.min(-1, keepdims=True)))


def by_cell(gains: Gains, n_groups: int) -> Float[np.ndarray, "classes groups classes"]:
    """Gains in the order [label, group, prediction]; those over classes are repeated per group."""
    if gains.ndim == 2:
        return np.repeat(gains[:, None], n_groups, axis=1)
    assert len(gains) == n_groups, f"gains of {len(gains)} groups for counts of {n_groups}"
    return gains.transpose(1, 0, 2).copy()


def over_classes(gains: Gains, loss: str) -> None:
    """Check that gains are over classes. Raises `SpecError` for gains over groups."""
    if gains.ndim == 3:
        what = f"the {loss} loss is for gains over classes, not over groups"
        right = "recalls of groups and differences between groups have gains over groups"
        raise SpecError([Mistake(what, (), right, "use a hybrid or the re-weighted loss")])


class DiagonalAndColumns(NamedTuple):
    """Decomposition of gains as G = diag(α) + 1 βᵀ."""

    alpha: Float[np.ndarray, " classes"]
    """α > 0."""
    beta: Float[np.ndarray, " classes"]
    """β, the entry off the diagonal of each column."""


def diagonal_and_columns(gains: Gains) -> DiagonalAndColumns:
    """Decompose gains as G = diag(α) + 1 βᵀ.

    Raises `SpecError` where the entries of a column off the diagonal differ, or where an α is
    negative.
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
    """Non-negative values raised to at least `FLOOR` times the largest one."""
    return np.asarray(np.maximum(values, FLOOR * values.max()))
