"""Every metric by hand on counts small enough to add up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evenhand.declared.registry import REGISTRY
from evenhand.errors import UnknownName
from evenhand.metrics import better, is_of_logits, score

METRICS = [
    entry.name
    for entry in REGISTRY.all("metric")
    if "reads" not in entry.facts and not is_of_logits(entry.name)
]
GAPS = ["symmetric_deo", "deo_sum", "equalized_odds_gap"]
BETWEEN_TWO = ["deo_positive", "deo_negative"]
SIGNED = [entry.name for entry in REGISTRY.all("metric") if entry.facts.get("signed")]

# One group; labels are rows: 10, 5 and 4 examples, recalls 0.8, 0.6, 0.25.
COUNTS = np.array([[[8, 1, 1], [2, 3, 0], [1, 2, 1]]])
TRAIN = np.array([[500], [100], [19]])

# Two groups of two labels.
GROUPED = np.array([[[9, 1], [5, 5]], [[3, 1], [0, 6]]])
GROUPED_TRAIN = np.array([[50, 10], [10, 30]])

BY_HAND = {
    "accuracy": 12 / 19,
    "error": 7 / 19,
    "balanced_accuracy": (0.8 + 0.6 + 0.25) / 3,
    "balanced_error": 1 - (0.8 + 0.6 + 0.25) / 3,
    "min_recall": 0.25,
    "worst_class_error": 0.75,
    "g_mean": (0.8 * 0.6 * 0.25) ** (1 / 3),
    "macro_f1": (16 / 21 + 6 / 11 + 2 / 6) / 3,
    "mcc": 80 / math.sqrt(220 * 200),
    "min_precision": 1 / 2,
    "min_coverage": 2 / 19,
    "min_head_tail_recall": 0.25,
    "min_head_tail_coverage": 2 / 19,
    "many_recall": 0.8,
    "medium_recall": 0.6,
    "few_recall": 0.25,
    "worst_group_accuracy": 0.25,
    "worst_group_error": 0.75,
    "balanced_group_accuracy": (0.8 + 0.6 + 0.25) / 3,
    "balanced_group_error": 1 - (0.8 + 0.6 + 0.25) / 3,
    "train_weighted_accuracy": (500 * 0.8 + 100 * 0.6 + 19 * 0.25) / 619,
    "train_weighted_error": 1 - (500 * 0.8 + 100 * 0.6 + 19 * 0.25) / 619,
    "symmetric_deo": None,
    "deo_sum": None,
    "deo_positive": None,
    "deo_negative": None,
    "equalized_odds_gap": None,
    "signed_deo": None,
    "error_imbalance": 0.75 - 0.2,
}

BY_HAND_GROUPED = {
    "accuracy": 23 / 30,
    "error": 7 / 30,
    "balanced_accuracy": (12 / 14 + 11 / 16) / 2,
    "balanced_error": 1 - (12 / 14 + 11 / 16) / 2,
    "min_recall": 11 / 16,
    "worst_class_error": 5 / 16,
    "g_mean": math.sqrt(12 / 14 * 11 / 16),
    "macro_f1": (24 / 31 + 22 / 29) / 2,
    "mcc": 244 / math.sqrt(448 * 442),
    "min_precision": 12 / 17,
    "min_coverage": 13 / 30,
    "min_head_tail_recall": 11 / 16,
    "min_head_tail_coverage": 13 / 30,
    "many_recall": None,
    "medium_recall": (12 / 14 + 11 / 16) / 2,
    "few_recall": None,
    "worst_group_accuracy": 0.5,
    "worst_group_error": 0.5,
    "balanced_group_accuracy": (0.9 + 0.5 + 0.75 + 1.0) / 4,
    "balanced_group_error": 1 - (0.9 + 0.5 + 0.75 + 1.0) / 4,
    "train_weighted_accuracy": (50 * 0.9 + 10 * 0.75 + 10 * 0.5 + 30 * 1.0) / 100,
    "train_weighted_error": 1 - (50 * 0.9 + 10 * 0.75 + 10 * 0.5 + 30 * 1.0) / 100,
    "symmetric_deo": ((0.9 - 0.75) + (1.0 - 0.5)) / 2,
    "deo_sum": (0.9 - 0.75) + (1.0 - 0.5),
    "deo_positive": 1.0 - 0.5,
    "deo_negative": 0.9 - 0.75,
    "equalized_odds_gap": 0.5,
    "signed_deo": ((0.25 - 0.1) + (0.5 - 0.0)) / 2,
    # 60 and 40 were trained on: label 1 is rarer.
    "error_imbalance": 5 / 16 - 2 / 14,
}


@pytest.mark.parametrize(
    ("counts", "train", "by_hand"),
    [(COUNTS, TRAIN, BY_HAND), (GROUPED, GROUPED_TRAIN, BY_HAND_GROUPED)],
    ids=["one group", "two groups"],
)
@pytest.mark.parametrize("name", METRICS)
def test_it_is_the_number_by_hand(name, counts, train, by_hand):
    assert score(name, counts, train) == pytest.approx(by_hand[name], abs=1e-15)


@pytest.mark.parametrize("name", [n for n in METRICS if n not in {*GAPS, *BETWEEN_TWO, *SIGNED}])
def test_it_says_in_which_direction_it_improves(name):
    """Perfect predictions are at the good end, the worst ones at the other."""
    perfect = np.array([np.diag([30, 20, 10])])
    wrong = np.array([np.roll(np.diag([30, 20, 10]), 1, axis=1)])
    train = np.array([[200], [50], [10]])
    best, worst = score(name, perfect, train), score(name, wrong, train)
    assert better(name) in ("higher", "lower")
    if name.endswith("coverage"):
        assert best == 10 / 60
    elif name == "mcc":
        assert (best, worst) == (1.0, pytest.approx(-0.5))
    else:
        assert (best, worst) == ((1.0, 0.0) if better(name) == "higher" else (0.0, 1.0))


@pytest.mark.parametrize("name", METRICS)
def test_it_is_a_fraction_or_undefined_and_never_nan(name):
    rng = np.random.default_rng(0)
    for trial in range(200):
        groups, classes = int(rng.integers(1, 4)), int(rng.integers(1, 30))
        counts = rng.integers(0, 5, (groups, classes, classes))
        counts[:, rng.random(classes) < 0.1 * (trial % 3)] = 0
        value = score(name, counts, rng.integers(0, 200, (classes, groups)))
        low, high = (-1 if name in (*SIGNED, "mcc") else 0), (classes if name == "deo_sum" else 1)
        assert value is None or low <= value <= high
        assert value is None or type(value) is float


@pytest.mark.parametrize("name", METRICS)
def test_nothing_evaluated_is_undefined(name):
    """None, and no warning: not 0, which would be a result."""
    assert score(name, np.zeros((2, 3, 3), dtype=np.int64), np.ones((3, 2), dtype=int)) is None


@pytest.mark.parametrize(
    "name",
    [
        "balanced_accuracy",
        "balanced_error",
        "min_recall",
        "worst_class_error",
        "g_mean",
        "min_head_tail_recall",
    ],
)
@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_that_the_split_lacks_leaves_recalls_undefined(name, absent):
    counts = COUNTS.copy()
    counts[:, absent] = 0
    assert score(name, counts, TRAIN) is None
    assert score("accuracy", counts, TRAIN) is not None


def test_a_class_never_predicted_has_no_precision_but_a_coverage():
    counts = np.array([[[4, 0], [3, 0]]])
    train = np.array([[10], [10]])
    assert score("min_precision", counts, train) is None
    assert score("min_coverage", counts, train) == 0.0
    assert score("min_recall", counts, train) == 0.0
    assert score("g_mean", counts, train) == 0.0


CELLS = ("worst_group_accuracy", "worst_group_error", "balanced_group_accuracy")


@pytest.mark.parametrize("name", [*CELLS, "balanced_group_error", "train_weighted_accuracy"])
def test_a_cell_that_only_the_split_lacks_leaves_group_metrics_undefined(name):
    counts = GROUPED.copy()
    counts[0, 1] = 0
    assert score(name, counts, GROUPED_TRAIN) is None
    alone = counts.sum(0, keepdims=True)
    alone[0, 1] = 0
    assert score(name, alone, GROUPED_TRAIN.sum(1, keepdims=True)) is None


def test_a_cell_that_neither_training_set_nor_split_has_is_no_cell():
    counts, train = GROUPED.copy(), GROUPED_TRAIN.copy()
    counts[0, 1], train[1, 0] = 0, 0
    assert score("worst_group_accuracy", counts, train) == 0.75
    assert score("balanced_group_accuracy", counts, train) == pytest.approx(2.65 / 3)


def test_many_is_above_100_and_few_below_20():
    """Both thresholds are strict: 100 and 20 training images are medium."""
    train = np.array([[101], [100], [20], [19]])
    counts = np.zeros((1, 4, 4), dtype=int)
    counts[0, range(4), range(4)] = [1, 2, 3, 4]
    counts[0, range(4), [1, 2, 3, 0]] = [9, 8, 7, 6]
    assert score("many_recall", counts, train) == pytest.approx(0.1)
    assert score("medium_recall", counts, train) == pytest.approx(0.25)
    assert score("few_recall", counts, train) == pytest.approx(0.4)


def test_training_counts_are_summed_over_groups():
    counts = np.array([np.diag([1, 1]), np.diag([1, 1])])
    assert score("many_recall", counts, np.array([[60, 60], [50, 50]])) == 1.0
    assert score("many_recall", counts, np.array([[60, 40], [50, 50]])) is None


@pytest.mark.parametrize(("classes", "tail"), [(10, 1), (100, 10), (15, 1), (20, 2), (5, 1)])
def test_the_tail_is_the_smallest_tenth_of_the_classes(classes, tail):
    """Their order in the file does not matter; at least one class is in the tail."""
    rng = np.random.default_rng(classes)
    sizes = rng.permutation(classes) + 1
    recall = np.where(sizes <= tail, 3, 8)
    counts = np.zeros((1, classes, classes), dtype=int)
    counts[0, range(classes), range(classes)] = recall
    counts[0, range(classes), (np.arange(classes) + 1) % classes] = 10 - recall
    assert score("min_head_tail_recall", counts, sizes[:, None]) == pytest.approx(0.3)
    flipped = counts[:, :, :].copy()
    flipped[0, range(classes), range(classes)] = 11 - recall
    flipped[0, range(classes), (np.arange(classes) + 1) % classes] = recall - 1
    # Now the head is the smaller one: 0.3 again, from the other side.
    assert score("min_head_tail_recall", flipped, sizes[:, None]) == pytest.approx(0.3)


def test_an_unknown_metric_comes_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'balanced_error'"):
        score("balanced_eror", COUNTS, TRAIN)


def test_weighted_accuracy_is_the_number_by_hand():
    counts = np.array([[[8, 2], [5, 5]]])
    by_hand = (4 * 8 + 1 * 5) / (4 * 10 + 1 * 10)
    settings = {"label": 0, "weight": 4.0, "loss": "plain"}
    assert score("weighted_accuracy", counts, np.ones((2, 1), dtype=int), settings) == by_hand


def test_a_metric_that_reads_a_setting_is_undefined_without_it():
    assert score("weighted_accuracy", COUNTS, TRAIN) is None
    assert score("weighted_accuracy", COUNTS, TRAIN, {"label": 0}) is None
