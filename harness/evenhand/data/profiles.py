"""How many images of each class are kept. Classes keep their order: class 0 is the largest.

Counts are rounded down, as in Cao et al. (2019). They multiply by the inverse ratio, we divide by
the ratio: 49 · (1/49) falls short of 1 by the last bit, 49/49 does not. At the ratios of the papers
the counts are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int
from pydantic import Field

from evenhand.declared.registry import profile

Ratio = Annotated[float, Field(ge=1)]


@runtime_checkable
class Profile(Protocol):
    """Images to keep of each class; None: all there are."""

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
    """All images there are."""

    def __call__(self, n_max: int, n_classes: int) -> None:
        return None


@profile(cite="cao2019learning", title="exponential")
def exp(ratio: Ratio) -> Profile:
    """Exponential long tail: the largest class has `ratio` times the images of the smallest."""
    return Exponential(ratio)


@profile(cite="cao2019learning", title="step")
def step(ratio: Ratio) -> Profile:
    """Half of the classes are large, the others `ratio` times smaller."""
    return Step(ratio)


@profile(title="natural")
def natural() -> Profile:
    """The data set as it is."""
    return Natural()
