"""The problems of narasimhan2021training: Table 1, and the head and tail forms of its experiments.

Average recall is (1/m) Σ_y rec_y everywhere. The paper's text has the 1/m in its gain and its
Table 1 drops it; the two differ by a factor m on λ, hence on the step of its update, and in
nothing else. Of balanced coverage `rates.py` says the same.
"""

from __future__ import annotations

from evenhand.objectives.constraints import LinearConstraint
from evenhand.objectives.objective import Objective

SHARE = 0.95
"""How much of its due each class must be predicted."""


def worst_case_recall() -> Objective:
    """Row 1: max min_y rec_y; G = diag(λ/π), λ on the simplex."""
    return Objective("min_recall")


def accuracy_with_recall(bound: float) -> Objective:
    """Row 2: max accuracy with rec_y ≥ bound; G = diag(1 + λ/π)."""
    return Objective("accuracy", (LinearConstraint("recall", bound=bound),))


def accuracy_with_precision(bound: float) -> Objective:
    """Row 3: max accuracy with prec_y ≥ bound; G = diag(1 + λ) − bound · 1 λᵀ.

    Its entries off the diagonal are negative. The table gives accuracy the index of a class, which
    it has not.
    """
    return Objective("accuracy", (LinearConstraint("precision", bound=bound),))


def recall_with_coverage(share: float = SHARE) -> Objective:
    """Row 4: max average recall with cov_y ≥ share · π_y; G = diag(1/(mπ)) + 1 λᵀ.

    π in the bound is the split's that is estimated: share/m where that is balanced, which is the
    target in the paper's tables.
    """
    return Objective("mean_recall", (LinearConstraint("coverage", bound=share, unit="prior"),))


def recall_with_balanced_coverage(share: float = SHARE) -> Objective:
    """Row 5: max average recall with bcov_y ≥ share/m; G_ij = ([i=j] + λ_j) / (m π_i)."""
    return Objective(
        "mean_recall", (LinearConstraint("balanced_coverage", bound=share, unit="1/m"),)
    )


def worst_head_tail_recall() -> Objective:
    """max min(mean recall of the head, of the tail); G_yy = λ_g / (size_g · π_y), y in g."""
    return Objective("min_head_tail_recall")


def recall_with_head_tail_coverage(share: float = SHARE) -> Objective:
    """max average recall with mean bcov ≥ share/m over the head and over the tail.

    G_ij = ([i=j] + λ_g / size_g) / (m π_i), j in g.
    """
    head, tail = (
        LinearConstraint("balanced_coverage", half, bound=share, unit="1/m")
        for half in ("head", "tail")
    )
    return Objective("mean_recall", (head, tail))
