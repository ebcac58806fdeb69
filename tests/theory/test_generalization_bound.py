"""The terms of the bound against the formulas of wang2023unified, written out class by class."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evenhand import losses
from evenhand.losses.per_class import ONE, EffectiveNumber
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.theory.generalization_bound import bound_sum, lipschitz_constants

COUNTS = [500, 60, 9]
SCORES = [1.3, -0.4, 0.2]


def by_hand(alpha, beta, delta):
    """Lemma 4, with vectors that are lists over the classes."""
    found = []
    for y in range(len(SCORES)):
        tilde = math.sqrt(beta[y] ** 2 + sum(b for c, b in enumerate(beta) if c != y) ** 2)
        raised = [math.exp(b * s + d) for b, s, d in zip(beta, SCORES, delta, strict=True)]
        found.append(alpha[y] * tilde * (1 - raised[y] / sum(raised)))
    return found


def constants(loss):
    alpha, beta, delta = loss.written_out(np.array(COUNTS)[:, None])
    return lipschitz_constants(
        np.array(SCORES), alpha=alpha[:, 0], beta=beta[:, 0], delta=delta[:, 0]
    )


def test_cross_entropy_has_the_lemmas_constants():
    expected = by_hand([1.0] * 3, [1.0] * 3, [0.0] * 3)
    np.testing.assert_allclose(constants(losses.ce()), expected, rtol=1e-12)


@pytest.mark.parametrize(("tau", "gamma"), [(1.0, 0.0), (0.0, 0.2), (1.25, 0.15), (-0.5, 0.3)])
def test_vector_scaling_has_the_lemmas_constants(tau, gamma):
    beta = [(n / 500) ** gamma for n in COUNTS]
    delta = [tau * math.log(n / 569) for n in COUNTS]
    expected = by_hand([1.0] * 3, beta, delta)
    np.testing.assert_allclose(constants(losses.vs(tau, gamma)), expected, rtol=1e-12)


def test_weights_multiply_the_constants():
    b = 0.99
    raw = [(1 - b) / (1 - b**n) for n in COUNTS]
    alpha = [3 * w / sum(raw) for w in raw]
    expected = by_hand(alpha, [1.0] * 3, [0.0] * 3)
    found = constants(VectorScaling(alpha=EffectiveNumber(b), beta=ONE))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_margin_of_the_true_class_enters_with_the_offsets_of_its_own_examples():
    """LDAM shifts the true class alone: each class has offsets of its own in its softmax."""
    scale, margin = 30.0, 0.5
    found = constants(losses.ldam(margin, scale))
    for y in range(3):
        own = [0.0] * 3
        own[y] = -scale * margin * (9 / COUNTS[y]) ** 0.25
        assert found[y] == pytest.approx(by_hand([1.0] * 3, [scale] * 3, own)[y], rel=1e-12)


def test_the_sum_is_that_of_theorem_1():
    mu, n = [0.3, 1.1, 2.0], 569
    smallest = min(COUNTS) / n
    expected = sum(m * math.sqrt(c / n) for m, c in zip(mu, COUNTS, strict=True)) / (3 * smallest)
    assert bound_sum(np.array(mu), np.array(COUNTS)) == pytest.approx(expected, rel=1e-12)


def test_the_constants_are_those_of_the_loss_itself():
    """μ_y bounds the gradient at logits whose softmax has the share of the lemma (eq. 12)."""
    loss = losses.vs(1.0, 0.2)
    alpha, beta, delta = (v[:, 0] for v in loss.written_out(np.array(COUNTS)[:, None]))
    mu = lipschitz_constants(np.array(SCORES), alpha=alpha, beta=beta, delta=delta)
    for y in range(3):
        shares = np.exp(beta[y] * SCORES + delta[y])
        shares /= shares.sum()
        gradient = alpha[y] * beta[y] * (shares - np.eye(3)[y])
        assert np.linalg.norm(gradient) <= mu[y] + 1e-12
