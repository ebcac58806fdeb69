"""Mixing of a batch with itself: every example becomes a combination of two.

A recipe names it in `mixing`. Images are mixed after augmentation and normalisation, or features
after normalisation. The loss of a mixed example is that of both labels:
share · ℓ(f, y) + (1 − share) · ℓ(f, y of the partner). It applies to every loss, and with it to
knowledge distillation, because each term is a loss of one example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int
from pydantic import Field

from evenhand.declared.decorators import mixing
from evenhand.declared.labels import TrainingCounts
from evenhand.errors import LossError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

QUANTILES = 2**14
"""Intervals of the table of quantiles from which λ is drawn."""


class Mixed(NamedTuple):
    """A mixed batch."""

    images: Float[Tensor, "batch c h w"]
    """Combinations of the images and those of their partners."""
    partner: Int[Tensor, " batch"]
    """Place of the partner of each example in the batch."""
    share: Float[Tensor, " batch"]
    """Weight of the example's own label; that of its partner's label is 1 − share."""


@runtime_checkable
class BoundMixing(Protocol):
    """A mixing for one training set."""

    def __call__(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Mixed:
        """Mix a batch of normalised images [batch, channels, height, width].

        It draws from the generator alone, which is on the device of the images, and reads no value
        back, because the step may be a CUDA graph.
        """
        ...


@runtime_checkable
class Mixing(Protocol):
    """Declaration of a mixing."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundMixing:
        """The mixing for a training set with these counts [classes, groups]."""
        ...


@dataclass(frozen=True)
class Mixup:
    """Mixup, in which λ ~ Beta(alpha, alpha) mixes images and labels."""

    alpha: float
    """Both parameters of the Beta distribution."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundMixup:
        """Bind to one training set, of which it needs nothing."""
        return BoundMixup(beta_quantiles(self.alpha, device))


@dataclass(frozen=True)
class Remix:
    """Mixup in which the label of the rarer class counts in full."""

    alpha: float
    """Both parameters of the Beta distribution."""
    kappa: float
    """Least ratio of the counts of two classes."""
    tau: float
    """Largest share of the rarer class, below which the labels are mixed as the images are."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundRemix:
        """Bind to the class counts of one training set."""
        import torch

        n = torch.tensor(counts.sum(1), dtype=torch.float64, device=device)
        return BoundRemix(BoundMixup(beta_quantiles(self.alpha, device)), n, self.kappa, self.tau)


@dataclass(frozen=True)
class BoundMixup:
    """Mixup with one λ and one permutation for each batch."""

    quantiles: Float[Tensor, " points"]
    """Quantiles of λ at equally spaced probabilities from 0 to 1."""

    def __call__(
        self,
        images: Float[Tensor, "batch c h w"],
        labels: Int[Tensor, " batch"],
        generator: torch.Generator,
    ) -> Mixed:
        """Images λ x_i + (1 − λ) x_j, where j is a permutation of the batch, and the share λ."""
        import torch

        device = images.device
        lam = draw(self.quantiles, generator).to(images.dtype)
        # Sorted random numbers are a permutation that a CUDA graph can draw.
        partner = torch.rand(len(images), generator=generator, device=device).argsort()
        return Mixed(
            lam * images + (1 - lam) * images[partner], partner, lam.expand(len(images)).clone()
        )


@dataclass(frozen=True)
class BoundRemix:
    """Remix for one training set."""

    mixup: BoundMixup
    """Mixup of the images."""
    counts: Float[Tensor, " classes"]
    """Number of training examples of each class."""
    kappa: float
    tau: float

    def __call__(
        self,
        images: Float[Tensor, "batch c h w"],
        labels: Int[Tensor, " batch"],
        generator: torch.Generator,
    ) -> Mixed:
        """Images of mixup; the share is 0 or 1 where one class is rarer by the factor κ."""
        import torch

        mixed = self.mixup(images, labels, generator)
        share = mixed.share
        own, other = self.counts[labels], self.counts[labels[mixed.partner]]
        to_other = (own >= self.kappa * other) & (share < self.tau)
        to_own = (self.kappa * own <= other) & (1 - share < self.tau)
        # Equal counts meet both ratios at κ = 1; only one of λ and 1 − λ is below τ ≤ 1/2.
        share = torch.where(to_other, 0.0, torch.where(to_own, 1.0, share))
        return mixed._replace(share=share)


def check_mixed(mixed: Mixed, n: int) -> None:
    """Check the shapes of the partners and shares of a batch of n examples.

    Raises `LossError`: a share [batch, 1] would be multiplied with the losses of all examples.
    """
    for name in ("partner", "share"):
        shape = list(getattr(mixed, name).shape)
        if shape != [n]:
            raise LossError(
                f"a mixing gives one {name} for each example, [{n}]; this one gives {shape}"
            )


def beta_quantiles(alpha: float, device: Any) -> Float[Tensor, " points"]:
    """Quantiles of Beta(alpha, alpha) at equally spaced probabilities from 0 to 1."""
    import numpy as np
    import torch
    from scipy.stats import beta

    values = beta.ppf(np.linspace(0, 1, QUANTILES + 1), alpha, alpha)
    return torch.tensor(values, dtype=torch.float64, device=device)


def draw(quantiles: Float[Tensor, " points"], generator: torch.Generator) -> Float[Tensor, 1]:
    """Draw one number by its quantiles, which are interpolated linearly.

    torch draws from a Beta distribution by a loop and without a generator, which a CUDA graph
    cannot hold.
    """
    import torch

    uniform = torch.rand(1, generator=generator, device=quantiles.device, dtype=quantiles.dtype)
    at = uniform * (len(quantiles) - 1)
    below = at.long()
    return torch.lerp(quantiles[below], quantiles[below + 1], at - below)


Alpha = Annotated[float, Field(gt=0)]


@mixing(cite="zhang2018mixup", title="Mixup")
def mixup(alpha: Alpha = 1.0) -> Mixing:
    """Mixup: train on λ x_i + (1 − λ) x_j with the loss λ ℓ(y_i) + (1 − λ) ℓ(y_j).

    λ ~ Beta(α, α) is drawn once for each batch, and the partners j are a permutation of the batch
    (zhang2018mixup). The paper's values of α, 1 for CIFAR and 0.2 for ImageNet, are quoted from
    memory and were not verified.

    alpha  α: λ is near 0 or 1 for small values and uniform for 1
    """
    return Mixup(alpha)


@mixing(cite="chou2020remix", title="Remix")
def remix(
    alpha: Alpha = 1.0,
    kappa: Annotated[float, Field(ge=1)] = 3.0,
    tau: Annotated[float, Field(ge=0, le=0.5)] = 0.5,
) -> Mixing:
    """Remix: mixup in which the label of the rarer class counts in full.

        λ_y = 0 where n_i/n_j ≥ κ and λ < τ;   1 where n_i/n_j ≤ 1/κ and 1 − λ < τ;   else λ

    The images are mixed by λ ~ Beta(α, α), and the labels of example i and its partner j by λ_y,
    where n are the training counts of their classes (chou2020remix). The formula is quoted from
    memory and was not verified; the defaults of κ and τ are those of a public implementation.

    alpha  α, as in `mixup`
    kappa  κ, the ratio of counts from which on one class counts as the rarer one
    tau    τ, at most 1/2: with a smaller value fewer labels change; 0 is `mixup`
    """
    return Remix(alpha, kappa, tau)
