"""Passes over drawn batches that can be made again, and that leave a training as it was."""

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
from evenhand.train.device_data import augmented, batches
from evenhand.train.hypergradient import Slopes, slopes_of
from evenhand.train.training import Training

SEEDS = 2**62

HELD = 2**22
"""Numbers in all training images of a step on held-out data, up to which their graphs are held."""


class Replay:
    """Batches drawn once, seen in each pass with the same augmentation and the same draws.

    A training image is in one batch at most, as is a held-out one, unless the sampler repeats.
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

    def slopes(self, weights: list[Tensor]) -> list[Slopes]:
        """Of each training batch; their graphs are held together where they are small."""
        pixels = self.run.train.pixels
        n = sum(len(index) for index in self.train) * pixels[0].numel()
        return [
            slopes_of(self._loss(index, seed), weights, is_held=n <= HELD)
            for index, seed in zip(self.train, self.train_seeds, strict=True)
        ]

    def _loss(self, index: Int[Tensor, " batch"], seed: int) -> Callable[[], Tensor]:
        def loss() -> Float[Tensor, ""]:
            self._seed(seed)
            return self.run.loss_of(self.run.stage, index)

        return loss

    def _seed(self, seed: int) -> None:
        """The trial's generator, and torch's own where the network draws from that."""
        self.run.randomness.manual_seed(seed)
        if _drops_out(self.run.model):
            torch.manual_seed(seed)

    def held_out(self) -> Iterator[tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]]]:
        """Cross-entropy and row of each image, batch by batch; without loss and policy."""
        run, split = self.run, self.run.splits["val"]
        for index, seed in zip(self.val, self.val_seeds, strict=True):
            self._seed(seed)
            pixels = augmented(split.pixels[index], self.augment, run.randomness)
            images = run.inputs(pixels)
            losses = F.cross_entropy(run.model(images), split.labels[index], reduction="none")
            yield losses, split.rows[index]


def _pool(run: Training, n_batches: int) -> Int[Tensor, " n"]:
    """Training examples as the stage's sampler draws them, in random order."""
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
def undisturbed(run: Training) -> Iterator[None]:
    """Running statistics and generators end as they begin.

    Fused attention has no second derivatives, so that it is done step by step.
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
    """Such a network has its process to itself: trials that share one share torch's generator."""
    return any(isinstance(m, nn.modules.dropout._DropoutNd | DropPath) for m in model.modules())


def _is_attention(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or hasattr(module, "fused_attn")
