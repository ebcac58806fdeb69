"""The losses by name, for any training loop and for methods of one's own.

Each function returns a declared loss: frozen, hashable, without tensors. `bind` makes it a loss for
a training set, from the number of training examples of each class:

    loss = evenhand.losses.vs(tau=1.0, gamma=0.15).bind([500, 50, 5])
    loss(logits, labels).mean()

In the formulas n_y is the number of training examples of class y, π_y = n_y / Σ n its prior, f are
the logits and p = softmax(f). Losses are in nats and per example; how a batch of them becomes one
number is the caller's choice. The papers divide by the size of the batch; PyTorch's `weight=` and
most released code divide by its total weight, which is `bound.weights(labels).sum()`.
"""

from __future__ import annotations

from math import inf
from numbers import Real
from typing import Literal, get_args

from evenhand.errors import LossError
from evenhand.losses.equalization import Equalized
from evenhand.losses.focal_loss import Focal
from evenhand.losses.groups import GroupScaling
from evenhand.losses.label_aware import LabelAware, Over, Shape
from evenhand.losses.per_cell import (
    ONES,
    ZEROS,
    CellPower,
    EveryLogit,
    InverseCell,
    InverseGroup,
    LogPriorInGroup,
    OwnOffset,
    PerCellAndClass,
    WithinGroup,
)
from evenhand.losses.per_class import (
    Constant,
    CountPower,
    EffectiveNumber,
    InversePrior,
    LogPrior,
    OwnClassMargin,
    PriorPower,
)
from evenhand.losses.vector_scaling import VectorScaling

GroupForm = Literal["equation_3", "released", "autobalance"]


def _checked(name: str, value: float, low: float = -inf, high: float = inf) -> float:
    """A setting in its range, ends included. Raises `LossError`."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or value in (inf, -inf):
        limits = "" if (low, high) == (-inf, inf) else f" from {low:g} to {high:g}"
        raise LossError(f"{name} is {value!r}; write a number{limits}")
    return float(value)


def ce() -> VectorScaling:
    """Cross-entropy: ℓ = −log p_y.

    >>> import torch
    >>> loss = ce().bind([500, 50, 5])
    >>> loss(torch.zeros(2, 3), torch.tensor([0, 2]))
    tensor([1.0986, 1.0986])
    """
    return VectorScaling()


def wce() -> VectorScaling:
    """Weighted cross-entropy: ℓ = −(1/π_y) log p_y (kini2021label, Sec. 5.1).

    >>> import torch
    >>> loss = wce().bind([500, 50, 5])
    >>> loss.weights(torch.tensor([0, 1, 2]))
    tensor([  1.1100,  11.1000, 111.0000])
    """
    return VectorScaling(alpha=InversePrior())


def cb(b: float = 0.9999) -> VectorScaling:
    """Class-balanced cross-entropy: α_y ∝ (1 − b) / (1 − b^n_y) (cui2019class, eq. 4).

    The weights add up to the number of classes. b lies in [0, 1]: 0 weighs all classes alike, and
    b → 1 tends to inverse frequency.

    >>> import torch
    >>> cb(b=0.999).bind([500, 50, 5]).weights(torch.tensor([0, 1, 2]))
    tensor([0.0341, 0.2752, 2.6907])
    """
    return VectorScaling(alpha=EffectiveNumber(_checked("b", b, 0, 1)))


def prior_power(nu: float = 0.5) -> VectorScaling:
    """Cross-entropy weighted by α_y ∝ π_y^−ν (wang2023unified, Algorithm 1).

    The weights add up to the number of classes.

    >>> import torch
    >>> prior_power(nu=0.5).bind([400, 100, 4]).weights(torch.tensor([0, 1, 2]))
    tensor([0.2308, 0.4615, 2.3077])
    """
    return VectorScaling(alpha=PriorPower(_checked("nu", nu, 0)))


def focal(g: float = 2.0) -> Focal:
    """Focal loss: ℓ = −(1 − p_y)^g log p_y (lin2017focal, eq. 4).

    >>> import torch
    >>> focal(g=2.0).bind([500, 50, 5])(torch.zeros(1, 3), torch.tensor([0]))
    tensor([0.4883])
    """
    return Focal(_checked("g", g, 0))


def label_aware(
    head: float = 0.3, tail: float = 0.0, *, shape: Shape = "concave", over: Over = "others"
) -> LabelAware:
    """Label-aware smoothing: labels of frequent classes are smoothed more (zhong2021improving).

    head and tail are ε of the most frequent and the rarest class; `LabelAware` has the formula.

    >>> import torch
    >>> loss = label_aware(head=0.3).bind([500, 50, 5])
    >>> loss(torch.tensor([[4.0, 0.0, 0.0]]), torch.tensor([0]))
    tensor([1.2360])
    """
    for name, value, right in (("shape", shape, get_args(Shape)), ("over", over, get_args(Over))):
        if value not in right:
            raise LossError(f"{name} is {value!r}; write {' or '.join(map(repr, right))}")
    head, tail = _checked("head", head, 0, 1), _checked("tail", tail, 0, 1)
    return LabelAware(head, tail, shape, over)


def la(tau: float = 1.0) -> VectorScaling:
    """Logit adjustment: ℓ = −log softmax(f + τ log π)_y (menon2021long, eq. 10).

    Predictions are made from the logits f as they are.

    >>> import torch
    >>> la(tau=1.0).bind([90, 10])(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([0.1054, 2.3026])
    """
    return VectorScaling(delta=LogPrior(_checked("tau", tau)))


def cdt(gamma: float = 0.15) -> VectorScaling:
    """Class-dependent temperatures: ℓ = −log softmax(β ⊙ f)_y (ye2020identifying).

    β_c = (n_c / n_max)^γ shrinks the logits of rare classes in the loss.

    >>> import torch
    >>> loss = cdt(gamma=0.5).bind([100, 25])
    >>> loss(torch.tensor([[2.0, 2.0]]), torch.tensor([1]))
    tensor([1.3133])
    """
    return VectorScaling(beta=CountPower(_checked("gamma", gamma, 0)))


def vs(tau: float = 1.0, gamma: float = 0.15) -> VectorScaling:
    """Vector scaling: ℓ = −log softmax(β ⊙ f + τ log π)_y (kini2021label, eq. 2).

    β_c = (n_c / n_max)^γ. tau shifts the logits and gamma scales them; with gamma = 0 it is `la`,
    with tau = 0 `cdt`.

    >>> import torch
    >>> loss = vs(tau=1.0, gamma=0.15).bind([500, 50, 5])
    >>> loss(torch.zeros(2, 3), torch.tensor([0, 2])).mean()
    tensor(2.4069)
    """
    scales = CountPower(_checked("gamma", gamma, 0))
    return VectorScaling(beta=scales, delta=LogPrior(_checked("tau", tau)))


def ldam(margin: float = 0.5, scale: float = 30.0) -> VectorScaling:
    """LDAM: ℓ = −log softmax(scale · (z − m_y onehot(y)))_y (cao2019learning).

    m_y = margin · (n_min/n_y)^¼. z are cosines, as a head with normalised features and weights
    gives them; on unbounded logits a scale of 30 diverges.

    >>> import torch
    >>> loss = ldam(margin=0.5, scale=1.0).bind([160, 10])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([0.8259, 0.9741])
    """
    _checked("margin", margin, 0)
    _checked("scale", scale, 0)
    return VectorScaling(beta=Constant(scale), delta=OwnClassMargin(margin * scale))


def equalized(threshold: float = 0.005, gamma: float = 0.9) -> Equalized:
    """Softmax equalization loss (tan2020equalization).

    A rare class is left out as a negative with probability gamma, drawn for each example. A class
    is rare where π_c < threshold. The bound loss draws from torch's global generator unless
    `drawing_from` gives it another.

    >>> import torch
    >>> loss = equalized(threshold=0.05, gamma=0.999999).bind([500, 490, 10])
    >>> loss(torch.zeros(1, 3), torch.tensor([0])).abs()  # class 2 is left out
    tensor([0.6931])
    """
    return Equalized(_checked("threshold", threshold, 0, 1), _checked("gamma", gamma, 0, 1))


def group_vs(gamma: float = 0.3, form: GroupForm = "equation_3") -> GroupScaling:
    """Group vector scaling: factors and offsets by (class, group) cell (kini2021label, eq. 3).

    With N_s examples in cell s, β_s = (N_s / max N)^γ and ι_s = (N_s / max N)^−γ. form selects one
    of three readings: "equation_3" takes ι_s off the true logit and multiplies all logits by β_s;
    "released" is the published code, which takes ι_s off all logits, where it cancels;
    "autobalance" is eq. 4.2 of li2021autobalance. Counts are [classes, groups].

    >>> import torch
    >>> loss = group_vs(gamma=0.5).bind([[90, 10], [10, 90]])
    >>> groups = torch.tensor([0, 1])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 0]), groups)
    tensor([1.3133, 3.0486])
    """
    _checked("gamma", gamma, 0)
    if form not in get_args(GroupForm):
        raise LossError(f"form is {form!r}; write one of {', '.join(get_args(GroupForm))}")
    factor, offset = CellPower(gamma), CellPower(-gamma, factor=-1.0)
    if form == "autobalance":
        return GroupScaling(beta=WithinGroup(factor), delta=WithinGroup(offset))
    delta: PerCellAndClass = OwnOffset(offset) if form == "equation_3" else EveryLogit(offset)
    return GroupScaling(beta=EveryLogit(factor), delta=delta)


def group_la(gamma: float = 0.3, form: GroupForm = "equation_3") -> GroupScaling:
    """Group logit adjustment: the offsets of `group_vs` (kini2021label, Sec. 5.2).

    >>> import torch
    >>> loss = group_la(gamma=0.5).bind([[90, 10], [10, 90]])
    >>> loss(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([1]))
    tensor([3.0486])
    """
    scaled = group_vs(gamma, form)
    return GroupScaling(beta=ONES, delta=scaled.delta)


def group_cdt(gamma: float = 0.3, form: GroupForm = "equation_3") -> GroupScaling:
    """Group class-dependent temperatures: the factors of `group_vs` (kini2021label, Sec. 5.2).

    >>> import torch
    >>> loss = group_cdt(gamma=0.5).bind([[100, 25], [25, 100]])
    >>> loss(torch.tensor([[2.0, 0.0]]), torch.tensor([0]), torch.tensor([1]))
    tensor([0.3133])
    """
    scaled = group_vs(gamma, form)
    return GroupScaling(beta=scaled.beta, delta=ZEROS)


def group_balanced() -> GroupScaling:
    """Cross-entropy with every (class, group) cell weighted alike (li2021autobalance, Sec. 4).

    The weight of an example of cell s is 1/N_s, up to a factor.

    >>> import torch
    >>> loss = group_balanced().bind([[90, 10], [10, 90]])
    >>> labels, groups = torch.tensor([0, 0]), torch.tensor([0, 1])
    >>> weights = loss.weights(labels, groups)
    >>> weights / weights[0]
    tensor([1., 9.])
    """
    return GroupScaling(alpha=InverseCell())


def la_within_groups(tau: float = 1.0) -> GroupScaling:
    """Logit adjustment by the prior of a class within its group (li2021autobalance, Sec. 4).

    ℓ = −w_g log softmax(f + τ log π_{·|g})_y, where w_g ∝ 1/π_g has mean 1 over the training set.

    >>> import torch
    >>> loss = la_within_groups(tau=1.0).bind([[90, 50], [10, 50]])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]), torch.tensor([0]))
    tensor([2.3026])
    """
    return GroupScaling(
        alpha=InverseGroup(), delta=WithinGroup(LogPriorInGroup(_checked("tau", tau)))
    )
