"""Sizes of splits without a draw are those of the draw, and what a refusal proposes is possible."""

from __future__ import annotations

import re

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.data.images import Images, Source
from evenhand.data.splits import make_splits
from evenhand.declared.split_counts import DataCounts, split_counts, val_advice, workable_val
from evenhand.declared.trial import STREAMS, Val
from evenhand.errors import DataError
from tests.data.samples import make_problem


def source_of(train, test, val=None, *, per_class=None):
    """A source of tiny images with these numbers [classes, groups] in its splits."""

    def images(counts):
        labels, groups = np.nonzero(np.ones_like(counts))
        labels, groups = np.repeat(labels, counts.ravel()), np.repeat(groups, counts.ravel())
        pixels = np.arange(len(labels), dtype=np.float32)[:, None, None, None]
        return Images(pixels, labels, groups)

    splits = [None if counts is None else images(np.array(counts)) for counts in (train, test, val)]
    n_classes, n_groups = np.array(train).shape
    return Source(
        train=splits[0],
        test=splits[1],
        val=splits[2],
        classes=tuple(f"class{c}" for c in range(n_classes)),
        groups=tuple(f"group{g}" for g in range(n_groups)),
        per_class=per_class,
    )


def column(*sizes):
    return [[size] for size in sizes]


VALS = st.one_of(
    st.just(Val()),
    st.builds(Val, per_class=st.integers(1, 12)),
    st.builds(Val, fraction=st.floats(0.05, 0.9)),
    st.just(Val(test_half=True)),
)


PROFILES = st.one_of(
    st.just(("natural", None)),
    st.tuples(st.sampled_from(["exp", "step"]), st.floats(1, 40)),
)
CASES = {
    "train": st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=4, max_size=4),
    "test": st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=4, max_size=4),
    "own_val": st.booleans(),
    "shape": st.tuples(st.integers(2, 4), st.integers(1, 3)),
    "profile": PROFILES,
    "n_max": st.one_of(st.none(), st.integers(1, 60)),
    "val": VALS,
}


def case_of(train, test, own_val, shape, profile, n_max, val):
    """A problem and its source, of which `shape` are the numbers of classes and groups."""
    train, test = (np.array(counts)[: shape[0], : shape[1]] for counts in (train, test))
    n_max = n_max if profile[1] else None
    source = source_of(train, test, test // 2 if own_val else None)
    return make_problem(*profile, n_max=n_max, val=val), source


@settings(max_examples=300, deadline=None)
@given(**CASES)
def test_the_sizes_are_those_of_the_splits_that_are_drawn(**case):
    problem, source = case_of(**case)
    try:
        planned = split_counts(problem, source.counts())
    except DataError:
        return
    made = make_splits(problem, source, seed=3, vary=STREAMS)
    shape = len(source.classes), len(source.groups)

    np.testing.assert_array_equal(planned.train, made.counts)
    np.testing.assert_array_equal(planned.test, made.test.counts(*shape))
    assert (planned.val is None) == (made.val is None)
    if made.val is not None:
        np.testing.assert_array_equal(planned.val, made.val.counts(*shape))


@settings(max_examples=300, deadline=None)
@given(**CASES)
def test_every_proposal_of_a_refusal_is_possible(**case):
    problem, source = case_of(**case)
    try:
        split_counts(problem, source.counts())
        return
    except DataError as error:
        text = str(error)
    for val in re.findall(r"`(\{[^`]*\})`", text.partition("`val:` can be")[2]):
        given_val = Val.model_validate(yaml.safe_load(val))
        assert_possible(problem.model_copy(update={"val": given_val}), source)
    for ratio in re.findall(r"ratio of at most ([\d.]+)", text):
        profile = problem.profile.model_copy(update={"settings": {"ratio": float(ratio)}})
        assert_possible(problem.model_copy(update={"profile": profile}), source)
    for n_max in re.findall(r"\(now [\d,]+\) to at most ([\d,]+)", text):
        assert_possible(problem.model_copy(update={"n_max": int(n_max)}), source)


def assert_possible(problem, source):
    """Train, and what `val:` draws, are possible; the data set's own held-out splits may not be."""
    owns = [] if problem.val.test_half else ["test"]
    owns += ["val"] if problem.val == Val() else []
    said = ""
    try:
        split_counts(problem, source.counts())
    except DataError as error:
        said = str(error)
    assert not said or any(f"in the split {split}\n" in said for split in owns), said


@pytest.mark.parametrize(
    ("problem", "train", "says"),
    [
        (make_problem("exp", 50), (40, 40), "keeps no image of 40 … ratio of at most 40"),
        (make_problem("step", 50.5), (50, 60), "no image of 50 … ratio of at most 50"),
        (
            make_problem("step", 30, val=Val(fraction=0.1)),
            (40, 40),
            "has 1 image, … {per_class: 10}` or `{test_half: true}`; or use a ratio of at most 20",
        ),
        (make_problem("exp", 2, n_max=90), (80, 30), "needs 90 … (now 90) to at most 61"),
        (
            make_problem("exp", 2, n_max=90),
            (80, 1),
            "needs 90\n  lower n_max (now 90) to at most 3",
        ),
        (
            make_problem("natural", None, val=Val(per_class=2000)),
            (300, 4),
            "300 training images … 2,000 … {per_class: 2}` or `{fraction: 0.2}`",
        ),
        (
            make_problem("natural", None, val=Val(per_class=1)),
            (9, 1),
            "class1 … can be `{test_half",
        ),
        (
            make_problem("natural", None, val=Val(fraction=0.2)),
            (9, 1),
            "can be `{test_half: true}`",
        ),
    ],
)
def test_a_refusal_names_the_largest_possible_value(problem, train, says):
    with pytest.raises(DataError) as raised:
        split_counts(problem, source_of(column(*train), column(5, 5)).counts())
    rest = str(raised.value)
    for fact in says.split(" … "):
        assert fact in rest
        rest = rest.partition(fact)[2]


def test_with_one_example_of_a_class_nothing_is_proposed():
    data = source_of(column(9, 1), column(5, 1)).counts()
    for val in (Val(per_class=1), Val(fraction=0.5), Val(test_half=True)):
        problem = make_problem("natural", None, val=val)
        assert workable_val(problem, data) == ()
        with pytest.raises(DataError, match=r"use more images, or other classes$"):
            split_counts(problem, data)


def test_an_own_validation_split_without_a_cell_may_be_replaced():
    data = source_of([[9, 2], [9, 3]], [[4, 4], [4, 1]], [[1, 1], [1, 0]]).counts()
    with pytest.raises(DataError, match=r"split val(.|\n)*can be `\{per_class: 5\}` or `\{frac"):
        split_counts(make_problem("natural", None), data)
    assert workable_val(make_problem("natural", None), data) == (
        "`{per_class: 5}`",
        "`{fraction: 0.2}`",
    )


def test_a_selection_is_not_combined_with_validation_images_of_each_class():
    data = source_of(column(30, 30), column(5, 5)).counts()
    problem = make_problem("exp", 3, selection="ldam")
    assert workable_val(problem, data) == ("`{fraction: 0.2}`", "`{test_half: true}`")


def test_where_groups_are_not_counted_a_class_needs_an_example_of_each():
    counts = np.array(column(30, 30))
    data = DataCounts(counts, counts, classes=("a", "b"), n_unseen=2)
    with pytest.raises(DataError, match=r"ratio of at most 15$"):
        split_counts(make_problem("step", 40), data)


def test_the_advice_for_a_problem_without_validation_images_is_possible():
    problem = make_problem("natural", None)
    few, one = (source_of(column(9, n), column(5, 1)).counts() for n in (4, 1))
    assert val_advice(problem, few).endswith("example `{per_class: 2}` or `{fraction: 0.2}`")
    assert "no `val:` is possible" in val_advice(problem, one)
    assert val_advice(problem, None).endswith("example `{per_class: 20}`")


def test_a_profile_that_empties_a_cell_is_refused_with_the_largest_ratio():
    data = source_of([[40, 40], [38, 2]], [[5, 5], [5, 5]]).counts()
    with pytest.raises(DataError, match=r"1 of 4 .* split train(.|\n)*ratio of at most 20$"):
        split_counts(make_problem("step", 40), data)
