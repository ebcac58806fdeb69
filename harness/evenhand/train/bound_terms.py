"""Terms of the bound of wang2023unified, logged after an epoch under `bound_terms: true`."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from evenhand.losses.kernel import BoundVectorScaling
from evenhand.theory.generalization_bound import bound_sum, lipschitz_constants
from evenhand.train.training import Training


def bound_terms(run: Training, scores: Float[Tensor, " n"]) -> dict[str, float]:
    """Points of the curves `train_bound`, `train_min_score_<label>`, `train_lipschitz_<label>`.

    scores are the logits of the true classes of the training images, of which every class has one.
    The loss is that of the current stage.
    """
    loss = run.stage.loss
    assert isinstance(loss, BoundVectorScaling), "checked with the suite"
    n_classes = run.shape[1]
    none = torch.full((n_classes,), torch.inf, device=scores.device)
    least = none.scatter_reduce(0, run.train.labels, scores, "amin").double().cpu().numpy()
    vectors = [tensor.double().cpu().numpy() for tensor in (loss.beta, loss.delta)]
    beta, delta = (np.broadcast_to(vector, (n_classes, n_classes)) for vector in vectors)
    alpha = loss.alpha.double().cpu().numpy()
    constants = lipschitz_constants(least, alpha=alpha, beta=beta, delta=delta)
    # Of the images that the run trains on, which held-out images may belong to.
    counts = torch.bincount(run.train.labels, minlength=n_classes).cpu().numpy()
    point = {"train_bound": bound_sum(constants, counts)}
    named = (("train_min_score", least), ("train_lipschitz", constants))
    return point | {f"{name}_{y}": float(v) for name, each in named for y, v in enumerate(each)}
