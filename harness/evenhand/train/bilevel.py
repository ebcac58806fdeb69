"""The upper level of a bilevel search: held-out data learn a stage's loss and policy.

`evenhand.declared.bilevel` says what is computed, `hypergradient.py` computes it; here it meets a
training under way. All passes are in float32 and leave the network's running statistics and the
trial's generator as they were, but for one draw; batches are normalised by their own statistics, as
in training. In the middle of training ∂L/∂θ is not 0, as the implicit function theorem would have
it: that is the paper's approximation, and ours.

A step costs `batches` × (terms + 6) products with a Hessian, each some three to seven passes
forward: at the defaults far more than the twenty steps of the optimiser between two of them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.stage_parts import Learnable
from evenhand.errors import DataError, EvenhandError
from evenhand.losses.reduction_kernel import gaps
from evenhand.train.hypergradient import Slopes, inverse_product, length, spectral_norm, through
from evenhand.train.outcome import Diverged
from evenhand.train.replay import Replay, undisturbed
from evenhand.train.training import Training

FIRST_ITERATIONS, ITERATIONS = 10, 5
"""Of the power iteration: from a random vector, and from where the step before left off."""


def bind(
    spec: Hypergradient,
    learnables: Mapping[str, Learnable],
    counts: TrainingCounts,
    device: torch.device,
) -> BoundHypergradient:
    """For the learnable loss and policy of one stage; counts [classes, groups] are the held-out.

    Raises `DataError` where the objective needs a class or cell that has no held-out example.
    """
    assert learnables, "a stage that learns has a learnable loss or policy"
    needed = counts.sum(1, keepdims=True) if spec.objective == "balanced" else counts
    if spec.ce_share < 1 and (needed == 0).any():
        what = "classes" if spec.objective == "balanced" else "cells of class and group"
        raise DataError(
            f"{int((needed == 0).sum())} of {needed.size} {what} have no held-out example\n"
            f"  the objective {spec.objective!r} is of the mean loss of each\n"
            "  set more images aside for validation"
        )
    learned = [tensor for part in learnables.values() for tensor in part.parameters().values()]
    optimizer = torch.optim.SGD(
        learned, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay
    )
    return BoundHypergradient(spec, learned, counts.shape, optimizer)


@dataclass
class BoundHypergradient:
    """A `Hypergradient` for one stage of one training.

    shape      classes, groups
    direction  that the power iteration goes on from
    seen       of the last step: objective, norm and scale
    """

    spec: Hypergradient
    learned: list[Tensor]
    shape: tuple[int, ...]
    optimizer: torch.optim.Optimizer
    direction: list[Tensor] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)

    def step(self, run: Training) -> None:
        """Move what is learned, on the trial's way to the next step of its optimiser.

        Raises `EvenhandError` where the series would diverge and may not, and `Diverged` where the
        gradient is not finite.
        """
        if run.steps % self.spec.interval == 0:
            slopes = self._hypergradient(run)
        else:
            slopes = [torch.zeros_like(tensor) for tensor in self.learned]
        if not math.isfinite(length(slopes)):
            raise Diverged("the hypergradient", step=run.steps + 1, epoch=run.epoch)
        for tensor, slope in zip(self.learned, slopes, strict=True):
            tensor.grad = slope
        self.optimizer.param_groups[0]["lr"] = self._learning_rate(run)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def curves(self) -> dict[str, float]:
        """Of the last step: the objective before it, ‖H‖ and the scale of the series."""
        return dict(self.seen)

    def state(self) -> dict[str, Any]:
        """All that changes but what is learned."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "direction": self.direction,
            "seen": self.seen,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.direction, self.seen = list(state["direction"]), dict(state["seen"])

    def _learning_rate(self, run: Training) -> float:
        """By the recipe's schedule, without its warm-up."""
        began, stage = run.stage.run, run.stage.first_epoch
        factor = run.schedule(run.epoch - 1 - began.begins, began.epochs)
        rising, passed = round(self.spec.warmup * run.recipe.epochs), run.epoch - stage
        return self.spec.lr * factor * min(1.0, passed / max(rising, 1))

    def _hypergradient(self, run: Training) -> list[Tensor]:
        weights: list[Tensor] = [p for p in run.model.parameters() if p.requires_grad]
        replay = Replay(run, self.spec)
        iterations = ITERATIONS if self.direction else FIRST_ITERATIONS
        if not self.direction:
            self.direction = [_noise(weight, run.randomness) for weight in weights]
        with undisturbed(run), _requiring_grad(self.learned):
            outer = self._outer(replay, weights)
            slopes = replay.slopes(weights)
            norm = self._norm(slopes, weights, iterations)
            solved = self._solved(slopes, outer, weights, norm, run)
            return through(slopes, solved, weights=weights, learned=self.learned)

    def _solved(
        self,
        slopes: list[Slopes],
        outer: list[Tensor],
        weights: list[Tensor],
        norm: float,
        run: Training,
    ) -> list[Tensor]:
        """H⁻¹ ∂L_val/∂θ; summed again where the series itself finds a larger norm than was known.

        The batches change from step to step, and with them H: the direction that the power
        iteration goes on from may be a poor start.
        """
        while True:
            scale = self._scale(norm, run)
            found = inverse_product(
                slopes, outer, weights=weights, terms=self.spec.terms, scale=scale
            )
            if self.spec.diverging == "allow" or not scale * found.norm >= 2:
                return found.vector
            norm = found.norm

    def _outer(self, replay: Replay, weights: list[Tensor]) -> list[Tensor]:
        """∂L_val/∂θ over all drawn batches; the objective is read first, for its slopes by cell."""
        n_cells = math.prod(self.shape)
        sums = torch.zeros(n_cells, device=weights[0].device)
        n = torch.zeros_like(sums)
        with torch.no_grad():
            for losses, rows in replay.held_out():
                sums.index_add_(0, rows, losses)
                n.index_add_(0, rows, torch.ones_like(losses))
        means = (sums / n.clamp_min(1)).requires_grad_()
        value = objective(means.reshape(self.shape), n.reshape(self.shape), self.spec)
        (slopes,) = torch.autograd.grad(value, means)
        self.seen["search validation objective"] = value.item()
        by_example = slopes / n.clamp_min(1)
        total = [torch.zeros_like(w) for w in weights]
        for losses, rows in replay.held_out():
            along = (by_example[rows] * losses).sum()
            found = torch.autograd.grad(along, weights, materialize_grads=True)
            total = [a + b for a, b in zip(total, found, strict=True)]
        return total

    def _norm(self, slopes: list[Slopes], weights: list[Tensor], iterations: int) -> float:
        start = self.direction
        found = spectral_norm(slopes, start, weights=weights, iterations=iterations)
        self.direction = found.direction
        return found.value

    def _scale(self, norm: float, run: Training) -> float:
        """That of the series, for which it converges. Raises `EvenhandError`."""
        scale = self.spec.scale
        if scale * norm >= 2 and self.spec.diverging == "refuse":
            raise EvenhandError(
                f"the Neumann series would diverge at step {run.steps + 1}, epoch {run.epoch}: "
                f"scale · ‖H‖ = {scale * norm:.3g}\n"
                "  below 2 it converges\n"
                f"  lower `scale` below {2 / norm:.2g}, or write `diverging: rescale`"
            )
        if scale * norm >= 2 and self.spec.diverging == "rescale":
            scale = 1 / norm
        self.seen |= {"hessian norm": norm, "neumann scale": scale}
        return scale


def objective(
    means: Float[Tensor, "classes groups"], n: Float[Tensor, "classes groups"], spec: Hypergradient
) -> Float[Tensor, ""]:
    """ce_share · CE + the rest · the objective, from mean cross-entropies, each of n images."""
    plain = (means * n).sum() / n.sum()
    rest = _OBJECTIVES[spec.objective](means, n)
    return spec.ce_share * plain + (1 - spec.ce_share) * rest


def _balanced(means: Tensor, n: Tensor) -> Tensor:
    of_class = n.sum(1)
    each = (means * n).sum(1) / of_class.clamp_min(1)
    return each.sum() / (of_class > 0).sum()


def _group_balanced(means: Tensor, n: Tensor) -> Tensor:
    return (means * (n > 0)).sum() / (n > 0).sum()


def _deo(means: Tensor, n: Tensor) -> Tensor:
    return gaps(means, n > 0).sum()


_OBJECTIVES = {"balanced": _balanced, "group_balanced": _group_balanced, "deo": _deo}


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
    return torch.empty_like(like).copy_(drawn)


@contextlib.contextmanager
def _requiring_grad(tensors: list[Tensor]) -> Iterator[None]:
    """Only here: else each step of the training would gather gradients that nobody reads."""
    for tensor in tensors:
        tensor.requires_grad_()
    try:
        yield
    finally:
        for tensor in tensors:
            tensor.requires_grad_(False)
