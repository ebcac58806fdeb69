"""Declaration of bilevel optimisation: hypergradients of a loss or an augmentation policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evenhand.declared.labels import Labels
from evenhand.errors import Mistake, SpecError

HeldOutObjective = Literal["balanced", "batch_weighted", "group_balanced", "deo"]
Diverging = Literal["rescale", "refuse", "allow"]


@dataclass(frozen=True)
class Hypergradient:
    """Hypergradient by implicit differentiation (li2021autobalance, Sec. 2.2).

    After every `interval` steps of the optimiser, all learnable values a of the stage's loss and
    policy take one step of SGD along

        dL_val/da = −∂²L_train/∂a∂θ · Σ_{i=0}^{terms} scale · (I − scale · H)^i · ∂L_val/∂θ,

    where θ are the weights and H is the Hessian of L_train. The paper prints dθ/da without the
    minus sign; its released code has the sign. L_train excludes weight decay, as in the code.
    """

    objective: HeldOutObjective = "balanced"
    """Held-out loss L, in ce_share · CE + (1 − ce_share) · L.

    "balanced" is the mean over classes of the class's mean cross-entropy. "batch_weighted" is the
    estimate of it in the released code: the mean over batches of each batch's mean, in which an
    example of class c has the weight 1 / n_c, n_c being the number of held-out images of the class.
    "group_balanced" is the mean over (class, group) cells, CE_bal^G. "deo" is the sum over classes
    of the largest difference between the mean cross-entropies of its groups, CE_deo without ½.
    Classes and cells without an image in the batches are left out.
    """
    ce_share: float = 0.0
    """Share of plain cross-entropy in the held-out loss."""
    interval: int = 20
    """Steps of the optimiser between two hypergradients."""
    by_epoch: bool = False
    """Whether the interval is counted from the first step of each epoch, as in the released code.

    An epoch of 78 steps then has four hypergradients at an interval of 20, and else 3.9 on average.
    """
    terms: int = 5
    """Terms of the Neumann series after the first."""
    scale: float = 1.0
    """Factor of the Hessian in the series."""
    batches: int = 10
    """Batches of the recipe's size that each gradient averages over; fewer in a small split."""
    augment: bool = True
    """Whether the recipe augments held-out images. The released code does; the text omits it."""
    lr: float = 0.05
    """Learning rate of the learned values; it follows the recipe's schedule."""
    momentum: float = 0.9
    """Momentum of SGD on the learned values."""
    weight_decay: float = 1e-4
    """Weight decay of SGD on the learned values."""
    warmup: float = 0.0
    """Share of the recipe's epochs over which lr rises linearly from the start of the stage."""
    coast: bool = False
    """Whether momentum and weight decay act before every step of the optimiser, without a gradient.

    At a hypergradient this is a second step of SGD. The released code does it under PyTorch before
    2.0; under later versions the same line has no effect. At a constant hypergradient, an interval
    of 20, momentum 0.9 and no weight decay, the values move 8.9 times as far over one
    hypergradient, 3.7 times over five and 1.01 times over 724.
    """
    diverging: Diverging = "rescale"
    """Treatment of a series that diverges, which happens where scale · ‖H‖ ≥ 2.

    ‖H‖ is found by power iteration or by the growth of the series. "rescale" uses 1 / ‖H‖ as the
    scale, "refuse" ends the trial, and "allow" continues as the released code does, which has no
    check.
    """

    def check(self, labels: Labels) -> None:
        """Check the objective. Raises `SpecError` if it compares groups and there is one."""
        if (
            self.objective in ("balanced", "batch_weighted")
            or self.ce_share == 1
            or labels.n_groups > 1
        ):
            return
        what = f"the held-out objective {self.objective!r} compares groups; this data set has one"
        raise SpecError([Mistake(what, ("objective",), "write 'balanced'")])
