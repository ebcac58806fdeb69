"""Mixtures of Gaussians: what they hold, that seeds draw them anew, and their theory."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from evenhand.data.sources.mixtures import gaussian_mixture, group_gaussian_mixture
from evenhand.data.splits import make_splits
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Val
from evenhand.errors import DataError
from evenhand.suite.problems import resolve_problem

SMALL = {"n": 50, "d": 12, "n_test": 4000}


def theory(dataset, method, given=(), **of_method):
    entry = REGISTRY.get("dataset", dataset)
    settings = entry.resolve(dict(given)).settings
    return entry.facts["theory"](
        settings, method, REGISTRY.part("method", method, of_method).settings
    )


def test_counts_are_exact_and_the_test_split_has_as_many_of_each_cell():
    source = gaussian_mixture(pi=0.1, **SMALL)
    assert source.train.counts(2, 1).tolist() == [[45], [5]]
    assert source.test.counts(2, 1).tolist() == [[2000], [2000]]
    groups = group_gaussian_mixture(n=80, d=12, p=0.1, n_test=4000)
    assert groups.train.counts(2, 2).tolist() == [[36, 4], [36, 4]]
    assert groups.test.counts(2, 2).tolist() == [[1000, 1000], [1000, 1000]]


def test_examples_lie_around_their_means():
    source = gaussian_mixture(means="orthogonal", **SMALL)
    rare = source.test.pixels[source.test.labels == 1, 0, 0]
    rest = source.test.pixels[source.test.labels == 0, 0, 0]
    centre = rare.mean(0)
    assert np.linalg.norm(centre) == pytest.approx(4, abs=0.2)
    assert np.linalg.norm(rest.mean(0)) == pytest.approx(2, abs=0.2)
    assert centre @ rest.mean(0) == pytest.approx(0, abs=0.4)
    assert rare.std() ** 2 == pytest.approx(1 + 16 / 24, rel=0.1)


def test_groups_lie_on_both_sides_of_the_origin():
    test = group_gaussian_mixture(n=80, d=12, p=0.1, n_test=4000).test
    seen = test.pixels[:, 0, 0]
    means = [
        [seen[(test.labels == y) & (test.groups == g)].mean(0) for g in (0, 1)] for y in (0, 1)
    ]
    norms = [[np.linalg.norm(mean) for mean in row] for row in means]
    np.testing.assert_allclose(norms, [[2, 4], [2, 4]], atol=0.3)
    np.testing.assert_allclose(means[0], np.negative(means[1]), atol=0.3)


def test_fewer_features_are_the_first_of_the_same_draw():
    few, all_of_them = (
        gaussian_mixture(features=f, **SMALL).redraw(np.random.default_rng(3)) for f in (5, None)
    )
    np.testing.assert_array_equal(few.train.pixels, all_of_them.train.pixels[..., :5])


def test_noise_does_not_repeat_the_numbers_of_the_means():
    """Both would, if both came from the generator that 0 begins."""
    source = gaussian_mixture(n=200, d=300, norm_minus=0.0, n_test=20_000)
    direction = source.test.pixels[source.test.labels == 1, 0, 0].mean(0) / 4
    noise = source.train.pixels[source.train.labels == 0, 0, 0]
    assert np.abs(noise @ direction).max() < 5


@pytest.mark.parametrize("name", ["gaussian_mixture", "group_gaussian_mixture"])
def test_each_seed_draws_its_own_data_and_the_same_again(name):
    problem = resolve_problem(name, {"n": 60, "d": 10, "n_test": 40}, Val())
    source = REGISTRY.make("dataset", problem.dataset)
    elsewhere = pickle.loads(pickle.dumps(source))
    made = [
        make_splits(problem, origin, seed=seed, vary=("subset",)).summary.fingerprint
        for origin, seed in ((source, 1), (elsewhere, 1), (source, 2))
    ]
    assert made[0] == made[1] != made[2]
    fixed = [
        make_splits(problem, source, seed=s, vary=("init",)).summary.fingerprint for s in (1, 2)
    ]
    assert fixed[0] == fixed[1]


def test_what_would_leave_a_cell_empty_is_refused():
    with pytest.raises(DataError, match=r"0\.01 of 20 examples is 0"):
        gaussian_mixture(n=20, pi=0.01)
    with pytest.raises(DataError, match="400 features of 300 coordinates"):
        gaussian_mixture(features=400)


def test_theory_says_what_metrics_measure():
    found = theory(
        "gaussian_mixture", "cs_svm", {"n": 800, "d": 1600, "means": "orthogonal"}, delta=1.0
    )
    assert found["balanced_error"] == pytest.approx((0.5376 + 0.0019) / 2, abs=1e-3)
    assert found["train_weighted_error"] == pytest.approx(0.1 * 0.5376 + 0.9 * 0.0019, abs=1e-3)
    assert found["error_imbalance"] == pytest.approx(0.5376 - 0.0019, abs=1e-3)
    groups = theory("group_gaussian_mixture", "gs_svm", delta=1.0)
    assert groups == theory("group_gaussian_mixture", "svm")
    assert groups["worst_group_error"] == pytest.approx(
        groups["balanced_group_error"] + groups["signed_deo"] / 2
    )
    named = {entry.name for entry in REGISTRY.all("metric")}
    assert {*found, *groups} <= named


def test_theory_is_silent_where_it_has_nothing_to_say():
    assert theory("gaussian_mixture", "erm") is None
    assert theory("gaussian_mixture", "gs_svm") is None
    assert theory("gaussian_mixture", "svm", {"features": 10}) is None
    assert theory("group_gaussian_mixture", "cs_svm") is None
