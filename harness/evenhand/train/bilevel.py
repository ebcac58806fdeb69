"""Upper level of a bilevel search, which learns a stage's loss and policy on held-out data.

`evenhand.declared.bilevel` declares what is computed, and `hypergradient.py` computes it; this
module applies it to a training under way. All passes are in float32. They leave the network's
running statistics unchanged, and the trial's generator but for one draw; batches are normalised by
their own statistics, as in training. During training ∂L/∂θ is not 0, as the implicit function
theorem requires: this approximation is the paper's, and ours.

A step costs `batches` × (terms + 6) products with a Hessian, each about three to seven passes
forward: at the defaults far more than the twenty steps of the optimiser between two of them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.stage_parts import Learnable
from evenhand.errors import DataError, EvenhandError
from evenhand.train.held_out_loss import held_out_slope
from evenhand.train.hypergradient import (
    BatchGradient,
    inverse_product,
    length,
    mixed_derivative,
    spectral_norm,
)
from evenhand.train.replay import Replay, state_preserved
from evenhand.train.result import Diverged
from evenhand.train.training import Training

FIRST_ITERATIONS, ITERATIONS = 10, 5
"""Power iterations from a random vector, and from the vector of the previous step."""


def bind(
    spec: Hypergradient,
    learnables: Mapping[str, Learnable],
    counts: TrainingCounts,
    device: torch.device,
) -> BoundHypergradient:
    """Bind the search to the learnable loss and policy of one stage.

    counts [classes, groups] are those of the held-out data. Raises `DataError` where the objective
    needs a class or cell without a held-out example.
    """
    assert learnables, "a stage that learns has a learnable loss or policy"
    by_class = spec.objective in ("balanced", "batch_weighted")
    needed = counts.sum(1, keepdims=True) if by_class else counts
    if spec.ce_share < 1 and (needed == 0).any():
        what = "classes" if by_class else "(class, group) cells"
        raise DataError(
            f"{int((needed == 0).sum())} of {needed.size} {what} have no held-out example; the "
            f"objective {spec.objective!r} needs the mean loss of each\n"
            "  use more images for validation: `val: {per_class: n}` or `{fraction: f}`"
        )
    learned = [tensor for part in learnables.values() for tensor in part.parameters().values()]
    optimizer = torch.optim.SGD(
        learned, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay
    )
    return BoundHypergradient(spec, learned, counts, optimizer)


@dataclass
class BoundHypergradient:
    """A `Hypergradient` bound to one stage of one training."""

    spec: Hypergradient
    learned: list[Tensor]
    counts: TrainingCounts
    """Held-out images [classes, groups]."""
    optimizer: torch.optim.Optimizer
    direction: list[Tensor] = field(default_factory=list)
    """Vector that the next power iteration starts from."""
    seen: dict[str, float] = field(default_factory=dict)
    """Objective, norm of the Hessian and scale at the last step, by the name of their curve."""

    def step(self, run: Training) -> None:
        """Update the learned parameters, if it is due, before a step of the trial's optimiser.

        Raises `EvenhandError` where the series would diverge and `diverging` is "refuse", and
        `Diverged` where the hypergradient is not finite.
        """
        if (run.position if self.spec.by_epoch else run.steps) % self.spec.interval == 0:
            self._move(run, self._hypergradient(run))
            run.stage.tally.count_update()
        if self.spec.coast:
            self._move(run, [torch.zeros_like(tensor) for tensor in self.learned])

    def _move(self, run: Training, gradients: list[Tensor]) -> None:
        """Make a step of SGD on the learned values. Raises `Diverged` if it is not finite."""
        if not math.isfinite(length(gradients)):
            raise Diverged("the hypergradient", step=run.steps + 1, epoch=run.epoch)
        for tensor, slope in zip(self.learned, gradients, strict=True):
            tensor.grad = slope
        self.optimizer.param_groups[0]["lr"] = self._learning_rate(run)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def curves(self) -> dict[str, float]:
        """Objective before the last step, ‖H‖ and the scale of the series."""
        return dict(self.seen)

    def state(self) -> dict[str, Any]:
        """State as plain containers and tensors, without the learned parameters."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "direction": self.direction,
            "seen": self.seen,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.direction, self.seen = list(state["direction"]), dict(state["seen"])

    def _learning_rate(self, run: Training) -> float:
        """Learning rate by the schedule of the run, with the search's own warm-up."""
        began, stage = run.stage.run, run.stage.first_epoch
        schedule = run.stage.schedule or run.schedule
        factor = schedule(run.epoch - 1 - began.begins, began.epochs)
        rising, passed = round(self.spec.warmup * run.recipe.epochs), run.epoch - stage
        return self.spec.lr * factor * min(1.0, passed / max(rising, 1))

    def _hypergradient(self, run: Training) -> list[Tensor]:
        weights: list[Tensor] = [p for p in run.model.parameters() if p.requires_grad]
        replay = Replay(run, self.spec)
        iterations = ITERATIONS if self.direction else FIRST_ITERATIONS
        if not self.direction:
            self.direction = [_noise(weight, run.randomness) for weight in weights]
        with state_preserved(run), _requiring_grad(self.learned):
            outer = held_out_slope(replay, weights, self.counts, self.spec)
            self.seen["search validation objective"] = outer.value
            gradients = replay.gradients(weights)
            norm = self._norm(gradients, weights, iterations)
            solved = self._solved(gradients, outer.gradient, weights, norm, run)
            return mixed_derivative(gradients, solved, weights=weights, learned=self.learned)

    def _solved(
        self,
        gradients: list[BatchGradient],
        outer: list[Tensor],
        weights: list[Tensor],
        norm: float,
        run: Training,
    ) -> list[Tensor]:
        """H⁻¹ ∂L_val/∂θ; computed again where the series reveals a larger norm of H.

        The batches, and with them H, change from step to step: the previous direction may be a poor
        start of the power iteration, which then underestimates the norm.
        """
        while True:
            scale = self._scale(norm, run)
            found = inverse_product(
                gradients, outer, weights=weights, terms=self.spec.terms, scale=scale
            )
            if self.spec.diverging == "allow" or not scale * found.norm >= 2:
                return found.vector
            norm = found.norm

    def _norm(
        self, gradients: list[BatchGradient], weights: list[Tensor], iterations: int
    ) -> float:
        start = self.direction
        found = spectral_norm(gradients, start, weights=weights, iterations=iterations)
        self.direction = found.direction
        return found.value

    def _scale(self, norm: float, run: Training) -> float:
        """Scale of the series, lowered where it would diverge and `diverging` is "rescale".

        Raises `EvenhandError` where it would diverge and `diverging` is "refuse".
        """
        scale = self.spec.scale
        if scale * norm >= 2 and self.spec.diverging == "refuse":
            raise EvenhandError(
                "the Neumann series converges for scale · ‖H‖ < 2; at step "
                f"{run.steps + 1}, epoch {run.epoch} it is {scale * norm:.3g}\n"
                f"  lower `scale` below {2 / norm:.2g}, or write `diverging: rescale`"
            )
        if scale * norm >= 2 and self.spec.diverging == "rescale":
            scale = 1 / norm
        self.seen |= {"hessian norm": norm, "neumann scale": scale}
        return scale


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
    return torch.empty_like(like).copy_(drawn)


@contextlib.contextmanager
def _requiring_grad(tensors: list[Tensor]) -> Iterator[None]:
    """Let tensors require a gradient for the duration of a `with` block.

    Otherwise each step of the training would accumulate gradients that nothing uses.
    """
    for tensor in tensors:
        tensor.requires_grad_()
    try:
        yield
    finally:
        for tensor in tensors:
            tensor.requires_grad_(False)
