"""Numbers of examples in the splits of a problem, computed before any example is drawn.

A suite is checked with the published numbers of a data set, and a run with those of the files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from evenhand.declared.base import format_scalar
from evenhand.declared.cells import apportion, cell_name, check_cells
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Val
from evenhand.errors import DataError

Sizes = Int[np.ndarray, " classes"]

CANDIDATES = (
    *(Val(per_class=n) for n in (20, 10, 5, 2, 1)),
    Val(fraction=0.2),
    Val(test_half=True),
)
"""Values of `val:` that a message proposes; of several numbers the largest that is possible."""

USUAL = "`{per_class: 20}`"


@dataclass(frozen=True)
class DataCounts:
    """Examples of a data set in its own splits, [classes, groups]."""

    train: TrainingCounts
    test: TrainingCounts | None
    """None if the number is unknown."""
    classes: Sequence[str]
    groups: Sequence[str] = ("all",)
    val: TrainingCounts | None = None
    """None without a validation split."""
    per_class: int | None = None
    """Training examples of each class in the complete data set; None: `train` is complete."""
    n_unseen: int = 1
    """Groups in each class where the sizes of the groups are unknown, and classes are counted."""

    @property
    def n_whole(self) -> int:
        """Training examples of the complete data set."""
        own = int(self.train.sum())
        return own if self.per_class is None else self.per_class * len(self.classes)


class SplitCounts(NamedTuple):
    """Examples in the splits of a problem, [classes, groups]."""

    train: TrainingCounts
    val: TrainingCounts | None
    test: TrainingCounts | None
    under_profile: Sizes | None
    """Examples that the profile keeps of each class; None if it keeps all."""

    def by_name(self) -> dict[str, TrainingCounts]:
        """The splits that are known to be there, "train" first."""
        given = {"train": self.train, "val": self.val, "test": self.test}
        return {name: counts for name, counts in given.items() if counts is not None}


class _TooFew(Exception):  # noqa: N818  becomes a `DataError`
    """Too few examples for a rule. Each hint makes a correction, or "" where it knows none."""

    def __init__(self, what: str, *hints: Callable[[], str]) -> None:
        super().__init__(what)
        self.hints = hints


class _TooMany(_TooFew):
    """The profile and `val:` need more examples of a class than there are."""


def split_counts(problem: Problem, data: DataCounts) -> SplitCounts:
    """Numbers of examples in the splits of a problem, which are the same at every seed.

    Raises `DataError` where the data set has too few examples for the profile or for `val:`, with
    values that are possible, and where a class or cell has no example in a split.
    """
    try:
        found = _split(problem, data)
    except _TooFew as error:
        hints = "; or ".join(filter(None, (hint() for hint in error.hints)))
        right = hints or "use more images, or other classes"
        raise DataError(f"{problem.name}: {error}\n  {right}") from None
    is_trained = bool(found.train.all())
    is_whole = is_trained and (found.val is None or bool(found.val.all()))
    ratio = "" if is_trained else _ratio_hint(problem, data)
    val = "" if is_whole else _val_hint(problem, data)
    more = "; or ".join(filter(None, (ratio, val)))
    check_cells(problem.name, found.by_name(), data.classes, data.groups, more)
    return found


def workable_val(problem: Problem, data: DataCounts) -> tuple[str, ...]:
    """Values of `val:` that leave every cell an example in each split that they change.

    They are written as in a suite, `{fraction: 0.2}`. At most one of them has `per_class`.
    """
    found: dict[str, str] = {}
    for val in CANDIDATES:
        [(name, value)] = val.model_dump(exclude_none=True).items()
        if name not in found and _is_workable(problem.model_copy(update={"val": val}), data):
            found[name] = f"`{{{name}: {str(value).lower()}}}`"
    return tuple(found.values())


def val_advice(problem: Problem, data: DataCounts | None) -> str:
    """The correction where a method needs validation images and a problem has none."""
    options = () if data is None else workable_val(problem, data)
    if data is not None and not options:
        return "no `val:` is possible with so few images: use more, or other methods"
    return f"add `val:` to the suite, for example {' or '.join(options or (USUAL,))}"


def _val_hint(problem: Problem, data: DataCounts) -> str:
    """The possible values of `val:` as a sentence; "" if there are none."""
    options = workable_val(problem, data)
    return f"`val:` can be {' or '.join(options)}" if options else ""


def _is_workable(problem: Problem, data: DataCounts) -> bool:
    """Whether every cell has an example in the training split and in those that `val:` draws."""
    val = problem.val
    if problem.selection is not None and val.per_class is not None:
        return False
    try:
        found = _split(problem, data)
    except _TooFew:
        return False
    drawn = [found.train]
    drawn += [found.val] if val != Val() and found.val is not None else []
    drawn += [found.test] if val.test_half and found.test is not None else []
    return all(bool((counts >= data.n_unseen).all()) for counts in drawn)


def _split(problem: Problem, data: DataCounts) -> SplitCounts:
    val, test = data.val, data.test
    train = data.train
    if problem.val.per_class is not None:
        val = _set_aside(problem, data, problem.val.per_class)
        train = train - val
    under_profile = _under_profile(problem, data, train)
    if under_profile is not None:
        train = _of_each_class(train, under_profile)
    if problem.val.fraction is not None:
        val = _share(problem, data, train)
        train = train - val
    if problem.val.further is not None:
        val = _further(problem, data, train)
    if problem.val.test_half:
        val = None if test is None else _half(problem, data, test)
        test = None if test is None or val is None else test - val
    return SplitCounts(train, val, test, under_profile)


def _of_each_class(counts: TrainingCounts, n: Sizes) -> TrainingCounts:
    """Cells of the first n examples of each class, when groups keep their shares."""
    if counts.shape[1] == 1:
        return np.asarray(np.minimum(counts, n[:, None]))
    each = [apportion(row.tolist(), int(k)) for row, k in zip(counts, n, strict=True)]
    return np.array(each, dtype=np.int64)


def _set_aside(problem: Problem, data: DataCounts, n: int) -> TrainingCounts:
    """Validation cells of `val: {per_class: n}`, which is taken before the profile."""
    for name, size in zip(data.classes, data.train.sum(1).tolist(), strict=True):
        if size <= n:
            there = _images(size, "training")
            what = f"class {name} has {there}, too few to use {n:,} for validation"
            raise _TooFew(what, partial(_val_hint, problem, data))
    return _of_each_class(data.train, np.full(len(data.train), n))


def _under_profile(problem: Problem, data: DataCounts, train: TrainingCounts) -> Sizes | None:
    """Examples that the profile keeps of each class; None if it keeps all."""
    profile: Callable[[int, int], Sizes | None] = REGISTRY.make("profile", problem.profile)
    sizes = train.sum(1)
    n_max = problem.n_max or _default_n_max(problem, data, sizes)
    wanted = profile(n_max, len(sizes))
    if wanted is None:
        if int(data.train.sum()) < data.n_whole:
            what = f"the profile {problem.profile} keeps all images"
            raise _TooFew(what, lambda: "name a profile that needs fewer")
        return None
    # Only these are taken before the profile.
    other_val = partial(_val_hint, problem, data) if problem.val.per_class else str
    for name, n, size in zip(data.classes, list(wanted), sizes.tolist(), strict=True):
        if n < 1:
            what = f"class {name} keeps no image of {n_max:,} under this profile"
            raise _TooFew(what, partial(_ratio_hint, problem, data), other_val)
        if n > size:
            there = _images(size, "training")
            what = f"class {name} has {there}, and the profile needs {n:,}"
            raise _TooMany(what, partial(_n_max_hint, problem, data, n_max), other_val)
    return np.asarray(wanted)


def _default_n_max(problem: Problem, data: DataCounts, sizes: Sizes) -> int:
    """The training examples that every class of the complete data set has, less validation."""
    if data.per_class is None:
        return int(sizes.min())
    return data.per_class - (problem.val.per_class or 0)


def _ratio_hint(problem: Problem, data: DataCounts) -> str:
    """The largest ratio that leaves every cell an example in each split; "" if there is none."""

    def is_workable(ratio: float) -> bool:
        settings = problem.profile.settings | {"ratio": ratio}
        profile = problem.profile.model_copy(update={"settings": settings})
        return _is_workable(problem.model_copy(update={"profile": profile}), data)

    given = problem.profile.settings.get("ratio")
    if not isinstance(given, int | float) or not is_workable(1.0):
        return ""
    low, high = 1.0, float(given)
    while high - low > 1e-6 * low:
        middle = (low + high) / 2
        low, high = (middle, high) if is_workable(middle) else (low, middle)
    # The bisection stops just below the largest ratio, which is a whole number for most problems.
    nearest = float(round(high))
    best = nearest if is_workable(nearest) else math.floor(low * 100) / 100
    return f"use a ratio of at most {format_scalar(best)}"


def _n_max_hint(problem: Problem, data: DataCounts, n_max: int) -> str:
    """The largest n_max for which every class has enough examples; "" if there is none."""
    low, high = 0, n_max
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _split(problem.model_copy(update={"n_max": middle}), data)
            low = middle
        except _TooMany:
            high = middle
        except _TooFew:
            low = middle
    if not low or not _is_workable(problem.model_copy(update={"n_max": low}), data):
        return ""
    return f"lower n_max (now {n_max:,}) to at most {low:,}"


def _share(problem: Problem, data: DataCounts, train: TrainingCounts) -> TrainingCounts:
    """Validation cells of `val: {fraction: f}`, at least one example of each."""
    share = problem.val.fraction or 0.0
    rounded = np.round(share * train).astype(np.int64)
    val: TrainingCounts = np.minimum(np.maximum(1, rounded), train)
    for label, group in np.argwhere((val >= train) & (train > 0)).tolist():
        n = int(train[label, group])
        what = (
            f"{cell_name(label, group, data.classes, data.groups)} has {_images(n)}, too few for "
            f"training and `val: {{fraction: {share:g}}}`"
        )
        hints = (partial(_val_hint, problem, data), partial(_ratio_hint, problem, data))
        raise _TooFew(what, *hints)
    return val


def _further(problem: Problem, data: DataCounts, train: TrainingCounts) -> TrainingCounts:
    """Validation cells of `val: {further: f}`, at least one example of each."""
    share = problem.val.further or 0.0
    val: TrainingCounts = np.maximum(1, np.round(share * train).astype(np.int64))
    for label, group in np.argwhere(train + val > data.train).tolist():
        which = cell_name(label, group, data.classes, data.groups)
        there, n = _images(int(data.train[label, group]), "training"), int(train[label, group])
        what = f"{which} has {there} and the profile keeps {n:,}, which leaves too few for "
        what += f"`val: {{further: {share:g}}}`"
        lower = partial(_n_max_hint, problem, data, int(train.sum(1).max()))
        raise _TooMany(what, lower, partial(_val_hint, problem, data))
    return val


def _half(problem: Problem, data: DataCounts, test: TrainingCounts) -> TrainingCounts:
    """Validation cells of `val: {test_half: true}`."""
    n_groups = test.shape[1]
    for label, group in np.argwhere(test <= 1).tolist():
        n = int(test[label, group])
        if n == 1 or n_groups == 1:
            name = cell_name(label, group, data.classes, data.groups)
            what = f"{name} has {_images(n, 'test')}, too few to halve"
            raise _TooFew(what, partial(_val_hint, problem, data))
    return np.asarray(test // 2)


def _images(n: int, kind: str = "") -> str:
    noun = f"{kind} image".strip()
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
