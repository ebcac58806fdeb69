"""Focal loss: its formula, its limits, and slopes where the example is already right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.losses.focal_loss import Focal
from evenhand.losses.kernel import focal_cross_entropy
from evenhand.losses.per_class import InversePrior

COUNTS = np.array([[40], [6], [1]])
LOGITS = torch.randn(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.arange(9) % 3


@pytest.mark.parametrize("g", [0.0, 0.5, 1.0, 2.0])
def test_focal_is_the_formula_written_out(g):
    f = LOGITS.numpy()
    p = (np.exp(f) / np.exp(f).sum(1, keepdims=True))[np.arange(9), LABELS.numpy()]
    by_hand = -((1 - p) ** g) * np.log(p)
    np.testing.assert_allclose(focal_cross_entropy(LOGITS, LABELS, g=g), by_hand)


def test_focal_with_g_zero_is_cross_entropy():
    expected = F.cross_entropy(LOGITS, LABELS, reduction="none")
    torch.testing.assert_close(focal_cross_entropy(LOGITS, LABELS, g=0.0), expected)


def test_a_class_weight_does_not_enter_the_probability():
    weighted = Focal(2.0, InversePrior()).bind(COUNTS, "cpu")
    plain = Focal(2.0).bind(COUNTS, "cpu")
    weights = torch.tensor(InversePrior()(COUNTS.sum(1)))[LABELS]
    torch.testing.assert_close(
        weighted(LOGITS, LABELS, rows=LABELS), weights * plain(LOGITS, LABELS, rows=LABELS)
    )
    torch.testing.assert_close(weighted.weights(LABELS).double(), weights)


@pytest.mark.parametrize("g", [0.5, 1.0, 2.0])
def test_the_gradient_agrees_with_finite_differences(g):
    assert torch.autograd.gradcheck(
        lambda f: focal_cross_entropy(f, LABELS, g=g), LOGITS.clone().requires_grad_()
    )


@pytest.mark.parametrize("g", [0.0, 0.01, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("size", [20.0, 100.0, 1e4])
def test_slopes_are_finite_where_the_example_is_surely_right_or_wrong(g, size):
    logits = torch.tensor([[size, 0.0], [0.0, size]], requires_grad=True)
    focal_cross_entropy(logits, torch.tensor([0, 0]), g=g).sum().backward()
    assert logits.grad is not None and logits.grad.isfinite().all()
    assert logits.grad[0].abs().max() < 1e-4
    torch.testing.assert_close(logits.grad[1], torch.tensor([-1.0, 1.0]))
