"""Splits of a problem at one seed: training set under the profile, validation and test set.

Draws from a class keep the shares of its groups. Draws with one group are those without groups.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from evenhand.data.cells import by_cell, first_of_each_group
from evenhand.data.checked_source import checked_source
from evenhand.data.files.data_root import data_command
from evenhand.data.images import Images, Source, fingerprint
from evenhand.data.selections import SELECTIONS
from evenhand.declared.base import Part
from evenhand.declared.cells import check_cells
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.record import DataSummary, SharedExamples, Split
from evenhand.declared.registry import REGISTRY
from evenhand.declared.split_counts import split_counts
from evenhand.declared.streams import generator
from evenhand.declared.trial import Problem, Stream
from evenhand.errors import DataError

Indices = Int[np.ndarray, " _"]


@dataclass(frozen=True)
class ProblemData:
    """Training, validation and test images of one trial."""

    train: Images
    val: Images | None
    test: Images
    counts: TrainingCounts
    """Number of training images in each cell."""
    summary: DataSummary

    @cached_property
    def pooled(self) -> ProblemData:
        """Training and validation images together as training images, in this order.

        Tables stay as the encoder of the training images encoded them.
        """
        if self.val is None:
            return self
        train = self.train.joined(self.val)
        return replace(self, train=train, val=None, counts=train.counts(*self.counts.shape))


class HeldOut(NamedTuple):
    """Validation and test images of a problem."""

    val: Images | None
    test: Images
    indices: list[Indices]
    """Places of these images in the data set, which enter the fingerprint."""


def load_source(problem: Problem) -> Source:
    """Load the problem's data set. Raises `DataError` where it is missing or not whole."""
    return load(problem.dataset)


def load(dataset: Part) -> Source:
    """Load a data set; that of a user may be PyTorch `Dataset`s. Raises `DataError`."""
    registered, made = REGISTRY.get("dataset", dataset.name), REGISTRY.make("dataset", dataset)
    if registered.is_shipped:
        assert isinstance(made, Source)
        return made
    return checked_source(registered, made)


def make_splits(
    problem: Problem, source: Source, *, seed: int, vary: Collection[Stream]
) -> ProblemData:
    """Make the splits of a problem at one seed.

    Raises `DataError` where the source has too few images for the profile and the splits, and
    where a (class, group) cell is empty.
    """
    if source.redraw is not None:
        source = source.redraw(generator("subset", seed, vary))
    if source.of_seed is not None:
        if "split" not in vary:
            raise DataError(
                f"{problem.name}: the seed chooses the test fold of a cross-validation, and `vary` "
                f"has no split: {', '.join(sorted(vary))}\n"
                "  add split to `vary`, or draw one test split: `split: {test: 0.2}`"
            )
        source = source.of_seed(seed)
    planned = _planned(problem, source)
    by_class = _shuffled_by_class(source.train, source, generator("split", seed, vary))
    val, by_class = _set_aside(problem, source, by_class)
    keep = _kept(problem, source, by_class, planned, generator("subset", seed, vary))
    if problem.val.fraction is not None:
        val, keep = _fraction(problem, source, keep, generator("split", seed, vary))
    if problem.val.further is not None:
        val = _further(problem, source, by_class, keep)
    held_out = _held_out(problem, source, val, generator("split", seed, vary))
    train_index = np.concatenate(keep)
    train = source.train[train_index]
    counts = train.counts(len(source.classes), len(source.groups))
    if problem.selection is not None:
        # It does not keep the shares of groups, which the planned counts assume.
        _check_cells(problem, source, counts, held_out)
    shared = shared_examples(train, held_out.val, held_out.test)
    train, held_out = _encoded(source, train, held_out)
    summary = DataSummary(
        fingerprint=fingerprint(
            [train, held_out.val, held_out.test], [train_index, *held_out.indices]
        ),
        classes=source.classes,
        groups=source.groups,
        train=tuple(tuple(row) for row in counts.tolist()),
        n_val=0 if held_out.val is None else len(held_out.val),
        n_test=len(held_out.test),
        source=source.digest or None,
        reading=source.reading,
        shared=shared,
        folds=source.folds,
    )
    return ProblemData(train, held_out.val, held_out.test, counts, summary)


def _encoded(source: Source, train: Images, held_out: HeldOut) -> tuple[Images, HeldOut]:
    """The splits as a network's input, encoded by what the training split gives, such as means."""
    if source.encoder is None:
        return train, held_out
    encode = source.encoder.fitted(train)
    val = None if held_out.val is None else encode(held_out.val)
    return encode(train), held_out._replace(val=val, test=encode(held_out.test))


def shared_examples(train: Images, val: Images | None, test: Images) -> tuple[SharedExamples, ...]:
    """Exact duplicates between the splits, by a hash of the content."""
    pairs: list[tuple[Split, Images, Literal["train", "val"], Images]]
    pairs = [("test", test, "train", train)]
    if val is not None:
        pairs += [("test", test, "val", val), ("val", val, "train", train)]
    found = []
    for split, mine, other, theirs in pairs:
        is_shared = np.isin(mine.contents, theirs.contents)
        if not is_shared.any():
            continue
        labelled = {*zip(theirs.contents.tolist(), theirs.labels.tolist(), strict=True)}
        again = zip(mine.contents[is_shared].tolist(), mine.labels[is_shared].tolist(), strict=True)
        relabelled = sum(pair not in labelled for pair in again)
        n = int(is_shared.sum())
        found.append(SharedExamples(split=split, other=other, n=n, relabelled=relabelled))
    return tuple(found)


def _planned(problem: Problem, source: Source) -> Int[np.ndarray, " classes"] | None:
    """Images of each class under the profile; None: all. Raises `DataError`."""
    try:
        return split_counts(problem, source.counts()).under_profile
    except DataError as error:
        raise DataError(f"{error}{_hint_if_incomplete(problem, source)}") from None


def _shuffled_by_class(images: Images, source: Source, rng: np.random.Generator) -> list[Indices]:
    indices = [np.flatnonzero(images.labels == c) for c in range(len(source.classes))]
    return [rng.permutation(index) for index in indices]


def _set_aside(
    problem: Problem, source: Source, by_class: list[Indices]
) -> tuple[Indices | None, list[Indices]]:
    """Set the first n of each class aside for `val: {per_class: n}`, before the profile.

    The validation set is balanced over classes, not over groups, which keep their shares.
    """
    n = problem.val.per_class
    if n is None:
        return None, by_class
    first = [_first(source, source.train, index, n) for index in by_class]
    val = [index[mine] for index, mine in zip(by_class, first, strict=True)]
    rest = [index[~mine] for index, mine in zip(by_class, first, strict=True)]
    return np.concatenate(val), rest


def _first(source: Source, images: Images, index: Indices, n: int) -> Bool[np.ndarray, " _"]:
    return first_of_each_group(index, n, images.groups, len(source.groups))


def _kept(
    problem: Problem,
    source: Source,
    by_class: list[Indices],
    wanted: Int[np.ndarray, " classes"] | None,
    rng: np.random.Generator,
) -> list[Indices]:
    """Training images of each class under the profile, drawn by the stream `subset` or selected."""
    if wanted is None:
        return [np.sort(index) for index in by_class]
    if problem.selection is not None:
        _check_order(problem, source)
        return SELECTIONS[problem.selection](by_class, wanted)
    shuffled = [rng.permutation(np.sort(index)) for index in by_class]
    return [
        np.sort(index[_first(source, source.train, index, int(n))])
        for n, index in zip(wanted, shuffled, strict=True)
    ]


def _check_order(problem: Problem, source: Source) -> None:
    if not source.in_official_order:
        name = problem.dataset.name
        raise DataError(
            f"{problem.name}: the selection {problem.selection} names images by their places in "
            f"the official files; {name} was prepared from a mirror, where they have others\n"
            f"  `{data_command('prepare', name, '--again')}` takes the official files; or draw the "
            "images by the seed: `--set problems.selection=null`"
        )


def _hint_if_incomplete(problem: Problem, source: Source) -> str:
    """A further line of an error, for a data set of which a part was prepared."""
    if len(source.train) >= source.n_whole:
        return ""
    return (
        f"\n  only {len(source.train):,} of {source.n_whole:,} training images were prepared: "
        f"`{data_command('prepare', problem.dataset.name, '--again')}` from all of them"
    )


def _fraction(
    problem: Problem, source: Source, keep: list[Indices], rng: np.random.Generator
) -> tuple[Indices, list[Indices]]:
    """Split a share, at least one image, off each cell for `val: {fraction: f}`."""
    share = problem.val.fraction or 0.0
    val, train = [], []
    for index in keep:
        rest = []
        for cell in by_cell(index, source.train.groups, len(source.groups)):
            n = max(1, round(share * len(cell)))
            shuffled = rng.permutation(cell)
            val.append(shuffled[:n])
            rest.append(shuffled[n:])
        train.append(np.sort(np.concatenate(rest)))
    return np.concatenate(val), train


def _further(
    problem: Problem, source: Source, by_class: list[Indices], keep: list[Indices]
) -> Indices:
    """Images of each cell that the profile left out, in the order of the stream `split`."""
    share, n_groups, val = problem.val.further or 0.0, len(source.groups), []
    for shuffled, kept in zip(by_class, keep, strict=True):
        sizes = np.bincount(source.train.groups[kept], minlength=n_groups)
        rest = shuffled[~np.isin(shuffled, kept)]
        for group, size in enumerate(sizes):
            cell = rest[source.train.groups[rest] == group]
            val.append(cell[: max(1, round(share * size))])
    return np.concatenate(val)


def _held_out(
    problem: Problem, source: Source, val: Indices | None, rng: np.random.Generator
) -> HeldOut:
    """Validation and test images, by the problem's `val:`."""
    if problem.val.test_half:
        return _test_halves(problem, source, rng)
    if val is not None:
        return HeldOut(source.train[val], source.test, [val])
    return HeldOut(source.val, source.test, [np.arange(len(source.val or ()))])


def _test_halves(problem: Problem, source: Source, rng: np.random.Generator) -> HeldOut:
    """Split the test images of each cell in halves for `val: {test_half: true}`."""
    test, n_groups = source.test, len(source.groups)
    first, second = [], []
    for label in range(len(source.classes)):
        index = np.flatnonzero(test.labels == label)
        for cell in by_cell(index, test.groups, n_groups):
            shuffled = rng.permutation(cell)
            first.append(np.sort(shuffled[: len(cell) // 2]))
            second.append(np.sort(shuffled[len(cell) // 2 :]))
    halves = [np.concatenate(first), np.concatenate(second)]
    return HeldOut(test[halves[0]], test[halves[1]], halves)


def _check_cells(
    problem: Problem, source: Source, counts: TrainingCounts, held_out: HeldOut
) -> None:
    shape = len(source.classes), len(source.groups)
    splits = {"train": counts}
    if held_out.val is not None:
        splits["val"] = held_out.val.counts(*shape)
    splits["test"] = held_out.test.counts(*shape)
    check_cells(problem.name, splits, source.classes, source.groups)
