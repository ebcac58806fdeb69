"""A plugin for tests: small data, quick recipes, and methods that go wrong in every way."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset, method, recipe
from evenhand.declared.method import Method, Stage
from evenhand.declared.recipe import Recipe
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.suite.recipes import part


@dataset(n_classes=3, shape=(4, 4, 1))
def blobs() -> Source:
    """Three classes of noisy 4×4 images, 60 to train on and 20 to test on of each."""
    rng = np.random.default_rng(0)

    def images(n: int) -> Images:
        labels = np.repeat(np.arange(3), n)
        noise = rng.integers(0, 120, (len(labels), 4, 4, 1))
        pixels = (noise + 60 * labels[:, None, None, None]).clip(0, 255).astype(np.uint8)
        return Images(pixels, labels, np.zeros_like(labels))

    return Source(images(60), images(20), ("a", "b", "c"))


@recipe()
def quick() -> Recipe:
    """A linear model, three epochs."""
    return Recipe(
        name="quick",
        backbone=part("backbone", linear={}),
        epochs=3,
        batch=16,
        lr=0.05,
        schedule=part("schedule", constant={}),
        deterministic=True,
    )


@dataclass(frozen=True)
class Trap:
    """A loss that goes wrong when it is bound."""

    how: str

    def bind(self, counts: Any, device: Any) -> Any:
        if self.how == "exit":
            os._exit(1)
        if self.how == "hang":
            time.sleep(600)
        if self.how == "memory":
            taken = [np.ones(2**25) for _ in range(400)]
            time.sleep(len(taken))
        if self.how == "lock":
            # One call of C code, which other threads of the process wait for.
            re.match(r"(a+)+$", "a" * 64 + "b")
        if self.how == "gpu memory":
            import torch

            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if self.how == "raise":
            raise RuntimeError("a method of somebody's own fails")
        import torch

        # What a careless method may leave behind in its process.
        torch.manual_seed(12345)
        torch.set_num_threads(2)
        torch.set_default_dtype(torch.float64)
        torch.use_deterministic_algorithms(False)
        np.random.seed(0)
        return VectorScaling().bind(counts, device)


@dataclass(frozen=True)
class Slow:
    """A loss that takes `EVENHAND_TEST_PACE` seconds."""

    def bind(self, counts: Any, device: Any) -> Any:
        bound, pace = VectorScaling().bind(counts, device), os.environ.get("EVENHAND_TEST_PACE")

        def loss(*arguments: Any, **named: Any) -> Any:
            time.sleep(float(pace or 0))
            return bound(*arguments, **named)

        return loss


@method(cite="none")
def slow() -> Method:
    """Cross-entropy with slow steps."""
    return Method(Stage(loss=Slow()))


@method(cite="none")
def raises() -> Method:
    """Raises an error that nobody foresaw."""
    return Method(Stage(loss=Trap("raise")))


@method(cite="none")
def exits() -> Method:
    """Takes its process down."""
    return Method(Stage(loss=Trap("exit")))


@method(cite="none")
def hangs() -> Method:
    """Never comes back."""
    return Method(Stage(loss=Trap("hang")))


@method(cite="none")
def holds_the_lock() -> Method:
    """Holds the interpreter's lock and never comes back."""
    return Method(Stage(loss=Trap("lock")))


@method(cite="none")
def takes_all_memory() -> Method:
    """Takes more memory than there is."""
    return Method(Stage(loss=Trap("memory")))


@method(cite="none")
def takes_all_gpu_memory() -> Method:
    """Takes more memory than a GPU has."""
    return Method(Stage(loss=Trap("gpu memory")))


@method(cite="none")
def pollutes() -> Method:
    """Leaves global state changed."""
    return Method(Stage(loss=Trap("pollute")))


@method(cite="none")
def diverges() -> Method:
    """Cross-entropy of logits that overflow."""
    from evenhand.losses.per_class import Constant

    return Method(Stage(loss=VectorScaling(beta=Constant(1e38))))
