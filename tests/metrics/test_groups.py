"""Metrics of cells and gaps: by hand, and what they are where a cell or a group is missing."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.metrics import better, score
from evenhand.metrics.groups import accuracies

TRAIN = np.array([[3498, 184], [56, 1057]])
RATES = np.array([[0.99, 0.80], [0.60, 0.95]])
"""Accuracy of landbirds and waterbirds, on land and on water."""
GAPS = ["symmetric_deo", "deo_sum", "equalized_odds_gap", "deo_positive", "deo_negative"]


def two_labels(rates, size=100):
    """counts[group, label, prediction] with these accuracies [labels, groups]."""
    counts = np.zeros((rates.shape[1], 2, 2), dtype=int)
    for (y, g), rate in np.ndenumerate(rates):
        counts[g, y, y] = round(rate * size)
        counts[g, y, 1 - y] = size - counts[g, y, y]
    return counts


def test_deo_with_and_without_a_half_are_the_papers_by_hand():
    counts = two_labels(RATES)
    np.testing.assert_allclose(accuracies(counts), RATES)
    assert score("symmetric_deo", counts, TRAIN) == pytest.approx((0.19 + 0.35) / 2)
    assert score("deo_sum", counts, TRAIN) == pytest.approx(0.19 + 0.35)
    assert score("deo_positive", counts, TRAIN) == pytest.approx(0.35)
    assert score("deo_negative", counts, TRAIN) == pytest.approx(0.19)


def test_with_two_labels_equalized_odds_is_the_greater_of_both_gaps():
    assert score("equalized_odds_gap", two_labels(RATES), TRAIN) == pytest.approx(0.35)


def test_errors_are_what_accuracies_lack():
    counts = two_labels(RATES)
    assert score("worst_group_error", counts, TRAIN) == pytest.approx(0.40)
    assert score("balanced_group_error", counts, TRAIN) == pytest.approx(1 - RATES.mean())


def test_standard_error_weighs_cells_by_their_training_size():
    """Whatever the size of the test cells: here those of Waterbirds, and equal ones."""
    expected = 1 - (TRAIN * RATES).sum() / TRAIN.sum()
    counts = two_labels(RATES)
    assert score("train_weighted_error", counts, TRAIN) == pytest.approx(expected)
    uneven = counts * np.array([22, 6])[:, None, None]
    assert score("train_weighted_error", uneven, TRAIN) == pytest.approx(expected)
    assert score("error", uneven, TRAIN) != pytest.approx(expected)


def test_a_cell_that_only_the_training_set_has_leaves_its_weighted_error_undefined():
    counts = two_labels(RATES)
    counts[0, 1] = 0
    assert score("train_weighted_error", counts, TRAIN) is None
    train = TRAIN.copy()
    train[1, 0] = 0
    expected = 1 - (train * RATES).sum() / train.sum()
    assert score("train_weighted_error", counts, train) == pytest.approx(expected)


@pytest.mark.parametrize("name", [*GAPS, "signed_deo"])
def test_one_group_has_no_gap(name):
    counts = two_labels(RATES[:, :1])
    assert score(name, counts, TRAIN[:, :1]) is None


@pytest.mark.parametrize("name", ["symmetric_deo", "deo_sum", "equalized_odds_gap", "signed_deo"])
def test_a_label_with_one_group_alone_leaves_gaps_undefined(name):
    """Left out, it would be a gap of 0, which no one measured."""
    counts = two_labels(RATES)
    counts[0, 1] = 0
    assert score(name, counts, TRAIN) is None
    assert score("deo_negative", counts, TRAIN) == pytest.approx(0.19)
    assert score("worst_group_error", counts, TRAIN) is None


@pytest.mark.parametrize("name", GAPS)
def test_the_same_errors_everywhere_are_no_gap(name):
    assert better(name) == "lower"
    assert score(name, two_labels(np.full((2, 2), 0.3)), TRAIN) == 0.0
    assert score(name, two_labels(np.eye(2)), TRAIN) == (2.0 if name == "deo_sum" else 1.0)


def test_of_more_groups_a_gap_is_between_the_extremes():
    rates = np.array([[0.9, 0.5, 0.7], [0.2, 0.4, 0.3]])
    counts = two_labels(rates)
    train = np.ones((2, 3), dtype=int)
    assert score("deo_sum", counts, train) == pytest.approx(0.4 + 0.2)
    counts[1, 0] = 0
    assert score("deo_sum", counts, train) == pytest.approx(0.2 + 0.2)


def test_equalized_odds_sees_errors_that_go_elsewhere():
    """Same accuracies in both groups, and other wrong answers: no DEO, but no equal odds."""
    counts = np.array([np.diag([10, 10, 10])] * 2)
    counts[0, 0], counts[1, 0] = [6, 4, 0], [6, 1, 3]
    train = np.ones((3, 2), dtype=int)
    assert score("symmetric_deo", counts, train) == 0.0
    assert score("equalized_odds_gap", counts, train) == pytest.approx(0.3)


def test_deo_of_a_side_is_for_two_labels():
    counts = np.array([np.diag([10, 10, 10])] * 2)
    assert score("deo_positive", counts, np.ones((3, 2), dtype=int)) is None


def test_the_signed_gap_is_positive_where_the_rare_group_errs_more():
    assert score("signed_deo", two_labels(RATES), TRAIN) == pytest.approx((0.19 + 0.35) / 2)
    turned = two_labels(RATES[:, ::-1])
    assert score("signed_deo", turned, TRAIN) == pytest.approx(-(0.19 + 0.35) / 2)
    assert score("symmetric_deo", turned, TRAIN) == pytest.approx((0.19 + 0.35) / 2)


def test_of_equal_groups_the_one_of_higher_index_is_the_rare_one():
    even = np.ones((2, 2), dtype=int)
    by_hand = ((0.20 - 0.01) + (0.05 - 0.40)) / 2
    assert score("signed_deo", two_labels(RATES), even) == pytest.approx(by_hand)


def test_the_imbalance_of_errors_is_that_of_the_rare_class_less_the_frequent():
    counts = two_labels(RATES)
    by_hand = (1 - RATES[1].mean()) - (1 - RATES[0].mean())
    assert score("error_imbalance", counts, TRAIN) == pytest.approx(by_hand)
    assert score("error_imbalance", counts, TRAIN[::-1]) == pytest.approx(-by_hand)
    assert score("error_imbalance", counts, np.ones((2, 2), dtype=int)) == pytest.approx(by_hand)
