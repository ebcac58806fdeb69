"""Splits by (class, group) cell: shares are kept, and no cell is left empty without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.data.cells import by_cell, first_of_each_group
from evenhand.data.splits import make_splits
from evenhand.declared.cells import apportion, check_cells
from evenhand.declared.trial import STREAMS, Val
from evenhand.errors import DataError
from tests.data.samples import make_problem, make_source

SOURCE = make_source([60, 55, 50, 45], groups=3, test=12)


def prepared(problem, source=SOURCE, seed=0):
    return make_splits(problem, source, seed=seed, vary=STREAMS)


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=5), data=st.data())
def test_shares_add_up_and_leave_nobody_out(sizes, data):
    n = data.draw(st.integers(0, sum(sizes)))
    given_ = apportion(sizes, n)
    assert sum(given_) == n
    assert all(0 <= k <= size for k, size in zip(given_, sizes, strict=True))
    there = sum(size > 0 for size in sizes)
    if n >= there:
        assert all(k > 0 for k, size in zip(given_, sizes, strict=True) if size)


@given(size=st.integers(0, 1000), data=st.data())
def test_one_group_gets_all(size, data):
    n = data.draw(st.integers(0, size))
    assert apportion([size], n) == [n]


@pytest.mark.parametrize(
    ("sizes", "n", "expected"), [([95, 5], 20, [19, 1]), ([99, 1], 5, [4, 1]), ([9, 1], 1, [1, 0])]
)
def test_shares_are_in_proportion(sizes, n, expected):
    assert apportion(sizes, n) == expected


def test_the_first_of_each_group_are_taken_in_order():
    index, groups = np.array([4, 2, 7, 0, 1]), np.array([0, 0, 1, 9, 0, 9, 9, 1])
    assert first_of_each_group(index, 3, groups, 2).tolist() == [True, True, False, True, False]
    assert [cell.tolist() for cell in by_cell(index, groups, 2)] == [[4, 0, 1], [2, 7]]


@pytest.mark.parametrize("val", [Val(fraction=0.2), Val(test_half=True)])
def test_validation_images_are_drawn_cell_by_cell(val):
    data = prepared(make_problem("natural", None, val=val))
    pool = SOURCE.test if val.test_half else SOURCE.train
    share = 0.5 if val.test_half else 0.2
    cells = data.val.counts(4, 3)
    assert np.abs(cells - share * pool.counts(4, 3)).max() <= 1
    assert cells.min() > 0


@pytest.mark.parametrize("seed", range(20))
def test_a_rare_group_is_in_every_split_at_every_seed(seed):
    groups = np.where(np.arange(len(SOURCE.train)) % 6 < 5, 0, 1)
    source = replace(SOURCE, train=replace(SOURCE.train, groups=groups), groups=("most", "few"))
    source = replace(source, test=replace(source.test, groups=source.test.groups % 2))
    data = prepared(make_problem("exp", 4, n_max=36, val=Val(per_class=5)), source, seed)
    assert data.counts.sum(1).tolist() == [36, 22, 14, 9]
    assert np.bincount(data.val.labels).tolist() == [5] * 4
    assert data.counts.min() > 0


def without(images, label, group):
    return images[np.flatnonzero((images.labels != label) | (images.groups != group))]


def test_a_cell_without_training_images_is_counted_and_refused():
    source = replace(SOURCE, train=without(SOURCE.train, 3, 1))
    says = (
        r"made up: 1 of 12 \(class, group\) cells .* train\n"
        r"  d in group 1: train 0, test \d+\n"
    )
    with pytest.raises(DataError, match=says):
        prepared(make_problem("natural", None), source)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_group_that_is_missing_from_a_split_is_refused(split):
    source = make_source([60, 55], groups=2, test=12, val=12)
    source = replace(source, **{split: without(getattr(source, split), 0, 1)})
    with pytest.raises(DataError, match=rf"split {split}\n  a in group 1: train"):
        prepared(make_problem("natural", None), source)


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_class_that_is_missing_from_a_split_is_refused(split, label):
    source = make_source([60, 55], test=12, val=12)
    source = replace(source, **{split: without(getattr(source, split), label, 0)})
    with pytest.raises(DataError, match=f"1 of 2 classes .* split {split}\n  {'ab'[label]}: train"):
        prepared(make_problem("natural", None), source)


def test_a_class_that_its_own_validation_split_lacks_may_be_drawn_instead():
    source = make_source([60, 55], test=12, val=12)
    assert source.val is not None
    source = replace(source, val=without(source.val, 0, 0))
    data = prepared(make_problem("natural", None, val=Val(fraction=0.2)), source)
    assert data.val.counts(2, 1)[:, 0].tolist() == [12, 11]


def test_a_cell_that_is_too_small_for_two_splits_is_named():
    cell = (SOURCE.train.labels == 0) & (SOURCE.train.groups == 2)
    train = SOURCE.train[np.append(np.flatnonzero(~cell), np.flatnonzero(cell)[:1])]
    with pytest.raises(DataError, match="class a in the group group 2 has 1 image"):
        prepared(make_problem("natural", None, val=Val(fraction=0.5)), replace(SOURCE, train=train))


def test_many_empty_cells_are_counted():
    empty = np.zeros((6, 2), dtype=int)
    with pytest.raises(DataError) as raised:
        check_cells("p", {"train": empty}, list("abcdef"), ["g", "h"])
    assert "p: 12 of 12 (class, group) cells " in str(raised.value)
    assert "\n  and 4 more\n" in str(raised.value)
