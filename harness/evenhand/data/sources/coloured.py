"""Coloured digits: real digits on a tinted background, which correlates with the label in training.

A small replacement for Waterbirds with the same structure: two labels, two backgrounds, which agree
for 95 % of the training images and are independent in the validation and the test split.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Int, UInt8
from pydantic import Field

from evenhand.data.images import Images, Source
from evenhand.data.sources.digits import TEST_PER_CLASS, TRAIN, digits
from evenhand.declared.decorators import dataset

TINTS = {"red": (150, 30, 30), "green": (30, 150, 30)}
VAL_PER_DIGIT = 20
FIRST_OF_THE_LARGE = 5
SIZES = ("small", "large")
NAMES = tuple(map(str, range(10)))
OF_DIGITS = [n - VAL_PER_DIGIT for n in TRAIN]
"""Training images of each digit."""

Agreement = Annotated[float, Field(ge=0.5, lt=1)]


@dataset(
    cite="alpaydin1998optical",
    title="Coloured digits",
    n_classes=2,
    n_groups=2,
    shape=(8, 8, 3),
    classes=SIZES,
    own_val=True,
    counts={
        "train": [[sum(OF_DIGITS[:FIRST_OF_THE_LARGE])], [sum(OF_DIGITS[FIRST_OF_THE_LARGE:])]],
        "val": [[5 * VAL_PER_DIGIT]] * 2,
        "test": [[5 * TEST_PER_CLASS]] * 2,
    },
)
def digits_coloured(agreement: Agreement = 0.95) -> Source:
    """Coloured digits, below 5 or not, in white on red or green: 2 classes, 2 groups, 8×8 colour.

    The group is the tint. In training the tint agrees with the class, small digits on red and large
    ones on green, except for a share of 1 − `agreement`; in the 200 validation and 500 test images
    half of each digit has each tint. The tints are the same at every seed.
    """
    return _coloured(agreement, SIZES, np.arange(10) // FIRST_OF_THE_LARGE)


@dataset(
    cite="alpaydin1998optical",
    title="Ten coloured digits",
    n_classes=10,
    n_groups=2,
    shape=(8, 8, 3),
    classes=NAMES,
    own_val=True,
    counts={
        "train": [[n] for n in OF_DIGITS],
        "val": [[VAL_PER_DIGIT]] * 10,
        "test": [[TEST_PER_CLASS]] * 10,
    },
)
def digits_coloured10(agreement: Agreement = 0.95) -> Source:
    """Coloured digits labelled with their digit: 10 classes, 2 groups, 8×8 colour.

    The images are those of `digits_coloured`. By default five or six training images of each digit
    have the tint of the other group.
    """
    return _coloured(agreement, NAMES, np.arange(10))


def _coloured(
    agreement: float, classes: tuple[str, ...], label_of: Int[np.ndarray, " digits"]
) -> Source:
    plain, rng = digits(), np.random.default_rng(0)
    by_digit = [np.flatnonzero(plain.train.labels == digit) for digit in range(10)]
    # The file is ordered by writer: validation images come from the last writers before the test's.
    train = np.concatenate([index[:-VAL_PER_DIGIT] for index in by_digit])
    val = np.concatenate([index[-VAL_PER_DIGIT:] for index in by_digit])

    def tinted(images: Images, share: float) -> Images:
        groups = _groups(images.labels, share, rng)
        return Images(_painted(images.pixels, groups), label_of[images.labels], groups)

    return Source(
        train=tinted(plain.train[train], agreement),
        val=tinted(plain.train[val], 0.5),
        test=tinted(plain.test, 0.5),
        classes=classes,
        groups=tuple(TINTS),
    )


def _groups(
    digit: Int[np.ndarray, " n"], agreement: float, rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """A tint for each image: a share of each digit, rounded, agrees, and at least one does not."""
    groups = digit // FIRST_OF_THE_LARGE
    for d in range(10):
        index = rng.permutation(np.flatnonzero(digit == d))
        agreeing = min(round(agreement * len(index)), len(index) - 1)
        groups[index[agreeing:]] = 1 - groups[index[agreeing:]]
    return groups


def _painted(
    grey: UInt8[np.ndarray, "n h w 1"], groups: Int[np.ndarray, " n"]
) -> UInt8[np.ndarray, "n h w 3"]:
    """Blend white, by the brightness of the grey image, with the tint of the group."""
    paper = np.array(list(TINTS.values()), dtype=np.float64)[groups][:, None, None, :]
    ink = grey / 255
    return np.asarray((ink * 255 + (1 - ink) * paper).round(), dtype=np.uint8)
