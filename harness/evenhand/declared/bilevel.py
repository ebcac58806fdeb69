"""What learns the numbers in a loss or a policy on held-out data, while a network trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evenhand.declared.labels import Labels
from evenhand.errors import Mistake, SpecError

Objective = Literal["balanced", "group_balanced", "deo"]
Diverging = Literal["rescale", "refuse", "allow"]


@dataclass(frozen=True)
class Hypergradient:
    """Implicit differentiation through the training (li2021autobalance, Sec. 2.2).

    Each `interval` steps of the optimiser all learnable numbers of the stage's loss and policy take
    one step of SGD along

        dL_val/da = −∂²L_train/∂a∂θ · Σ_{i=0}^{terms} scale · (I − scale · H)^i · ∂L_val/∂θ,

    with θ the weights and H the Hessian of L_train. The paper prints dθ/da without the minus sign,
    its code has it. Weight decay is no part of L_train here, as in the code.

    objective     of the held-out images: ce_share · CE + (1 − ce_share) · one of
                  balanced        mean over classes of the mean cross-entropy of each
                  group_balanced  the same over cells of class and group (CE_bal^G)
                  deo             Σ over classes of the largest difference between its groups' mean
                                  cross-entropies (CE_deo; no ½)
                  A class or cell that no drawn image is of has no part in it.
    batches       of the recipe's size, that each gradient averages over; fewer if the split has no
                  more
    augment       held-out images are augmented by the recipe as training images are: so does the
                  released code, the text does not say
    lr, momentum, weight_decay  of SGD on what is learned; lr follows the recipe's schedule
    warmup        epochs, as a share of the recipe's, over which lr rises linearly as the stage
                  begins
    coast         also take a step without a gradient before every other step of the optimiser, so
                  that momentum and weight decay go on. The released code does, under PyTorch before
                  2.0; under later ones the same line does nothing. In a toy run the whole way was
                  6.5 times as long with it
    diverging     the series is one of H^-1 only if scale · ‖H‖ < 2. Where power iteration, or the
                  series itself, finds more: rescale takes 1 / ‖H‖ for the scale, refuse ends the
                  trial, allow goes on, as the released code does, which does not look
    """

    objective: Objective = "balanced"
    ce_share: float = 0.0
    interval: int = 20
    terms: int = 5
    scale: float = 1.0
    batches: int = 10
    augment: bool = True
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup: float = 0.0
    coast: bool = False
    diverging: Diverging = "rescale"

    @property
    def every(self) -> int:
        """Steps of the optimiser between two calls of what `bind` makes."""
        return 1 if self.coast else self.interval

    def check(self, labels: Labels) -> None:
        """Raises `SpecError` for an objective that compares groups where there is one."""
        if self.objective == "balanced" or self.ce_share == 1 or labels.n_groups > 1:
            return
        what = f"the held-out objective {self.objective!r} is one of groups, and there are none"
        raise SpecError([Mistake(what, ("objective",), "write 'balanced'")])
