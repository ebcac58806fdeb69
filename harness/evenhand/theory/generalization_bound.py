"""Terms of the generalisation bound of the vector-scaling loss (wang2023unified).

    R_bal(f) ≲ Φ + Ĉ(F) / (C · π_min) · Σ_y μ_y · √π_y                              (Theorem 1)
    μ_y = α_y · β̃_y · (1 − softmax(β ⊙ B + Δ)_y),   β̃_y² = β_y² + (Σ_c≠y β_c)²      (Lemma 4)
    B_y = min f(x)_y over the training examples x of class y

The complexity Ĉ(F) and Φ, which holds the training loss, are left out: what is computed is the sum
over classes with its factor. The lemma prints softmax(β_y B_y + Δ_y), and its proof is in an
appendix that we have not seen. We read it as entry y of the softmax over all classes, with B_c as
the score of class c. A loss whose β and Δ depend on the true class, such as LDAM, enters with the
vectors of the examples of class y.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Real


def lipschitz_constants(
    scores: Float[np.ndarray, " classes"],
    *,
    alpha: Float[np.ndarray, " classes"],
    beta: Float[np.ndarray, "classes classes"],
    delta: Float[np.ndarray, "classes classes"],
) -> Float[np.ndarray, " classes"]:
    """The local Lipschitz constants μ_y of a loss (Lemma 4), from B_y as `scores`.

    alpha  [classes]              weight of an example of each class
    beta   [true class, classes]  factor on the logits
    delta  [true class, classes]  offset of the logits

    >>> equal = np.zeros(2)
    >>> lipschitz_constants(equal, alpha=np.ones(2), beta=np.ones((2, 2)), delta=np.zeros((2, 2)))
    array([0.70710678, 0.70710678])
    """
    own = np.diag(beta)
    norms = np.hypot(own, beta.sum(1) - own)
    adjusted = beta * scores + delta
    raised = np.exp(adjusted - adjusted.max(1, keepdims=True))
    shares = np.diag(raised) / raised.sum(1)
    return np.asarray(alpha * norms * (1 - shares))


def bound_sum(
    constants: Float[np.ndarray, " classes"], counts: Real[np.ndarray, " classes"]
) -> float:
    """1 / (C · π_min) · Σ_y μ_y · √π_y for the training counts of the classes (Theorem 1)."""
    priors = counts / counts.sum()
    return float(constants @ np.sqrt(priors) / (len(priors) * priors.min()))
