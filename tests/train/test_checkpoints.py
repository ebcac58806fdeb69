"""Last, best on validation, best on test: by scores made up for each epoch."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.train.checkpoints import Checkpoints, Snapshot

TRAIN = np.array([[50], [5]])


def counts(recalls):
    """Two classes of ten images with these numbers of right answers."""
    a, b = recalls
    return np.array([[[a, 10 - a], [10 - b, b]]])


def picked(by, val, test):
    """{(split, rule): epoch} after one epoch for each pair of right answers."""
    checkpoints = Checkpoints(by, TRAIN)
    for epoch, right in enumerate(test, start=1):
        seen = {"test": counts(right)}
        if val is not None:
            seen = {"val": counts(val[epoch - 1]), **seen}
        checkpoints.add(Snapshot(epoch, seen, {}))
    found = checkpoints.evaluations()
    for evaluation in found:
        source = val if evaluation.split == "val" else test
        np.testing.assert_array_equal(evaluation.counts, counts(source[evaluation.epoch - 1]))
    return {(e.split, e.rule): e.epoch for e in found}


VAL = [(5, 5), (9, 7), (10, 2), (6, 6)]
TEST = [(10, 9), (5, 5), (8, 8), (9, 1)]


def test_all_three_rules_on_higher_is_better():
    assert picked("balanced_accuracy", VAL, TEST) == {
        ("val", "last"): 4,
        ("test", "last"): 4,
        ("val", "best-val"): 2,
        ("test", "best-val"): 2,
        ("test", "best-test"): 1,
    }


def test_lower_is_better_picks_the_same_epochs():
    assert picked("balanced_error", VAL, TEST) == picked("balanced_accuracy", VAL, TEST)


def test_another_metric_picks_other_epochs():
    assert picked("min_recall", VAL, TEST)["test", "best-val"] == 2
    assert picked("min_recall", [(9, 2), (10, 1), (5, 5), (5, 4)], TEST)["val", "best-val"] == 3


@pytest.mark.parametrize("by", ["balanced_accuracy", "balanced_error"])
def test_the_earliest_of_equal_epochs_is_kept(by):
    same = [(5, 5), (8, 8), (8, 8), (7, 9)]
    found = picked(by, same, same)
    assert found["val", "best-val"] == found["test", "best-test"] == 2


def test_without_a_validation_split_there_is_no_best_val():
    assert picked("accuracy", None, TEST) == {("test", "last"): 4, ("test", "best-test"): 1}


def test_best_test_is_reported_on_test_alone():
    assert ("val", "best-test") not in picked("accuracy", VAL, TEST)


def test_an_epoch_without_a_score_is_never_the_best():
    checkpoints = Checkpoints("balanced_accuracy", TRAIN)
    lacking = np.array([[[10, 0], [0, 0]]])
    assert checkpoints.add(Snapshot(1, {"val": lacking, "test": counts((1, 1))}, {})) == {
        "val": None,
        "test": pytest.approx(0.1),
    }
    checkpoints.add(Snapshot(2, {"val": counts((0, 0)), "test": counts((0, 0))}, {}))
    found = {(e.split, e.rule): e.epoch for e in checkpoints.evaluations()}
    assert found["val", "best-val"] == 2
    assert found["test", "best-test"] == 1


def test_the_first_epoch_counts_however_bad():
    assert picked("accuracy", [(0, 0)], [(0, 0)])["test", "best-val"] == 1
