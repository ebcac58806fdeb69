"""Repeatable passes over a few drawn batches, which leave the state of a training unchanged."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from itertools import islice

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from timm.layers.drop import DropPath
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from evenhand.declared.bilevel import Hypergradient
from evenhand.train.device_data import augment_batch, batches
from evenhand.train.hypergradient import BatchGradient, batch_gradient
from evenhand.train.training import Training

SEEDS = 2**62

MAX_HELD_VALUES = 2**22
"""Largest number of input values in all training batches whose graphs are held in memory."""


class Replay:
    """Training and held-out batches, drawn once; each pass repeats the augmentation and the draws.

    All products thereby use the Hessian of one function. A training image is in one batch at most,
    unless the sampler draws with replacement; so is a held-out image.
    """

    def __init__(self, run: Training, spec: Hypergradient) -> None:
        self.run, self.augment = run, run.augment if spec.augment else ()
        self.train = _drawn(run, _pool(run, spec.batches), spec.batches, drop_last=True)
        everything = _shuffled(len(run.splits["val"]), run)
        self.val = _drawn(run, everything, spec.batches, drop_last=False)
        n = len(self.val) + len(self.train)
        generator = run.randomness
        seeds = torch.randint(SEEDS, (n,), generator=generator, device=run.device).tolist()
        self.val_seeds, self.train_seeds = seeds[: len(self.val)], seeds[len(self.val) :]

    def gradients(self, weights: list[Tensor]) -> list[BatchGradient]:
        """Gradient of each training batch; small batches hold their graphs, all at once."""
        pixels = self.run.train.pixels
        n = sum(len(index) for index in self.train) * pixels[0].numel()
        return [
            batch_gradient(self._loss(index, seed), weights, is_held=n <= MAX_HELD_VALUES)
            for index, seed in zip(self.train, self.train_seeds, strict=True)
        ]

    def _loss(self, index: Int[Tensor, " batch"], seed: int) -> Callable[[], Tensor]:
        def loss() -> Float[Tensor, ""]:
            self._seed(seed)
            return self.run.loss_of(self.run.stage, index)

        return loss

    def _seed(self, seed: int) -> None:
        """Seed the trial's generator, and torch's global one where the network draws from it."""
        self.run.randomness.manual_seed(seed)
        if _drops_out(self.run.model):
            torch.manual_seed(seed)

    def held_out(self) -> Iterator[tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]]]:
        """Cross-entropy and row of each held-out image, batch by batch.

        Neither the stage's loss nor its policy is applied: held-out data judge both.
        """
        run, split = self.run, self.run.splits["val"]
        for index, seed in zip(self.val, self.val_seeds, strict=True):
            self._seed(seed)
            pixels = augment_batch(split.pixels[index], self.augment, run.randomness)
            images = run.inputs(pixels)
            losses = F.cross_entropy(run.model(images), split.labels[index], reduction="none")
            yield losses, split.rows[index]


def _pool(run: Training, n_batches: int) -> Int[Tensor, " n"]:
    """Training examples in random order, as the stage's sampler draws them."""
    stage = run.stage
    if stage.kept is not None:
        kept = torch.from_numpy(stage.kept).to(run.device)
        return kept[_shuffled(len(kept), run)]
    if stage.weights is None:
        return _shuffled(len(run.train), run)
    weights = torch.from_numpy(stage.weights).to(run.device)
    n = n_batches * run.recipe.batch
    return torch.multinomial(weights, n, replacement=True, generator=run.randomness)


def _shuffled(n: int, run: Training) -> Int[Tensor, " n"]:
    return torch.randperm(n, generator=run.randomness, device=run.device)


def _drawn(
    run: Training, pool: Int[Tensor, " n"], n_batches: int, *, drop_last: bool
) -> list[Int[Tensor, " batch"]]:
    return list(islice(batches(pool, run.recipe.batch, drop_last=drop_last), n_batches))


@contextlib.contextmanager
def state_preserved(run: Training) -> Iterator[None]:
    """Restore the running statistics and generators at the end of a `with` block.

    Inside it attention is computed step by step: fused attention has no second derivatives.
    """
    buffers = [(buffer, buffer.clone()) for buffer in run.model.buffers()]
    generator = run.randomness.get_state()
    devices = [run.device] if run.device.type == "cuda" else []
    fused = any(_is_attention(module) for module in run.model.modules())
    try:
        plain = sdpa_kernel(SDPBackend.MATH) if fused else contextlib.nullcontext()
        with torch.random.fork_rng(devices, enabled=_drops_out(run.model)), plain:
            yield
    finally:
        run.randomness.set_state(generator)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def _drops_out(model: nn.Module) -> bool:
    """Whether a network draws from torch's global generator.

    Such a network shares its process with no other trial, which would draw from it, too.
    """
    return any(isinstance(m, nn.modules.dropout._DropoutNd | DropPath) for m in model.modules())


def _is_attention(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or hasattr(module, "fused_attn")
