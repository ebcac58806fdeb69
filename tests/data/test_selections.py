"""Subsets that a paper's code keeps, against that code's own way of keeping them."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.profiles import Exponential, Step
from evenhand.data.selections import SELECTIONS
from evenhand.suite.problems import SELECTIONS as NAMES


def as_published(targets, wanted):
    """With the global generator, as the code of Cao et al. (2019) does it."""
    before = np.random.get_state()
    np.random.seed(0)
    kept = []
    for c, n in zip(np.unique(targets), wanted, strict=True):
        index = np.where(np.array(targets, dtype=np.int64) == c)[0]
        np.random.shuffle(index)
        kept.append(index[:n])
    np.random.set_state(before)
    return kept


@pytest.mark.parametrize(
    ("profile", "n_max", "n_classes"),
    [(Exponential(100), 5000, 10), (Step(10), 5000, 10), (Exponential(100), 500, 100)],
    ids=str,
)
def test_ldam_is_index_for_index_that_of_the_published_code(profile, n_max, n_classes):
    rng = np.random.default_rng(7)
    targets = rng.permutation(np.repeat(np.arange(n_classes), n_max))
    by_class = [rng.permutation(np.flatnonzero(targets == c)) for c in range(n_classes)]
    wanted = profile(n_max, n_classes)

    kept = SELECTIONS["ldam"](by_class, wanted)

    for ours, theirs in zip(kept, as_published(targets.tolist(), wanted), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_ldam_is_pinned():
    [kept] = SELECTIONS["ldam"]([np.arange(10)], np.array([5]))
    assert kept.tolist() == [2, 8, 4, 9, 1]


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    SELECTIONS["ldam"]([np.arange(10)], np.array([5]))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_every_selection_that_a_suite_can_name_is_there():
    assert tuple(SELECTIONS) == NAMES
