"""Moderated variances: against the formulas written out, maximum likelihood, and in edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

from evenhand_reports.statistics.moderation import (
    _prior,
    inverse_trigamma,
    moderated_pairs,
    scatters_alike,
)


def draw(rows: int, n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0.7, 0.01, (rows, n)) * np.exp2(rng.uniform(-0.5, 0.5, (rows, 1)))


def own_variances(table: np.ndarray) -> np.ndarray:
    return np.array([[np.var(a - b, ddof=1) for b in table] for a in table])


@pytest.mark.parametrize("value", [1e-8, 0.01, 0.5, np.pi**2 / 6, 40.0, 1e6])
def test_the_inverse_of_trigamma_is_its_root(value: float) -> None:
    root = optimize.brentq(
        lambda log: np.log(special.polygamma(1, np.exp(log)) / value), -20, 30, xtol=1e-13
    )

    assert inverse_trigamma(value) == pytest.approx(np.exp(root), rel=1e-8)


def test_trigamma_of_one_is_inverted_exactly() -> None:
    assert inverse_trigamma(np.pi**2 / 6) == pytest.approx(1)


@pytest.mark.parametrize(("rows", "n", "seed"), [(4, 5, 3), (8, 3, 3), (16, 10, 3)])
def test_the_prior_has_the_moments_of_the_log_variances(rows: int, n: int, seed: int) -> None:
    """log(s²/s₀²) has the distribution of log F(n − 1, d), whose two moments are known."""
    table = draw(rows, n, seed)
    logs = np.log(own_variances(table)[np.triu_indices(rows, 1)])
    prior = moderated_pairs(table).prior
    half = (n - 1) / 2

    assert prior is not None and np.isfinite(prior.df)
    mean = np.log(prior.variance * prior.df / (n - 1))
    mean += special.digamma(half) - special.digamma(prior.df / 2)
    variance = special.polygamma(1, half) + special.polygamma(1, prior.df / 2)
    assert logs.mean() == pytest.approx(mean)
    assert logs.var(ddof=1) == pytest.approx(variance)


@pytest.mark.parametrize(("d", "n"), [(4.0, 5), (5.0, 3), (10.0, 10)])
def test_the_prior_is_near_that_of_maximum_likelihood(d: float, n: int) -> None:
    rows, scale = 120, 3e-4
    rng = np.random.default_rng(5)
    upper = np.triu_indices(rows, 1)
    drawn = scale * stats.f.rvs(n - 1, d, size=len(upper[0]), random_state=rng)
    own = np.zeros((rows, rows))
    own[upper] = drawn
    own += own.T

    def loss(logs: np.ndarray) -> float:
        variance, df = np.exp(logs)
        return -float((stats.f.logpdf(drawn / variance, n - 1, df) - np.log(variance)).sum())

    likeliest = np.exp(optimize.minimize(loss, np.log([scale, d]), method="Nelder-Mead").x)
    found = _prior(own, np.full_like(own, n - 1.0))

    assert found is not None
    assert (found.variance, found.df) == pytest.approx(tuple(likeliest), rel=0.2)
    assert (found.variance, found.df) == pytest.approx((scale, d), rel=0.2)


@pytest.mark.parametrize(("rows", "n", "seed"), [(4, 5, 3), (8, 3, 3), (16, 10, 3)])
def test_the_moderated_variance_is_the_weighted_mean_of_own_and_prior(
    rows: int, n: int, seed: int
) -> None:
    pairs = moderated_pairs(draw(rows, n, seed))
    prior = pairs.prior
    assert prior is not None
    weight = [min(1, rows * q) for q in pairs.atypical]
    for i in range(rows):
        for j in set(range(rows)) - {i}:
            borrowed = min(prior.df, (rows - 2) * (n - 1)) * min(weight[i], weight[j])
            mean = (borrowed * prior.variance + (n - 1) * pairs.own[i, j]) / (borrowed + n - 1)
            assert pairs.variance[i, j] == pytest.approx(mean)
            assert pairs.df[i, j] == pytest.approx(borrowed + n - 1)


def test_a_row_is_atypical_by_the_tail_of_f() -> None:
    table = draw(8, 4, 3)
    pairs = moderated_pairs(table)
    assert pairs.prior is not None
    own = own_variances(table)
    for i, q in enumerate(pairs.atypical):
        ratio = stats.gmean(np.delete(own[i], i)) / pairs.prior.variance
        expected = stats.f.sf(max(2 * ratio - 1, 0), 3, pairs.prior.df)
        assert q == pytest.approx(expected, rel=1e-6)


def test_differences_are_those_of_the_seeds_that_both_rows_have() -> None:
    table = draw(4, 6)
    table[1, 0] = table[2, 3] = np.nan
    pairs = moderated_pairs(table)
    common = table[1, [1, 2, 4, 5]] - table[2, [1, 2, 4, 5]]

    assert pairs.n.tolist() == [[6, 5, 5, 6], [5, 5, 4, 5], [5, 4, 5, 5], [6, 5, 5, 6]]
    assert pairs.difference[1, 2] == pytest.approx(common.mean())
    assert pairs.own[1, 2] == pytest.approx(common.var(ddof=1))


def test_an_effect_of_the_seed_on_all_rows_changes_nothing() -> None:
    table = draw(6, 5)
    shifted = moderated_pairs(table + np.array([0.1, -0.2, 0.0, 0.05, 0.3]))

    np.testing.assert_allclose(shifted.variance, moderated_pairs(table).variance, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_variances_follow_the_unit_and_degrees_of_freedom_do_not(scale: float) -> None:
    table = draw(8, 5, 3)
    one, other = moderated_pairs(table), moderated_pairs(scale * table)
    i, j = np.triu_indices(8, 1)

    np.testing.assert_allclose(other.variance[i, j], scale**2 * one.variance[i, j], rtol=1e-6)
    np.testing.assert_allclose(other.df[i, j], one.df[i, j], rtol=1e-6)


def test_rows_that_are_alike_share_all_their_degrees_of_freedom_at_most() -> None:
    rows, n = 6, 4
    found = [moderated_pairs(np.random.default_rng(s).normal(size=(rows, n))) for s in range(40)]

    assert any(pairs.prior and np.isinf(pairs.prior.df) for pairs in found)
    assert max(pairs.df.max() for pairs in found) == (rows - 1) * (n - 1)


def test_a_row_that_scatters_clearly_more_borrows_next_to_nothing() -> None:
    table = np.random.default_rng(0).normal(size=(16, 10))
    table[3] *= 10
    pairs = moderated_pairs(table)
    others = np.delete(np.arange(16), 3)

    assert pairs.df[3, others].max() < 9 + 0.5
    assert pairs.df[0, 1] > 9 + 2
    assert scatters_alike(pairs, 0.05)[others].all()


def test_two_rows_and_one_seed_have_nothing_to_borrow() -> None:
    two, one = moderated_pairs(draw(2, 5)), moderated_pairs(draw(5, 1))

    assert two.prior is one.prior is None
    assert two.variance[0, 1] == two.own[0, 1]
    assert two.df[0, 1] == 4
    assert np.isnan(one.variance).all() and not one.df.any()


def test_equal_differences_have_the_variance_of_the_others() -> None:
    table = draw(6, 5)
    table[1] = table[0] + 0.02
    pairs = moderated_pairs(table)

    assert pairs.prior is not None
    assert pairs.own[0, 1] == 0
    borrowed = pairs.df[0, 1] - 4
    assert borrowed > 0
    assert pairs.variance[0, 1] == pytest.approx(borrowed * pairs.prior.variance / pairs.df[0, 1])


@pytest.mark.parametrize("table", [np.full((4, 5), 0.7), 0.7 + np.arange(4)[:, None] * np.ones(5)])
def test_where_all_differences_are_equal_there_is_no_variance(table: np.ndarray) -> None:
    pairs = moderated_pairs(table)

    assert pairs.prior is None
    assert not pairs.variance.any()


def test_a_row_without_scores_leaves_the_others_as_they_are() -> None:
    table = draw(5, 5)
    table[2] = np.nan
    pairs, kept = moderated_pairs(table), [0, 1, 3, 4]
    alone = moderated_pairs(table[kept])

    assert pairs.prior == alone.prior
    assert np.isnan(pairs.variance[2]).all()
    np.testing.assert_allclose(pairs.own[np.ix_(kept, kept)], alone.own)
