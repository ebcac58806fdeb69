"""The vector-scaling family with numbers that held-out data learn (li2021autobalance, eq. 2.2).

    ℓ(f, y) = −w_y · log softmax(σ(Δ) ⊙ f + l)_y

Li et al. write Δ for what our β is the sigmoid of, l for our Δ and w for our α; their letters are
kept here. Where a problem has groups, all are by class and group, and an example's group says which
column is meant (eq. 4.2): softmax over classes k of σ(Δ_kg) f_k + l_kg.

Under this formula a class is favoured by a *smaller* l: LA starts from l = log π, the smallest for
the rarest. The paper's Fig. 3 and its text say that rare classes learn larger ones; one of the two
has the other sign, and ours is the formula's.
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

Cells = Float[np.ndarray, "classes groups"]

RAW_DELTA = 1.0
"""Where Δ starts, as in the released configurations: σ(1) = 0.731."""


@dataclass(frozen=True)
class LearnedScaling(DeclaredLoss["BoundLearnedScaling"]):
    """Which numbers are learned, and where they start.

    learn       l     what is added to the logits
                delta what their multipliers are the sigmoids of
                tau   one number τ, with τ · log π added to the logits
                w     weights of the examples, by their logarithms
    cluster     cells of like frequency that share each number, the last cluster may have fewer;
                1, 10, 20 and 40 classes for CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist
    la_init     start from logit adjustment: l = log π of the middle class of each cluster, or
                τ = 1; with groups log π_y|g, weighted by 1 / π_g (the paper's Group-LA)
    weights     "balanced": consistent with the target, as the text has it: w = 1/π, or with LA,
                which is consistent by itself, w = 1, with groups 1 / π_g. "ones": w = 1 whatever
                the start, as in the released configurations
    multiplier  "one": σ(Δ) / σ(1), which is 1 at the start, as the text has it: no finite Δ has
                σ(Δ) = 1. "sigmoid": σ(Δ), which starts at 0.731, as in the released code. Where Δ
                is not learned it stays at its start
    """

    learn: tuple[Symbol, ...] = ("l", "delta")
    cluster: int = 1
    la_init: bool = False
    weights: Literal["balanced", "ones"] = "balanced"
    multiplier: Literal["one", "sigmoid"] = "one"

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundLearnedScaling:
        """Start for one training set; counts is [classes, groups].

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
        """The cluster of each cell, from 0 for the most frequent."""
        return FrequencyClusters(self.cluster)(counts.ravel()).reshape(counts.shape)

    def start(self, counts: TrainingCounts) -> Start:
        """What each number is before anything is learned. Raises `DataError` as `bind`."""
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
    """By cell, before clusters: l + tau · log_prior is added to the logits; the prior is π_y|g."""

    log_prior: Cells
    weights: Cells
    l: Cells  # noqa: E741  the paper's letter
    tau: float


def _present(counts: TrainingCounts) -> Cells:
    """The counts in float64. Raises `DataError` naming the classes or cells without an example."""
    return present_cells(counts) if counts.shape[1] > 1 else present(counts[:, 0])[:, None]
