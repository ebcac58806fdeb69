"""The asymptotic max-margin classifier: its equations, its known numbers, and simulated data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from evenhand.data.sources.mixtures import gaussian_mixture, group_gaussian_mixture
from evenhand.refits.margins import CostSensitiveMargin, GroupMargin
from evenhand.theory.gaussian_mixture import cost_sensitive, group_sensitive, two_labels
from evenhand.theory.max_margin import half_square, max_margin

MEANS = np.array([[4.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize("a", [-6.0, -1.0, 0.0, 0.7, 4.0])
def test_the_closed_form_is_the_integral(a):
    by_hand, _ = quad(lambda g: (g + a) ** 2 * norm.pdf(g), -np.inf, -a)
    np.testing.assert_allclose(half_square(np.array([a])), [by_hand], rtol=1e-6, atol=1e-12)


def test_half_square_neither_overflows_nor_goes_below_zero():
    values = half_square(np.array([-1e6, -40.0, 40.0, 1e6]))
    assert np.isfinite(values).all() and (values >= 0).all()


def test_the_numbers_checked_by_hand_come_out():
    """n = 800, d = 1600, ‖μ_+‖ = 4, ‖μ_−‖ = 2, orthogonal, π = 0.1, δ = 1."""
    svm = cost_sensitive(MEANS, 0.1, 2.0)
    errors = svm.errors(1.0)
    assert svm.of_svm.q == pytest.approx(0.369, abs=5e-4)
    assert svm.of_svm.b == pytest.approx(-0.863, abs=5e-4)
    assert svm.of_svm.loads == pytest.approx([2.24, 0.561], abs=5e-3)
    assert (errors.plus, errors.minus) == pytest.approx((0.538, 0.0019), abs=5e-4)


@pytest.mark.parametrize("intercept", [True, False])
def test_the_solution_is_a_stationary_zero_of_eta(intercept):
    """η and its slopes in ρ and b, written out with integrals and differences."""
    gamma, margins = 1.5, np.array([3.0, 1.0])
    mixture = two_labels(MEANS, 0.1)
    found = max_margin(mixture, margins, gamma, intercept=intercept)
    rho = np.linalg.lstsq(mixture.carriers, found.loads, rcond=None)[0]

    def eta(rho, b):
        shift = mixture.carriers @ rho + (b * mixture.labels - margins) / found.q
        slack = [quad(lambda g, a=a: min(g + a, 0) ** 2 * norm.pdf(g), -9, 9)[0] for a in shift]
        return mixture.shares @ slack - (1 - rho @ rho) * gamma

    steps = [(h, 0.0) for h in np.eye(2) * 1e-3] + ([(np.zeros(2), 1e-3)] if intercept else [])
    slopes = [
        (eta(rho + up, found.b + on) - eta(rho - up, found.b - on)) / 2e-3 for up, on in steps
    ]
    assert eta(rho, found.b) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(slopes, 0, atol=1e-5)
    assert rho @ rho <= 1 and (intercept or found.b == 0)


@pytest.mark.parametrize("delta", [0.5, 2.0, 7.0])
def test_cs_svm_is_an_affine_map_of_svm(delta):
    solved = max_margin(two_labels(MEANS, 0.1), np.array([delta, 1.0]), 2.0)
    mapped = cost_sensitive(MEANS, 0.1, 2.0).limit(delta)
    assert (solved.q, solved.b) == pytest.approx((mapped.q, mapped.b), rel=1e-6)
    np.testing.assert_allclose(solved.loads, mapped.loads, rtol=1e-6)


@pytest.mark.parametrize("intercept", [True, False])
def test_no_delta_is_better_than_the_best(intercept):
    svm = cost_sensitive(MEANS, 0.1, 2.0, intercept=intercept)
    others = [svm.errors(svm.best_delta * factor).balanced for factor in (0.5, 0.99, 1.01, 2.0)]
    assert min(others) > svm.errors(svm.best_delta).balanced


def test_at_the_best_delta_both_labels_are_wrong_equally_often():
    svm = cost_sensitive(MEANS, 0.1, 2.0)
    errors = svm.errors(svm.best_delta)
    assert errors.plus == pytest.approx(errors.minus, rel=1e-6)
    assert errors.balanced == pytest.approx(norm.sf(svm.of_svm.loads.mean()))


def test_where_every_larger_delta_is_better_the_best_is_infinite():
    svm = cost_sensitive(0.3 * MEANS, 0.1, 0.5)
    assert svm.best_delta == np.inf
    found = [svm.errors(delta).balanced for delta in (1.0, 10.0, 100.0, 1e4)]
    assert found == sorted(found, reverse=True) and len({*found}) == 4


def threshold(means: np.ndarray, *, intercept: bool) -> float:
    """The γ = d/n above which a line separates the labels, by bisection."""
    low, high = 0.01, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        separates = cost_sensitive(means, 0.1, middle, intercept=intercept) is not None
        low, high = (low, middle) if separates else (middle, high)
    return high


@pytest.mark.parametrize("intercept", [True, False])
def test_the_weights_diverge_at_the_threshold_and_it_is_below_one_half(intercept):
    means = 0.4 * MEANS
    border = threshold(means, intercept=intercept)
    near, far = (cost_sensitive(means, 0.1, border * f, intercept=intercept) for f in (1.01, 2.0))
    assert border < 0.5
    assert near.of_svm.q > 10 > far.of_svm.q


def test_labels_without_signal_are_separable_from_one_half():
    assert threshold(np.zeros((2, 2)), intercept=False) == pytest.approx(0.5, abs=2e-4)


def test_a_point_cloud_of_one_group_is_the_mixture_of_two_labels():
    means = np.array([[2.0, 1.0], [2.0, 1.0]])
    groups = group_sensitive(means, 0.3, 1.5, 1.0).by_cell
    labels = cost_sensitive(means * [[1], [-1]], 0.5, 1.5).errors(1.0)
    np.testing.assert_allclose(groups, [[labels.plus] * 2, [labels.minus] * 2], rtol=1e-6)


def test_a_larger_delta_trades_one_group_for_the_other():
    errors = [group_sensitive(MEANS, 0.05, 1.0, delta) for delta in (1.0, 2.0, 4.0, 8.0)]
    deo = [found.deo for found in errors]
    assert deo == sorted(deo, reverse=True) and deo[0] > 0 > deo[-1]


N, REPEATS = 800, 4
"""Examples, and draws of them: the text's size, and few enough to be quick."""


def wrong_by_cell(source, refit, seed):
    """[labels, groups] shares of the test examples that a refit on a fresh draw has wrong."""
    drawn = source.redraw(np.random.default_rng(seed))
    train, test = drawn.train, drawn.test
    shape = len(drawn.classes), len(drawn.groups)
    features = train.pixels[:, 0, 0].astype(np.float64)
    solved = refit.solve(
        features,
        train.labels,
        train.groups,
        training=features,
        counts=train.counts(*shape),
        randomness=np.random.default_rng(0),
    )
    wrong = (test.pixels[:, 0, 0] @ solved.weight.T + solved.bias).argmax(1) != test.labels
    return test[np.flatnonzero(wrong)].counts(*shape) / test.counts(*shape)


def agree(found, expected):
    """Within four standard errors over the draws, or the four thousandths that n = 800 is short."""
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    return np.all(np.abs(found.mean(0) - expected) < 4 * error + 0.004)


@pytest.mark.parametrize("delta", [1.0, 3.0])
def test_theory_and_simulation_of_cs_svm_agree(delta):
    source = gaussian_mixture(n=N, d=800, means="orthogonal", n_test=6000)
    refit = CostSensitiveMargin(delta)
    found = np.stack([wrong_by_cell(source, refit, seed)[:, 0] for seed in range(REPEATS)])
    errors = cost_sensitive(MEANS, 0.1, 1.0).errors(delta)
    assert agree(found, [errors.minus, errors.plus])


def test_theory_and_simulation_through_the_origin_agree():
    source = gaussian_mixture(n=N, d=800, means="orthogonal", n_test=6000)
    refit = CostSensitiveMargin(3.0, intercept=False)
    found = np.stack([wrong_by_cell(source, refit, seed)[:, 0] for seed in range(REPEATS)])
    errors = cost_sensitive(MEANS, 0.1, 1.0, intercept=False).errors(3.0)
    assert agree(found, [errors.minus, errors.plus])


@pytest.mark.parametrize("delta", [1.0, 2.5])
def test_theory_and_simulation_of_gs_svm_agree(delta):
    source = group_gaussian_mixture(n=N, d=800, p=0.1, n_test=6000)
    refit = GroupMargin(delta)
    found = np.stack([wrong_by_cell(source, refit, seed) for seed in range(REPEATS)])
    expected = group_sensitive(MEANS, 0.1, 1.0, delta).by_cell
    assert agree(found, expected[::-1, ::-1])
