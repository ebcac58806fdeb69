"""The vector-scaling family: algebra between its members, and the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.losses.kernel import vs_cross_entropy
from evenhand.losses.per_class import (
    Constant,
    CountPower,
    EffectiveNumber,
    InversePrior,
    LogPrior,
    OwnClassMargin,
    PriorPower,
)
from evenhand.losses.vector_scaling import VectorScaling

COUNTS = np.array([[400], [60], [7], [1]])
GROUPED = np.array([[390, 10], [30, 30], [6, 1], [1, 0]])
BATCH = 12


@pytest.fixture
def labels():
    return torch.arange(BATCH) % 4


@pytest.mark.parametrize(("tau", "gamma"), [(0.0, 0.0), (1.0, 0.3), (2.5, 0.05), (-0.5, 0.15)])
def test_vs_is_the_formula_written_out(tau, gamma, logits, labels):
    n = COUNTS.sum(1)
    z = logits.numpy() * (n / n.max()) ** gamma + tau * np.log(n / n.sum())
    by_hand = [np.log(np.exp(z[i]).sum()) - z[i, y] for i, y in enumerate(labels)]

    loss = VectorScaling(beta=CountPower(gamma), delta=LogPrior(tau)).bind(COUNTS, "cpu")

    np.testing.assert_allclose(loss(logits, labels, rows=labels), by_hand)


def test_ldam_is_the_formula_written_out(logits, labels):
    n = COUNTS.sum(1)
    cosines = np.tanh(logits.numpy())
    z = 30 * (cosines - np.eye(4)[labels] * 0.5 * (n.min() / n[labels])[:, None] ** 0.25)
    by_hand = [np.log(np.exp(z[i]).sum()) - z[i, y] for i, y in enumerate(labels)]

    loss = VectorScaling(beta=Constant(30.0), delta=OwnClassMargin(15.0)).bind(COUNTS, "cpu")

    np.testing.assert_allclose(loss(torch.tensor(cosines), labels, rows=labels), by_hand)


def test_la_with_tau_one_is_the_pairwise_form(logits, labels):
    """wang2023unified, eq. 4 with d = π: log(1 + Σ_y' π_y'/π_y · exp(f_y' − f_y))."""
    n, f = COUNTS.sum(1), logits.numpy()
    by_hand = [
        np.log1p(sum(n[c] / n[y] * np.exp(f[i, c] - f[i, y]) for c in range(4) if c != y))
        for i, y in enumerate(labels)
    ]
    loss = VectorScaling(delta=LogPrior(1.0)).bind(COUNTS, "cpu")
    np.testing.assert_allclose(loss(logits, labels, rows=labels), by_hand)


def test_the_plain_member_is_cross_entropy_bit_for_bit(logits, labels):
    loss = VectorScaling().bind(COUNTS, "cpu")
    expected = F.cross_entropy(logits, labels, reduction="none")
    assert torch.equal(loss(logits, labels, rows=labels), expected)


@pytest.mark.parametrize("alpha", [InversePrior(), EffectiveNumber(0.9999), PriorPower(0.5)])
def test_weighted_mean_is_that_of_torch(alpha, logits, labels):
    loss = VectorScaling(alpha=alpha).bind(COUNTS, "cpu")
    weighted = loss(logits, labels, rows=labels).sum() / loss.weights(labels).sum()
    expected = F.cross_entropy(logits, labels, weight=torch.tensor(alpha(COUNTS.sum(1))))
    torch.testing.assert_close(weighted, expected)


def test_weighted_mean_does_not_see_a_factor_on_the_weights(logits, labels):
    means = []
    for alpha in (InversePrior(), PriorPower(1.0)):
        loss = VectorScaling(alpha=alpha).bind(COUNTS, "cpu")
        means.append(loss(logits, labels, rows=labels).sum() / loss.weights(labels).sum())
    torch.testing.assert_close(*means)


def test_a_constant_added_to_all_logits_changes_nothing(logits, labels):
    plain = VectorScaling().bind(COUNTS, "cpu")
    shifted = VectorScaling(delta=Constant(7.0)).bind(COUNTS, "cpu")
    torch.testing.assert_close(
        shifted(logits, labels, rows=labels), plain(logits, labels, rows=labels)
    )


def test_the_gradient_is_alpha_beta_softmax_minus_onehot(logits, labels):
    loss = VectorScaling(InversePrior(), CountPower(0.3), LogPrior(1.0)).bind(COUNTS, "cpu")
    f = logits.clone().requires_grad_()
    loss(f, labels, rows=labels).sum().backward()
    residual = torch.softmax(loss.beta * logits + loss.delta, 1) - F.one_hot(labels, 4)
    torch.testing.assert_close(f.grad, loss.alpha[labels, None] * loss.beta * residual)


@pytest.mark.parametrize("delta", [LogPrior(1.5), OwnClassMargin(2.0)])
def test_the_gradient_agrees_with_finite_differences(delta, logits, labels):
    loss = VectorScaling(EffectiveNumber(0.99), CountPower(0.2), delta).bind(COUNTS, "cpu")
    assert torch.autograd.gradcheck(
        lambda f: loss(f, labels, rows=labels), logits.clone().requires_grad_()
    )


def test_a_positive_tau_makes_a_rare_class_cost_more(labels):
    loss = VectorScaling(delta=LogPrior(1.0)).bind(COUNTS, "cpu")
    costs = loss(torch.zeros(4, 4), torch.arange(4), rows=torch.arange(4))
    assert (costs.diff() > 0).all()


def test_vectors_that_agree_on_all_rows_are_kept_once():
    ldam = VectorScaling(beta=CountPower(0.3), delta=OwnClassMargin(0.5)).bind(GROUPED, "cpu")
    assert ldam.alpha.shape == (8,)
    assert ldam.beta.shape == (1, 4)
    assert ldam.delta.shape == (8, 4)


def test_groups_do_not_change_a_loss_over_classes(logits, labels):
    groups = torch.arange(BATCH) // 4 % 2
    spec = VectorScaling(InversePrior(), CountPower(0.3), OwnClassMargin(2.0))
    plain = spec.bind(GROUPED.sum(1, keepdims=True), "cpu")
    grouped = spec.bind(GROUPED, "cpu")
    rows = labels * 2 + groups
    torch.testing.assert_close(
        grouped(logits, labels, rows=rows), plain(logits, labels, rows=labels)
    )
    torch.testing.assert_close(grouped.row_weights(rows), plain.weights(labels))


def test_each_row_has_its_own_vectors(logits, labels):
    """A row's β multiplies and its Δ adds, as for groups: the kernel written out."""
    generator = torch.Generator().manual_seed(1)
    alpha = torch.rand(8, generator=generator)
    beta, delta = torch.rand(2, 8, 4, generator=generator)
    rows = labels * 2 + torch.arange(BATCH) % 3 % 2
    losses = vs_cross_entropy(logits, labels, rows, alpha=alpha, beta=beta, delta=delta)
    for i, (y, s) in enumerate(zip(labels, rows, strict=True)):
        z = (beta[s] * logits[i] + delta[s]).numpy()
        by_hand = alpha[s] * (np.log(np.exp(z).sum()) - z[y])
        torch.testing.assert_close(losses[i], by_hand)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_logits_are_taken_in_float32(dtype, logits, labels):
    torch.set_default_dtype(torch.float32)
    loss = VectorScaling(delta=LogPrior(1.0)).bind(COUNTS, "cpu")
    half = logits.to(dtype)
    result = loss(half, labels, rows=labels)
    assert result.dtype == torch.float32
    assert torch.equal(result, loss(half.float(), labels, rows=labels))
