"""Counts from labels and predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.errors import MetricError
from evenhand.metrics import count, score

LABELS, PREDICTIONS, GROUPS = [0, 0, 1, 1, 2], [0, 1, 1, 1, 0], [0, 1, 0, 1, 1]


@pytest.mark.parametrize("form", [list, np.array, torch.tensor])
def test_every_example_is_counted_in_its_place(form):
    counts = count(form(LABELS), form(PREDICTIONS), groups=form(GROUPS), n_classes=4)
    assert counts.shape == (2, 4, 4)
    assert counts.sum() == 5
    assert all(counts[g, y, p] >= 1 for g, y, p in zip(GROUPS, LABELS, PREDICTIONS, strict=True))


def test_scores_take_training_counts_by_class_or_by_cell():
    counts = count(LABELS, PREDICTIONS)
    by_class = score("min_head_tail_recall", counts, [500, 50, 5])
    assert by_class == score("min_head_tail_recall", counts, np.array([[500], [50], [5]]))


def test_a_split_without_examples_has_no_score():
    assert score("accuracy", count([], [], n_classes=3), [1, 1, 1]) is None


@pytest.mark.parametrize(
    ("labels", "predictions", "settings", "fact"),
    [
        ([0, 1], [0], {}, "length"),
        ([0.0, 1.0], [0, 1], {}, "float64"),
        ([[0, 1]], [0, 1], {}, "[1, 2]"),
        ([0, -1], [0, 1], {}, "-1"),
        ([0, 1], [0, 5], {"n_classes": 3}, "5"),
        ([0, 1], [0, 1], {"groups": [0, 2], "n_groups": 2}, "n_groups"),
        (["a"], ["b"], {}, "whole numbers"),
    ],
)
def test_what_cannot_be_counted_is_refused(labels, predictions, settings, fact):
    with pytest.raises(MetricError) as error:
        count(labels, predictions, **settings)
    assert fact in str(error.value)
