"""Vector scaling with parameters learned on held-out data (li2021autobalance, eq. 2.2).

    ℓ(f, y) = −w_y · log softmax(σ(Δ) ⊙ f + l)_y

The notation of Li et al. is kept here: our β is σ(Δ), our Δ is l and our α is w. Where a problem
has groups, every parameter is indexed by class and group, and the group g of an example selects the
column (eq. 4.2): softmax over classes k of σ(Δ_kg) f_k + l_kg.

Under this formula a *smaller* l favours a class: LA starts from l = log π, which is smallest for
the rarest class. According to Fig. 3 and the text of the paper, rare classes learn larger values.
One of the two has the opposite sign; we follow the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.clusters import FrequencyClusters, Symbol, cluster_name
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_cell import present_cells
from evenhand.losses.per_class import present

if TYPE_CHECKING:
    import torch

    from evenhand.losses.learned_kernel import BoundLearnedScaling

CellValues = Float[np.ndarray, "classes groups"]

RAW_DELTA = 1.0
"""Initial value of Δ, as in the released configurations: σ(1) = 0.731."""


@dataclass(frozen=True)
class LearnedScaling(DeclaredLoss["BoundLearnedScaling"]):
    """Vector-scaling loss whose parameters are learned, with their initial values."""

    learn: tuple[Symbol, ...] = ("l", "delta")
    """Learned parameters.

    "l" is added to the logits; "delta" is Δ, whose sigmoid multiplies them; "tau" is one number τ,
    and τ · log π is added to the logits; "w" are the weights of the examples, learned as log w.
    """
    cluster: int = 1
    """Number of cells of similar frequency that share each parameter.

    The paper uses 1, 10, 20 and 40 classes for CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist.
    The last cluster may have fewer cells.
    """
    la_init: bool = False
    """Whether training starts from logit adjustment.

    The initial values are l = log π of the middle class of each cluster, or τ = 1. With groups the
    prior is π_y|g and the weights are 1 / π_g, which is the Group-LA of the paper.
    """
    weights: Literal["balanced", "ones"] = "balanced"
    """Initial weights w.

    "balanced" is consistent with the balanced error, as in the text of the paper: w = 1/π without
    `la_init`. With `la_init` the loss is already consistent, so that w = 1, or 1 / π_g with groups.
    "ones" is w = 1 in both cases, as in the released configurations.
    """
    multiplier: Literal["one", "sigmoid"] = "one"
    """Factor on the logits.

    "one" is σ(Δ) / σ(1), which is initially 1 as in the text of the paper; no finite Δ gives
    σ(Δ) = 1. "sigmoid" is σ(Δ), which is initially 0.731 as in the released code. If Δ is not
    learned, the factor keeps its initial value.
    """

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundLearnedScaling:
        """Set the initial values for one training set; counts is [classes, groups].

        Raises `DataError` where a cell has no example.
        """
        import torch

        from evenhand.losses.learned_kernel import BoundLearnedScaling, on_device

        start, cluster = self.start(counts), self.of_clusters(counts)
        members = [np.flatnonzero(cluster.ravel() == c) for c in range(cluster.max() + 1)]
        members = [m[np.argsort(-counts.ravel()[m], kind="stable")] for m in members]
        middle = [m[len(m) // 2] for m in members]
        raw: dict[Symbol, np.ndarray] = {
            "l": start.l.ravel()[middle],
            "delta": np.full(len(middle), RAW_DELTA),
            "tau": np.array([start.tau]),
            "w": np.log(start.weights.ravel()[middle]),
        }
        one = 1 / (1 + np.exp(-RAW_DELTA)) if self.multiplier == "one" else 1.0
        return BoundLearnedScaling(
            raw={symbol: on_device(raw[symbol], device) for symbol in self.learn},
            cluster=torch.tensor(cluster, device=device),
            names=tuple(cluster_name(m, counts.shape[1]) for m in members),
            log_prior=on_device(start.log_prior, device),
            tau=start.tau,
            delta=RAW_DELTA,
            weights_known=on_device(start.weights, device),
            unit=float(one),
        )

    def of_clusters(self, counts: TrainingCounts) -> Int[np.ndarray, "classes groups"]:
        """Index of the cluster of each cell, from 0 for the most frequent cells."""
        return FrequencyClusters(self.cluster)(counts.ravel()).reshape(counts.shape)

    def start(self, counts: TrainingCounts) -> Start:
        """Initial value of each parameter. Raises `DataError` for a cell without an example."""
        n = _present(counts)
        of_group = n.sum(0, keepdims=True)
        log_prior = np.log(n) - np.log(of_group)
        weights = np.ones_like(n)
        if self.weights == "balanced":
            weights = n.sum() / (np.broadcast_to(of_group, n.shape) if self.la_init else n)
        has_l = "l" in self.learn and "tau" not in self.learn
        return Start(
            log_prior=log_prior,
            weights=weights,
            l=log_prior if self.la_init and has_l else np.zeros_like(n),
            tau=1.0 if self.la_init and not has_l else 0.0,
        )


@dataclass(frozen=True)
class Start:
    """Initial parameters by cell, before they are shared within clusters.

    l + tau · log_prior is added to the logits.
    """

    log_prior: CellValues
    """log π_y|g, the log prior of the class within the group."""
    weights: CellValues
    """w, the weight of an example."""
    l: CellValues  # noqa: E741  the paper's letter
    """l, which is added to the logits."""
    tau: float
    """τ, the factor on the log prior."""


def _present(counts: TrainingCounts) -> CellValues:
    """The counts in float64. Raises `DataError` naming the classes or cells without an example."""
    return present_cells(counts) if counts.shape[1] > 1 else present(counts[:, 0])[:, None]
