"""Data sets of a user's own files: rows with a label, a group and a split, and their examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, UInt8

from evenhand.data.files.drawn_splits import Cells, FixedSplit, Folds
from evenhand.data.images import Encoder, Images, Source, fingerprint
from evenhand.declared.cells import check_cells
from evenhand.declared.record import DataReading

Indices = Int[np.ndarray, " _"]


class Labelled(NamedTuple):
    """Label and group of each row."""

    name: str
    """Path of the table or folder, for messages."""
    labels: Int[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    classes: tuple[str, ...]
    group_names: tuple[str, ...]

    @property
    def cells(self) -> Cells:
        """Cell of each row; without groups, its class."""
        n = len(self.group_names)
        names = [
            f"class {c}" + (f" in the group {g}" if n > 1 else "")
            for c in self.classes
            for g in self.group_names
        ]
        return Cells(self.name, self.labels * n + self.groups, tuple(names))

    def counts(self, mine: Indices) -> Int[np.ndarray, "classes groups"]:
        """Number of rows in each cell, of those with these indices."""
        shape = len(self.classes), len(self.group_names)
        cells = self.labels[mine] * shape[1] + self.groups[mine]
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


@dataclass(frozen=True)
class Examples:
    """Images or features of rows, and how they were read."""

    pixels: UInt8[np.ndarray, "rows height width 3"] | Float32[np.ndarray, "rows 1 1 features"]
    features: tuple[str, ...] = ()
    """Names of the columns of features."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns that are no features, each with the reason."""
    notes: tuple[str, ...] = ()
    """Sentences on what was done to the examples."""
    encoder: Encoder | None = None

    @property
    def reading(self) -> DataReading:
        """What a record keeps of the reading."""
        return DataReading(features=self.features, left_out=dict(self.left_out), notes=self.notes)


def own_source(
    rows: Labelled, split: FixedSplit | Folds, read: Callable[[Indices], Examples]
) -> Source:
    """The data set of these rows.

    read    reads the examples of rows with the given indices, in the order given

    Raises `DataError` where a class or a cell has no example in one of the splits.
    """
    _check(rows, split)
    if isinstance(split, Folds):
        return _cross_validated(rows, split, read)
    order = np.concatenate([split.train, split.val, split.test])
    examples = read(order)
    whole = Images(examples.pixels, rows.labels[order], rows.groups[order])
    # Slices of one array: the splits of a large data set are not copied.
    ends = np.cumsum([len(split.train), len(split.val)])
    train, val, test = (_slice(whole, *place) for place in _places(ends, len(order)))
    digest = fingerprint([train, val if len(val) else None, test], [])
    return _source(rows, examples, FixedImages(train, val, test), digest)


class FixedImages(NamedTuple):
    """Images of the three splits; val may be empty."""

    train: Images
    val: Images
    test: Images


def _places(ends: Indices, n: int) -> list[tuple[int, int]]:
    first, second = ends.tolist()
    return [(0, first), (first, second), (second, n)]


def _slice(images: Images, start: int, end: int) -> Images:
    return Images(images.pixels[start:end], images.labels[start:end], images.groups[start:end])


def _source(rows: Labelled, examples: Examples, images: FixedImages, digest: str) -> Source:
    train, val, test = images
    return Source(
        train=train,
        test=test,
        val=val if len(val) else None,
        classes=rows.classes,
        groups=rows.group_names,
        # A user's file may change under its name.
        digest=digest,
        encoder=examples.encoder,
        reading=examples.reading,
    )


def _cross_validated(rows: Labelled, folds: Folds, read: Callable[[Indices], Examples]) -> Source:
    examples = read(np.arange(len(rows.labels)))
    whole = Images(examples.pixels, rows.labels, rows.groups)
    return FoldedSource(rows, folds, examples, whole, fingerprint([whole], []))(0)


@dataclass(frozen=True)
class FoldedSource:
    """The data set of each seed of a cross-validation; an object that travels to Ray's workers."""

    rows: Labelled
    folds: Folds
    examples: Examples
    whole: Images
    digest: str
    """Fingerprint of the whole table, the same at every seed."""

    def __call__(self, seed: int) -> Source:
        """The data set with the test fold of a seed. Raises `DataError` for too large a seed."""
        images = FixedImages(*(self.whole[index] for index in self.folds.at(seed)))
        found = _source(self.rows, self.examples, images, self.digest)
        return replace(found, of_seed=self, folds=self.folds.n)


def _check(rows: Labelled, split: FixedSplit | Folds) -> None:
    """Check the cells of the splits, for a cross-validation those of every fold.

    Validation rows are checked where a problem uses them: `val:` may replace them.
    """
    is_folded = isinstance(split, Folds)
    for seed, fixed in enumerate(split.all() if isinstance(split, Folds) else [split]):
        name = f"{rows.name} at seed {seed}" if is_folded else rows.name
        counts = {"train": rows.counts(fixed.train), "test": rows.counts(fixed.test)}
        check_cells(name, counts, rows.classes, rows.group_names)
