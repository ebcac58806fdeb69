"""Small samples of a problem's splits, on which steps are timed before the data are there.

The time of a step depends on the shape of the images and the number of classes, not on what the
images show: random images do where the data set states its shape and its numbers of images.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from evenhand.data.images import Images
from evenhand.data.splits import ProblemData, load_source, make_splits
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.record import DataSummary
from evenhand.declared.registry import REGISTRY
from evenhand.declared.split_counts import split_counts
from evenhand.declared.trial import Problem, Stream
from evenhand.suite.problems import known_counts


class Sample(NamedTuple):
    """A problem with a few images, and with the counts of all of them."""

    data: ProblemData
    """Few images of each split; counts and summary are those of the whole splits."""
    seconds: float
    """Time in which the whole splits are made; 0 where they were not made."""

    @property
    def form(self) -> tuple[object, ...]:
        """What the time of a step depends on, beside recipe and method."""
        data, splits = self.data, (self.data.train, self.data.val, self.data.test)
        sizes = tuple(0 if images is None else len(images) for images in splits)
        summary = data.summary
        return (*data.train.shape, data.train.pixels.dtype.str, *sizes, *data.counts.shape) + (
            (tuple(summary.classes),) if len(summary.classes) == 2 else ()
        )


def sample(
    problem: Problem, *, seed: int, vary: Collection[Stream], n_train: int, n_held_out: int
) -> Sample:
    """A sample of about so many training images, and so many of each other split.

    Every class and group that has images has some of them. The data set is loaded only where its
    sizes are known from its files alone; then `DataError` is raised where the files are missing.
    """
    stated = _stated(problem)
    if stated is not None:
        return Sample(_random(problem, stated, n_train=n_train, n_held_out=n_held_out), 0.0)
    source = load_source(problem)
    make_splits(problem, source, seed=seed, vary=vary)
    began = time.perf_counter()
    data = make_splits(problem, source, seed=seed, vary=vary)
    seconds = time.perf_counter() - began
    return Sample(
        ProblemData(
            _first(data.train, n_train, data.counts.shape[1]),
            None if data.val is None else _first(data.val, n_held_out, data.counts.shape[1]),
            _first(data.test, n_held_out, data.counts.shape[1]),
            data.counts,
            data.summary,
        ),
        seconds,
    )


class _Stated(NamedTuple):
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    train: TrainingCounts
    val: TrainingCounts | None
    test: TrainingCounts


def _stated(problem: Problem) -> _Stated | None:
    """Shape and numbers of images that the data set states; None where the files must tell."""
    facts, known = REGISTRY.get("dataset", problem.dataset.name).facts, known_counts(problem)
    if known is None or "shape" not in facts:
        return None
    found = split_counts(problem, known)
    if found.test is None:
        return None
    n_groups = facts.get("n_groups", 1)
    splits = (found.train, found.val, found.test)
    train, val, test = (None if c is None else by_group(c, n_groups) for c in splits)
    assert train is not None
    assert test is not None
    return _Stated(tuple(facts["shape"]), tuple(known.classes), train, val, test)


def by_group(counts: TrainingCounts, n_groups: int) -> TrainingCounts:
    """The counts by group; where they are known by class alone, as if groups were equally large."""
    if counts.shape[1] == n_groups:
        return counts
    return np.asarray(np.repeat(np.maximum(1, counts // n_groups), n_groups, axis=1))


def _random(problem: Problem, stated: _Stated, *, n_train: int, n_held_out: int) -> ProblemData:
    random = np.random.default_rng(0)

    def images(counts: TrainingCounts, n: int) -> Images:
        cells = _cells(counts, n)
        labels, groups = np.divmod(cells, counts.shape[1])
        pixels = random.integers(0, 256, (len(cells), *stated.shape), dtype=np.uint8)
        return Images(pixels, labels, groups)

    n_val = 0 if stated.val is None else int(stated.val.sum())
    summary = DataSummary(
        fingerprint="",
        classes=stated.classes,
        groups=tuple(map(str, range(stated.train.shape[1]))),
        train=tuple(tuple(row) for row in stated.train.tolist()),
        n_val=n_val,
        n_test=int(stated.test.sum()),
    )
    return ProblemData(
        images(stated.train, n_train),
        None if stated.val is None else images(stated.val, n_held_out),
        images(stated.test, n_held_out),
        stated.train,
        summary,
    )


def _cells(counts: TrainingCounts, n: int) -> Int[np.ndarray, " kept"]:
    """Cells of n examples, or of more where each cell needs two; the cells take turns."""
    capped = np.minimum(counts.ravel(), n)
    cells = np.repeat(np.arange(capped.size), capped)
    ranks = np.concatenate([np.arange(k) for k in capped.tolist()])
    return np.asarray(cells[_turns(ranks, n, counts.size)])


def _first(images: Images, n: int, n_groups: int) -> Images:
    """The first images of each cell; the cells take turns."""
    if len(images) <= n:
        return images
    cells = images.labels * n_groups + images.groups
    order = np.argsort(cells, kind="stable")
    _, starts, sizes = np.unique(cells[order], return_index=True, return_counts=True)
    ranks = np.empty(len(cells), np.int64)
    ranks[order] = np.arange(len(cells)) - np.repeat(starts, sizes)
    kept = _turns(ranks, n, len(sizes))
    return Images(images.pixels[kept], images.labels[kept], images.groups[kept])


def _turns(ranks: Int[np.ndarray, " n"], n: int, n_cells: int) -> Int[np.ndarray, " kept"]:
    """Places of the n examples with the lowest ranks in their cells, at least two of each cell."""
    return np.asarray(np.argsort(ranks, kind="stable")[: max(n, 2 * n_cells)])
