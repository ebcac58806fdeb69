"""Imbalance profiles: the number of training images of each class. Class 0 is the largest.

Counts are rounded down, as in cao2019learning. That code multiplies by the inverse ratio; here the
ratio divides, because 49 · (1/49) is less than 1 by the last bit and 49/49 is not. At the ratios of
the papers the counts are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int
from pydantic import Field

from evenhand.declared.decorators import profile

Ratio = Annotated[float, Field(ge=1)]


@runtime_checkable
class Profile(Protocol):
    """Number of images to keep of each class; None: all images."""

    def __call__(self, n_max: int, n_classes: int) -> Int[np.ndarray, " classes"] | None: ...


@dataclass(frozen=True)
class Exponential:
    """n_c = ⌊n_max · ratio^(−c/(C−1))⌋."""

    ratio: float

    def __call__(self, n_max: int, n_classes: int) -> Int[np.ndarray, " classes"]:
        last = max(n_classes - 1, 1)
        return np.array([int(n_max / self.ratio ** (c / last)) for c in range(n_classes)])


@dataclass(frozen=True)
class Step:
    """n_max for the first half of the classes, ⌊n_max / ratio⌋ for the second."""

    ratio: float

    def __call__(self, n_max: int, n_classes: int) -> Int[np.ndarray, " classes"]:
        head = n_classes // 2
        return np.array([n_max] * head + [int(n_max / self.ratio)] * (n_classes - head))


@dataclass(frozen=True)
class Natural:
    """All images of the data set."""

    def __call__(self, n_max: int, n_classes: int) -> None:
        return None


@profile(cite="cao2019learning", title="exponential")
def exp(ratio: Ratio) -> Profile:
    """Exponential long tail: the largest class has `ratio` times the images of the smallest."""
    return Exponential(ratio)


@profile(cite="cao2019learning", title="step")
def step(ratio: Ratio) -> Profile:
    """Step imbalance: half of the classes have `ratio` times the images of the other half."""
    return Step(ratio)


@profile(title="natural")
def natural() -> Profile:
    """Natural imbalance: all images of the data set."""
    return Natural()
