"""Label-aware smoothing: its formula in both forms, its three shapes and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand import losses
from evenhand.errors import LossError
from evenhand.losses.label_aware import smoothing

N = [40, 16, 1]
LOGITS = torch.randn(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.arange(9) % 3


def epsilon_by_hand(shape, head, tail):
    """The three forms, for one class after the other."""
    most, least, found = max(N), min(N), []
    for n in N:
        angle = math.pi * (n - least) / (2 * (most - least))
        found.append(
            {
                "concave": tail + (head - tail) * math.sin(angle),
                "linear": tail + (head - tail) * (n - least) / (most - least),
                "convex": head + (head - tail) * math.sin(1.5 * math.pi + angle),
            }[shape]
        )
    return found


@pytest.mark.parametrize("over", ["others", "all"])
@pytest.mark.parametrize("shape", ["concave", "linear", "convex"])
def test_the_loss_is_cross_entropy_to_the_smoothed_labels(shape, over):
    epsilon = epsilon_by_hand(shape, 0.4, 0.1)
    f = LOGITS.numpy()
    log_p = f - np.log(np.exp(f).sum(1, keepdims=True))
    by_hand = []
    for i, y in enumerate(LABELS.tolist()):
        rest = epsilon[y] / (3 if over == "all" else 2)
        target = [rest] * 3
        target[y] = 1 - epsilon[y] + (rest if over == "all" else 0)
        by_hand.append(-sum(q * value for q, value in zip(target, log_p[i], strict=True)))
    loss = losses.label_aware(0.4, 0.1, shape=shape, over=over).bind(N)
    np.testing.assert_allclose(loss(LOGITS, LABELS), by_hand, rtol=1e-6)


def test_equal_smoothing_over_all_classes_is_label_smoothing_of_torch():
    loss = losses.label_aware(0.2, 0.2, over="all").bind(N)
    expected = F.cross_entropy(LOGITS, LABELS, reduction="none", label_smoothing=0.2)
    torch.testing.assert_close(loss(LOGITS, LABELS), expected, rtol=1e-6, atol=1e-6)


def test_without_smoothing_it_is_cross_entropy():
    loss = losses.label_aware(0.0, 0.0).bind(N)
    torch.testing.assert_close(
        loss(LOGITS, LABELS), F.cross_entropy(LOGITS, LABELS, reduction="none")
    )


@pytest.mark.parametrize("shape", ["concave", "linear", "convex"])
def test_the_ends_are_head_and_tail_and_the_shapes_are_ordered(shape):
    counts = np.array([100.0, 50.0, 2.0])
    found = smoothing(counts, 0.4, 0.1, shape)
    np.testing.assert_allclose(found[[0, 2]], [0.4, 0.1])
    between = {s: smoothing(counts, 0.4, 0.1, s)[1] for s in ("convex", "linear", "concave")}
    assert between["convex"] < between["linear"] < between["concave"]


def test_equally_frequent_classes_have_the_smoothing_of_the_tail():
    np.testing.assert_array_equal(smoothing(np.array([5.0, 5.0]), 0.3, 0.1, "concave"), 0.1)


def test_settings_out_of_range_are_refused():
    with pytest.raises(LossError, match=r"head is 1\.5"):
        losses.label_aware(1.5)
    with pytest.raises(LossError, match="shape is 'round'; write 'concave' or"):
        losses.label_aware(shape="round")
