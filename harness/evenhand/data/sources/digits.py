"""Handwritten digits: 1,797 real 8×8 grey images that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset

TEST_PER_CLASS = 50
BRIGHTEST = 16
TRAIN = (128, 132, 127, 133, 131, 132, 131, 129, 124, 130)
"""Training images of each class."""


CLASSES = tuple("0123456789")


@dataset(
    cite="alpaydin1998optical",
    title="Digits",
    n_classes=10,
    shape=(8, 8, 1),
    classes=CLASSES,
    counts={"train": [[n] for n in TRAIN], "test": [[TEST_PER_CLASS]] * 10},
)
def digits() -> Source:
    """Handwritten digits of scikit-learn: 10 classes, 8×8 grey, 50 test images in each class.

    The last 50 images of each class are the test split. The file is ordered by writer, so that most
    writers of the test split are not in the training split, which has 124 to 133 images of a class.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = bunch.target.astype(np.int64)
    pixels = (bunch.images[..., None] * (255 / BRIGHTEST)).round().astype(np.uint8)
    everything = Images(pixels, labels, np.zeros_like(labels))
    by_class = [np.flatnonzero(labels == c) for c in range(10)]
    test = np.concatenate([index[-TEST_PER_CLASS:] for index in by_class])
    train = np.concatenate([index[:-TEST_PER_CLASS] for index in by_class])
    return Source(everything[train], everything[test], tuple(map(str, range(10))))
