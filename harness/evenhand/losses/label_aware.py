"""Label-aware smoothing, which smooths the labels of frequent classes more (zhong2021improving).

    ℓ(f, y) = −Σ_c q_c log softmax(f)_c,   q_y = 1 − ε_y,   q_c = ε_y / (K − 1) for c ≠ y

ε falls from `head` for the most frequent class to `tail` for the rarest one. With
u_y = (n_y − n_min) / (n_max − n_min) in [0, 1]:

    concave   ε_y = tail + (head − tail) · sin(π u_y / 2)
    linear    ε_y = tail + (head − tail) · u_y
    convex    ε_y = head + (head − tail) · sin(3π/2 + π u_y / 2)

The forms of ε are those of the released code. That code spreads ε_y over all K classes, the label
included: q_y = 1 − ε_y + ε_y / K. The paper's division by K − 1 is quoted from memory and was not
verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_class import ClassCounts, present

if TYPE_CHECKING:
    import torch

    from evenhand.losses.label_aware_kernel import BoundLabelAware

Shape = Literal["concave", "linear", "convex"]
Over = Literal["others", "all"]


@dataclass(frozen=True)
class LabelAware(DeclaredLoss["BoundLabelAware"]):
    """Cross-entropy with labels that are smoothed by the frequency of their class."""

    head: float
    """ε of the most frequent class."""
    tail: float
    """ε of the rarest class."""
    shape: Shape = "concave"
    """Form of ε between the two."""
    over: Over = "others"
    """Classes that ε is spread over: the others, or all with the label."""

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundLabelAware:
        """Compute ε for one training set; counts is [classes, groups]."""
        from evenhand.losses.kernel import by_row
        from evenhand.losses.label_aware_kernel import BoundLabelAware

        epsilon = smoothing(counts.sum(1), self.head, self.tail, self.shape)
        share = 1.0 if self.over == "others" else 1 - 1 / len(counts)
        return BoundLabelAware(by_row(epsilon * share, counts, device), len(counts))


def smoothing(
    counts: ClassCounts, head: float, tail: float, shape: Shape
) -> Float[np.ndarray, " classes"]:
    """ε of each class; `tail` for all where the classes are equally frequent."""
    n = present(counts)
    span = n.max() - n.min()
    u = (n - n.min()) / span if span else np.zeros(n.shape)
    if shape == "linear":
        return np.asarray(tail + (head - tail) * u)
    if shape == "concave":
        return np.asarray(tail + (head - tail) * np.sin(np.pi * u / 2))
    return np.asarray(head + (head - tail) * np.sin(1.5 * np.pi + np.pi * u / 2))
