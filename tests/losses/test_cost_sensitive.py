"""Cost-sensitive losses: their formulas, their minima, and gains that change while they train."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize

from evenhand.declared.loss import BoundLoss, Loss
from evenhand.errors import SpecError
from evenhand.losses.cost_sensitive import (
    HYBRID_A,
    HYBRID_B,
    RE_WEIGHTED,
    AverageRecall,
    Hybrid,
    LogitAdjusted,
    SoftmaxShifted,
)
from evenhand.losses.gains import diagonal_and_columns, non_negative
from evenhand.losses.per_class import CountPower, LogPrior
from evenhand.losses.vector_scaling import VectorScaling

COUNTS = np.array([[400], [60], [7], [1]])
GROUPED = np.array([[390, 10], [30, 30], [6, 1], [1, 0]])
PRIOR = COUNTS[:, 0] / COUNTS.sum()
LAMBDA = np.array([0.05, 0.4, 0.3, 1.5])
DIAGONAL = np.diag(LAMBDA / PRIOR)
COVERAGE = np.diag(0.25 / PRIOR) + LAMBDA
BALANCED = (np.eye(4) + LAMBDA) / (4 * PRIOR[:, None])
PRECISION = np.diag(1 + LAMBDA) - 0.4 * LAMBDA
GENTLE = np.diag([0.5, 1.0, 2.0, 4.0]) + np.array([0.0, 0.02, 0.04, 0.05])
"""β is small beside α, so that K > 0 in every variant of the shifted softmax."""
GAINS = {
    "diagonal": DIAGONAL,
    "coverage": COVERAGE,
    "balanced coverage": BALANCED,
    "precision": PRECISION,
}
HYBRIDS = {
    "re-weighted": RE_WEIGHTED,
    "hybrid A": HYBRID_A,
    "hybrid B": HYBRID_B,
    "hybrid of a power": Hybrid(CountPower(-0.5)),
}
BATCH = 12
LABELS = torch.arange(BATCH) % 4


def bound(spec, gains, counts=COUNTS):
    loss = spec.bind(counts, "cpu")
    loss.set_gains(gains)
    return loss


def log_softmax(z: np.ndarray) -> np.ndarray:
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


# The formulas.


@pytest.mark.parametrize("gains", GAINS.values(), ids=GAINS)
@pytest.mark.parametrize("name", HYBRIDS)
def test_a_hybrid_is_the_formula_written_out(name, gains, logits):
    g = gains - np.minimum(gains.min(1), 0)[:, None]
    n = COUNTS[:, 0]
    d = {
        "re-weighted": np.ones(4),
        "hybrid A": 1 / PRIOR,
        "hybrid B": np.diag(g),
        "hybrid of a power": (n.max() / n) ** 0.5,
    }[name]
    logs = log_softmax(logits.numpy() - np.log(d))
    by_hand = [-sum(g[y, i] / d[i] * logs[b, i] for i in range(4)) for b, y in enumerate(LABELS)]
    loss = bound(HYBRIDS[name], gains)
    np.testing.assert_allclose(loss(logits, LABELS, rows=LABELS), by_hand)
    np.testing.assert_allclose(loss.weights(LABELS), (g / d).sum(1)[LABELS])


def test_the_logit_adjusted_loss_is_the_formula_written_out(logits):
    logs = log_softmax(logits.numpy() - np.log(np.diag(DIAGONAL)))
    loss = bound(LogitAdjusted(), DIAGONAL)
    np.testing.assert_allclose(loss(logits, LABELS, rows=LABELS), -logs[range(BATCH), LABELS])
    assert loss.weights(LABELS).eq(1).all()


@pytest.mark.parametrize(
    ("variant", "gains", "shift"),
    [
        ("shifted", GENTLE, -0.05),
        ("linearised", COVERAGE, 0.0),
        ("linearised", PRECISION, 0.4 * LAMBDA.max()),
        ("hybrid", PRECISION, 0.0),
    ],
)
def test_the_softmax_shifted_loss_is_the_formula_written_out(variant, gains, shift, logits):
    alpha, beta = diagonal_and_columns(gains)
    ratio = (beta + shift) / alpha
    k = 1 + ratio.sum()
    assert k > 0
    q = np.exp(log_softmax(logits.numpy() - np.log(alpha)))
    u = (k * q - ratio)[range(BATCH), LABELS]
    positive = ratio[LABELS] > 0
    below = positive & (u < 0.01)
    with np.errstate(invalid="ignore"):
        by_hand = -np.where(below, np.log(0.01) + (u - 0.01) / 0.01, np.log(u))
    if variant == "linearised":
        assert below.any() and (positive & ~below).any()
    loss = bound(SoftmaxShifted(variant), gains)
    np.testing.assert_allclose(loss(logits, LABELS, rows=LABELS), by_hand)
    assert loss.weights(LABELS).eq(1).all()


def test_diagonal_and_columns_are_read_off_the_gains():
    alpha, beta = diagonal_and_columns(PRECISION)
    np.testing.assert_allclose(alpha, 1 + LAMBDA)
    np.testing.assert_allclose(beta, -0.4 * LAMBDA)


# Special cases.


def test_reweighted_with_diagonal_gains_is_weighted_cross_entropy(logits):
    loss = bound(RE_WEIGHTED, DIAGONAL)
    weight = torch.tensor(np.diag(DIAGONAL))
    expected = F.cross_entropy(logits, LABELS, weight=weight, reduction="none")
    torch.testing.assert_close(loss(logits, LABELS, rows=LABELS), expected)
    torch.testing.assert_close(
        loss(logits, LABELS, rows=LABELS).sum() / loss.weights(LABELS).sum(),
        F.cross_entropy(logits, LABELS, weight=weight),
    )


@pytest.mark.parametrize("scale", [1.0, 0.25, 1e6])
def test_logit_adjusted_with_inverse_priors_is_la(scale, logits):
    loss = bound(LogitAdjusted(), scale * np.diag(1 / PRIOR))
    la = VectorScaling(delta=LogPrior(1.0)).bind(COUNTS, "cpu")
    torch.testing.assert_close(loss(logits, LABELS, rows=LABELS), la(logits, LABELS, rows=LABELS))


def test_before_any_estimate_the_gains_are_those_of_average_recall(logits):
    la = VectorScaling(delta=LogPrior(1.0)).bind(COUNTS, "cpu")
    np.testing.assert_allclose(AverageRecall()(COUNTS[:, 0]), np.diag(0.25 / PRIOR))
    for spec in (LogitAdjusted(), HYBRID_B, SoftmaxShifted(), SoftmaxShifted("shifted")):
        first = spec.bind(COUNTS, "cpu")(logits, LABELS, rows=LABELS)
        torch.testing.assert_close(first, la(logits, LABELS, rows=LABELS))
    # d = 1/π and G = diag(1/(m π)): M is 1/m of the identity.
    first = HYBRID_A.bind(COUNTS, "cpu")
    torch.testing.assert_close(
        4 * first(logits, LABELS, rows=LABELS), la(logits, LABELS, rows=LABELS)
    )


def test_the_hybrid_with_the_gains_own_diagonal_is_logit_adjusted(logits):
    hybrid, adjusted = bound(HYBRID_B, DIAGONAL), bound(LogitAdjusted(), DIAGONAL)
    torch.testing.assert_close(
        hybrid(logits, LABELS, rows=LABELS), adjusted(logits, LABELS, rows=LABELS)
    )


def test_mixtures_are_those_of_the_coverage_problems():
    a, b = bound(HYBRID_A, 4 * COVERAGE), bound(HYBRID_B, COVERAGE)
    np.testing.assert_allclose(a.mixture, np.eye(4) + 4 * LAMBDA * PRIOR)
    assert b.mixture.diagonal().eq(1).all()
    np.testing.assert_allclose(b.mixture[0, 1:], (LAMBDA * PRIOR / (0.25 + LAMBDA * PRIOR))[1:])
    a = bound(HYBRID_A, 4 * BALANCED)
    np.testing.assert_allclose(a.mixture, np.eye(4) + LAMBDA * PRIOR / PRIOR[:, None])


def test_every_loss_with_the_identity_for_gains_is_cross_entropy(logits):
    expected = F.cross_entropy(logits, LABELS, reduction="none")
    specs = [RE_WEIGHTED, LogitAdjusted(), HYBRID_B]
    specs += [SoftmaxShifted(v) for v in ("shifted", "linearised", "hybrid")]
    for spec in specs:
        found = bound(spec, np.eye(4))(logits, LABELS, rows=LABELS)
        torch.testing.assert_close(found, expected)


# The minimum of the expected loss, for a known p.


def slope(loss: Callable[[torch.Tensor], torch.Tensor], s: np.ndarray) -> np.ndarray:
    """Derivative of the expected loss by the logits."""
    leaf = torch.tensor(s).requires_grad_()
    loss(leaf[None]).sum().backward()
    return leaf.grad.numpy()


def minimiser(loss: Callable[[torch.Tensor], torch.Tensor], start: np.ndarray) -> np.ndarray:
    """Logits that minimise the expected loss."""
    return minimize(
        lambda s: loss(torch.tensor(s)[None]).sum().item(),
        start,
        jac=lambda s: slope(loss, s),
        method="BFGS",
    ).x


def expected_loss(loss: BoundLoss, p: np.ndarray) -> Callable[[torch.Tensor], torch.Tensor]:
    """Σ_y p_y ℓ(s, y), by labels alone: what training sees of an input drawn again and again."""
    every = torch.arange(4)
    return lambda s: torch.tensor(p) * loss(s.expand(4, 4), every, rows=every)


def probabilities(n: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(4), n)


@pytest.mark.parametrize("gains", GAINS.values(), ids=GAINS)
@pytest.mark.parametrize("spec", HYBRIDS.values(), ids=HYBRIDS)
def test_a_hybrid_is_least_at_the_logarithm_of_the_expected_gains(spec, gains):
    """narasimhan2021training, Proposition 1: the argmax is the Bayes decision.

    The loss is convex in the logits, so where it is level it is least.
    """
    loss = bound(spec, gains)
    for p in probabilities(8):
        s = np.log(p @ non_negative(gains))
        np.testing.assert_allclose(slope(expected_loss(loss, p), s), 0, atol=1e-9)
        assert s.argmax() == (p @ gains).argmax()
        assert np.abs(slope(expected_loss(loss, p), s + np.eye(4)[1])).max() > 1e-3


@pytest.mark.parametrize("spec", HYBRIDS.values(), ids=HYBRIDS)
def test_over_groups_a_hybrid_decides_as_bayes_without_seeing_the_group(spec):
    """argmax_j Σ_gi G_gij p(g, i|x), at the minimum of the mean over labels and groups."""
    rng, rows = np.random.default_rng(0), torch.arange(8)
    gains = rng.standard_normal((2, 4, 4)) + 2 * np.eye(4)
    loss = bound(spec, gains, GROUPED)
    for p in rng.dirichlet(np.ones(8), 8).reshape(8, 2, 4):
        weights = torch.tensor(p.T.ravel())

        def mean(s, weights=weights):
            return weights * loss(s.expand(8, 4), rows // 2, rows=rows)

        expected = np.einsum("gi,gij->j", p, gains)
        raised = np.log(np.einsum("gi,gij->j", p, non_negative(gains)))
        np.testing.assert_allclose(slope(mean, raised), 0, atol=1e-9)
        found = minimiser(mean, np.zeros(4))
        assert found.argmax() == raised.argmax() == expected.argmax()


def test_the_logit_adjusted_loss_is_least_at_the_logarithm_of_the_expected_gains():
    loss = bound(LogitAdjusted(), DIAGONAL)
    for p in probabilities(8):
        s = np.log(p @ DIAGONAL)
        np.testing.assert_allclose(slope(expected_loss(loss, p), s), 0, atol=1e-9)


def test_a_search_ends_where_the_slope_says_that_it_should():
    loss, p = bound(HYBRID_A, GENTLE), np.array([0.4, 0.1, 0.3, 0.2])
    s, best = minimiser(expected_loss(loss, p), np.zeros(4)), np.log(p @ GENTLE)
    np.testing.assert_allclose(s - s.mean(), best - best.mean(), atol=1e-3)


@pytest.mark.parametrize(
    ("variant", "gains"),
    [
        ("shifted", GENTLE),
        ("linearised", GENTLE),
        ("linearised", COVERAGE),
        ("linearised", PRECISION),
        ("hybrid", PRECISION),
    ],
)
def test_softmax_shifted_recovers_the_probabilities_at_its_minimum(variant, gains):
    """K q − β/α = p and α q ∝ α p + β, so that the argmax is the Bayes decision.

    The loss is convex in q, and all of q is positive, so where it is level it is least. That is
    for probabilities above their shift and above epsilon; the others are below.
    """
    loss = bound(SoftmaxShifted(variant), gains)
    k, ratio = loss.log_k.exp().numpy(), loss.ratio.numpy()
    alpha = loss.log_alpha.exp().numpy()
    found = [p for p in probabilities(200) if (p > -ratio).all() and p.min() >= 0.01]
    assert len(found) > 3
    for p in found[:12]:
        s = np.log(alpha * (p + ratio))
        q = np.exp(log_softmax(s - np.log(alpha)))
        np.testing.assert_allclose(k * q - ratio, p)
        np.testing.assert_allclose(slope(expected_loss(loss, p), s), 0, atol=1e-9)
        assert s.argmax() == (p @ gains).argmax()


def test_the_shifted_variant_errs_where_a_class_is_less_likely_than_its_shift():
    """q_0 = 0 there, the mass that it lacks is taken from the others, and the decision turns."""
    gains = np.eye(4) + np.array([-0.5, 0.0, -0.2, 0.0])
    p = np.array([0.05, 0.33, 0.55, 0.07])
    assert not (p >= [0.5, 0, 0.2, 0]).all()
    loss = bound(SoftmaxShifted("shifted"), gains)
    s = minimiser(expected_loss(loss, p), np.zeros(4))
    assert (p @ gains).argmax() == 2
    assert s.argmax() != 2


def test_the_linearised_variant_errs_where_a_class_is_less_likely_than_epsilon():
    """A class that β alone would have chosen is given up: no example of it is ever seen there."""
    gains = np.eye(4) + np.array([0.0, 0.0, 0.0, 2.0])
    loss = bound(SoftmaxShifted("linearised"), gains)
    rare, seen = np.array([0.8, 0.1, 0.099, 0.001]), np.array([0.5, 0.2, 0.2, 0.1])
    assert (rare @ gains).argmax() == (seen @ gains).argmax() == 3
    start = np.array([0.0, 0.0, 0.0, 2.0])
    assert minimiser(expected_loss(loss, rare), start).argmax() == 0
    assert minimiser(expected_loss(loss, seen), start).argmax() == 3


def test_the_hybrid_variant_falls_back_and_returns_with_the_gains(logits):
    loss, hybrid = SoftmaxShifted("hybrid").bind(COUNTS, "cpu"), HYBRID_A.bind(COUNTS, "cpu")
    for gains, falls_back in ((PRECISION, False), (COVERAGE, True), (np.eye(4), False)):
        loss.set_gains(gains)
        hybrid.set_gains(gains)
        same = torch.allclose(
            loss(logits, LABELS, rows=LABELS), hybrid(logits, LABELS, rows=LABELS)
        )
        assert same == falls_back == bool(loss.falls_back)
        weighs = torch.allclose(loss.weights(LABELS), hybrid.weights(LABELS))
        assert weighs == falls_back


# Gains that change, or that a loss cannot take.


@pytest.mark.parametrize(
    "spec",
    [*HYBRIDS.values(), LogitAdjusted(), SoftmaxShifted(), SoftmaxShifted("hybrid")],
    ids=str,
)
def test_gains_are_copied_into_the_tensors_that_are_there(spec, logits):
    loss = spec.bind(COUNTS, "cpu")
    before = [value for value in vars(loss).values() if isinstance(value, torch.Tensor)]
    pointers, first = [t.data_ptr() for t in before], loss(logits, LABELS, rows=LABELS)
    loss.set_gains(DIAGONAL)
    after = [value for value in vars(loss).values() if isinstance(value, torch.Tensor)]
    assert pointers == [t.data_ptr() for t in after]
    assert not torch.allclose(first, loss(logits, LABELS, rows=LABELS))


@pytest.mark.parametrize("spec", [*HYBRIDS.values(), LogitAdjusted(), SoftmaxShifted()], ids=str)
def test_setting_gains_leaves_the_callers_array_alone(spec):
    gains = np.diag([0.0, 1.0, 2.0, 3.0])
    bound(spec, gains)
    np.testing.assert_array_equal(gains, np.diag([0.0, 1.0, 2.0, 3.0]))


@pytest.mark.parametrize("gains", [COVERAGE, BALANCED, PRECISION, -np.eye(4)])
def test_logit_adjusted_refuses_gains_that_it_has_no_place_for(gains):
    with pytest.raises(SpecError, match="for diagonal gains"):
        bound(LogitAdjusted(), gains)


@pytest.mark.parametrize("spec", [LogitAdjusted(), SoftmaxShifted(), SoftmaxShifted("hybrid")])
def test_gains_over_groups_are_refused_by_losses_of_one_shift(spec):
    with pytest.raises(SpecError, match=r"(?s)over classes, not over groups.*use a hybrid"):
        bound(spec, np.stack([np.eye(4)] * 2), GROUPED)


def test_softmax_shifted_refuses_gains_of_another_form():
    with pytest.raises(SpecError, match=r"for gains diag\(α\) \+ 1 βᵀ"):
        bound(SoftmaxShifted(), BALANCED)
    with pytest.raises(SpecError, match="α > 0"):
        bound(SoftmaxShifted(), np.eye(4) + np.array([2.0, 0, 0, 0]) - 2 * np.diag([2.0, 0, 0, 0]))


def test_the_shifted_variant_says_when_k_is_not_positive():
    with pytest.raises(SpecError, match=r"(?s)K = 1 .* = -5, and needs K > 0.*'linearised'"):
        bound(SoftmaxShifted("shifted"), np.eye(4) + np.array([2.0, 0, 0, 0]))


# What every loss must do.

ALL = {
    **HYBRIDS,
    "logit-adjusted": LogitAdjusted(),
    **{f"shifted, {v}": SoftmaxShifted(v) for v in ("shifted", "linearised", "hybrid")},
}


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_it_is_a_loss_and_hashable(spec):
    assert isinstance(spec, Loss) and isinstance(spec.bind(COUNTS, "cpu"), BoundLoss)
    assert hash(spec) == hash(spec)


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_a_batch_of_a_class_that_gains_nothing_has_a_mean(spec, logits):
    torch.set_default_dtype(torch.float32)
    loss, labels = bound(spec, np.diag([0.0, 1.0, 2.0, 3.0])), torch.zeros(BATCH, dtype=torch.int64)
    weights = loss.weights(labels)
    assert (weights > 0).all()
    assert (loss(logits.float(), labels, rows=labels).sum() / weights.sum()).isfinite()


@pytest.mark.parametrize("size", [1.0, 1e4])
@pytest.mark.parametrize("gains", [GENTLE, PRECISION, np.diag([0.0, 1, 1e6, 1])], ids=str)
@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_losses_and_slopes_are_finite_at_any_logits(spec, gains, size):
    torch.set_default_dtype(torch.float32)
    if isinstance(spec, LogitAdjusted):
        gains = np.diag(np.diag(gains))
    loss, labels = bound(spec, gains), torch.arange(4).repeat_interleave(4)
    logits = torch.full((16, 4), -size)
    logits[torch.arange(16), torch.arange(16) % 4] = size
    logits.requires_grad_()
    losses = loss(logits, labels, rows=labels)
    losses.sum().backward()
    assert losses.isfinite().all() and logits.grad.isfinite().all()


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_the_gradient_agrees_with_finite_differences(spec, logits):
    gains = np.diag(np.diag(GENTLE)) if isinstance(spec, LogitAdjusted) else GENTLE
    loss = bound(spec, gains)
    assert torch.autograd.gradcheck(lambda s: loss(s, LABELS, rows=LABELS), logits.requires_grad_())


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_groups_do_not_change_a_loss_over_classes(spec, logits):
    gains = np.diag(np.diag(GENTLE))
    plain, grouped = bound(spec, gains), bound(spec, gains, GROUPED)
    rows = LABELS * 2 + torch.arange(BATCH) // 4 % 2
    torch.testing.assert_close(
        grouped(logits, LABELS, rows=rows), plain(logits, LABELS, rows=LABELS)
    )
    torch.testing.assert_close(grouped.row_weights(rows), plain.weights(LABELS))


@pytest.mark.parametrize("spec", HYBRIDS.values(), ids=HYBRIDS)
def test_gains_that_are_alike_in_all_groups_are_gains_over_classes(spec, logits):
    rows = LABELS * 2 + torch.arange(BATCH) // 4 % 2
    one, each = bound(spec, COVERAGE, GROUPED), bound(spec, np.stack([COVERAGE] * 2), GROUPED)
    torch.testing.assert_close(each(logits, LABELS, rows=rows), one(logits, LABELS, rows=rows))
    torch.testing.assert_close(each.row_weights(rows), one.row_weights(rows))


@pytest.mark.parametrize("spec", HYBRIDS.values(), ids=HYBRIDS)
def test_gains_over_groups_are_the_formula_of_each_group(spec, logits):
    """Where d is given; with the gains' own diagonal, that of their mean by training counts."""
    gains = np.stack([COVERAGE, 3 * COVERAGE + np.eye(4)])
    share = GROUPED / GROUPED.sum(1, keepdims=True)
    middle = np.einsum("ig,gij->ij", share, gains)
    loss = bound(spec, gains, GROUPED)
    log_d = torch.tensor(np.log(np.diag(middle))) if spec.d == "gains" else loss.log_d
    torch.testing.assert_close(loss.log_d, log_d)
    logs = torch.log_softmax(logits - log_d, 1).numpy()
    for g in (0, 1):
        rows = LABELS * 2 + g
        by_hand = -((gains[g] / log_d.exp().numpy())[LABELS] * logs).sum(1)
        np.testing.assert_allclose(loss(logits, LABELS, rows=rows), by_hand)


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_half_precision_logits_are_taken_in_float32(spec, logits):
    torch.set_default_dtype(torch.float32)
    loss, half = spec.bind(COUNTS, "cpu"), logits.bfloat16()
    result = loss(half, LABELS, rows=LABELS)
    assert result.dtype == torch.float32
    assert torch.equal(result, loss(half.float(), LABELS, rows=LABELS))
