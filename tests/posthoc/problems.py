"""Networks whose probabilities are known: what the tests of post-hoc methods are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evenhand.declared.labels import Labels
from evenhand.posthoc import Outputs, Trained

NAMES = ("car", "ship", "truck")


def trained(counts: np.ndarray, **layer: np.ndarray) -> Trained:
    """A network that was trained on so many examples of each class, or cell."""
    by_group = counts if counts.ndim == 2 else counts[:, None]
    classes = (*NAMES, *(f"class {i}" for i in range(3, len(counts))))[: len(counts)]
    head = {"head_norms": None, "head_bias": None, **layer}
    return Trained(by_group, classes, **head)


def labels(classes: Sequence[str] | None) -> Labels:
    """Of a data set with one group; of ten classes where their names are not known."""
    return Labels(tuple(classes) if classes else None, len(classes) if classes else 10, 1)


def outputs(logits: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None) -> Outputs:
    return Outputs(logits, labels, np.zeros_like(labels) if groups is None else groups)


def confusion(outputs: Outputs, predictions: np.ndarray) -> np.ndarray:
    """C [1, classes, classes]."""
    m = outputs.logits.shape[1]
    counts = np.bincount(outputs.labels * m + predictions, minlength=m * m)
    return counts.reshape(1, m, m) / counts.sum()


class Gaussians(NamedTuple):
    """Classes that overlap by pairs, frequent ones first, and their exact log-posterior."""

    counts: np.ndarray
    centres: np.ndarray

    def draw(self, n: int, seed: int) -> Outputs:
        """As many of each class, under the posterior of the training shares."""
        rng = np.random.default_rng(seed)
        labels = np.arange(n) % len(self.counts)
        x = self.centres[labels] + rng.standard_normal((n, self.centres.shape[1]))
        squares = ((x[:, None] - self.centres) ** 2).sum(2)
        return outputs(np.log(self.counts / self.counts.sum()) - squares / 2, labels)


def gaussians(n_classes: int, ratio: float = 100, apart: float = 2.0) -> Gaussians:
    rng = np.random.default_rng(0)
    counts = np.rint(5000 * ratio ** (-np.arange(n_classes) / (n_classes - 1))).astype(int)
    dimensions = min(n_classes, 10)
    return Gaussians(counts, apart * rng.standard_normal((n_classes, dimensions)) / dimensions**0.3)


class Table(NamedTuple):
    """Few inputs x, often seen: how often with each label, and one image for each time."""

    times: np.ndarray
    val: Outputs

    @property
    def trained(self) -> Trained:
        return trained(self.times.sum(0))


def table(n_inputs: int = 200, n_images: int = 20_000, seed: int = 0) -> Table:
    """Three classes, 80 % of the first; the network says what share of x has which label."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.standard_normal((n_inputs, 3)) + np.log([0.8, 0.15, 0.05])
    eta = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    weight = rng.dirichlet(np.full(n_inputs, 10.0))
    times = np.rint(n_images * weight[:, None] * eta).astype(int)
    x, y = (np.repeat(index.ravel(), times.ravel()) for index in np.indices(times.shape))
    logits = np.log(np.maximum(times, 1e-9) / times.sum(1, keepdims=True))
    return Table(times, outputs(logits[x], y))
