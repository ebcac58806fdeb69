"""The sequential paired t-test: its error rates, its power, and its bound by other means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.sequential import SequentialTest

SEQUENCES = 4_000
ALPHA = 0.05
DESIGNS = [(3, 10), (5, 20), (10, 20)]


def rejections(differences, first: int, most: int) -> np.ndarray:
    """The number of seeds at which SciPy's t-test first has p ≤ c; 0 where it never has."""
    bound, found = SequentialTest(first, most, ALPHA).bound, np.zeros(len(differences), int)
    for n in range(most, first - 1, -1):
        p = stats.ttest_1samp(differences[:, :n], 0.0, axis=1).pvalue
        found[p <= bound] = n
    return found


def normal(rng, shape):
    return rng.normal(size=shape)


def exponential(rng, shape):
    return rng.exponential(size=shape)


def collapse(rng, shape):
    """Scores of which a fifth collapse by 25 times the deviation of the others."""
    return rng.normal(scale=0.02, size=shape) - 0.5 * (rng.random(shape) < 0.2)


@pytest.mark.parametrize("scores", [normal, exponential, collapse])
@pytest.mark.parametrize(("first", "most"), DESIGNS)
def test_equal_rows_are_separated_at_most_as_often_as_stated(scores, first, most):
    rng = np.random.default_rng(0)
    shape = (SEQUENCES, most)
    found = rejections(scores(rng, shape) - scores(rng, shape), first, most)
    assert np.mean(found > 0) <= 1.2 * ALPHA


def test_skewed_rows_beside_normal_ones_of_equal_variance_are_as_rare():
    rng = np.random.default_rng(0)
    differences = rng.exponential(size=(SEQUENCES, 20)) - 1 - rng.normal(size=(SEQUENCES, 20))
    assert np.mean(rejections(differences, 5, 20) > 0) <= 1.2 * ALPHA


@pytest.mark.parametrize(("first", "most"), DESIGNS)
def test_the_level_is_used_up_under_normal_differences(first, most):
    differences = np.random.default_rng(1).normal(size=(SEQUENCES, most))
    # Three standard errors of a share of 5 % are 1.03 points.
    assert np.mean(rejections(differences, first, most) > 0) == pytest.approx(ALPHA, abs=0.0104)


def test_one_look_has_the_level_itself():
    assert SequentialTest(5, 5, ALPHA).bound == pytest.approx(ALPHA, rel=0.03)


def test_the_bound_of_two_looks_is_that_of_the_area_on_a_sphere():
    """Direction of three normal differences is uniform on a sphere, and both t depend on it."""
    bound = SequentialTest(2, 3, ALPHA).bound
    height, angle = np.meshgrid(
        (np.arange(2000) + 0.5) / 1000 - 1, (np.arange(2000) + 0.5) * np.pi / 1000
    )
    radius = np.sqrt(1 - height**2)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle), height])
    t2 = (x[0] + x[1]) / np.abs(x[0] - x[1])
    t3 = x.mean(0) / (x.std(0, ddof=1) / np.sqrt(3))
    reached = (np.abs(t2) >= stats.t.isf(bound / 2, 1)) | (np.abs(t3) >= stats.t.isf(bound / 2, 2))
    assert reached.mean() == pytest.approx(ALPHA, rel=0.03)


def test_a_difference_is_found_about_as_often_as_at_a_fixed_number_with_fewer_seeds():
    """A difference of one standard deviation; at 20 seeds fixed beforehand, power is 0.99."""
    differences = np.random.default_rng(2).normal(1.0, size=(SEQUENCES, 20))
    found = rejections(differences, 5, 20)
    fixed = stats.ttest_1samp(differences, 0.0, axis=1).pvalue <= ALPHA
    assert fixed.mean() > 0.98
    assert np.mean(found > 0) > 0.94
    assert np.where(found, found, 20).mean() < 12


def test_the_interval_of_any_look_covers_the_true_difference_as_often_as_stated():
    test, missed = SequentialTest(5, 12, ALPHA), 0
    differences = np.random.default_rng(3).normal(0.4, size=(SEQUENCES, 12))
    for n in range(5, 13):
        given = differences[:, :n]
        half = stats.t.isf(test.bound / 2, n - 1) * stats.sem(given, axis=1)
        missed = missed | (np.abs(given.mean(1) - 0.4) > half)
    assert np.mean(missed) == pytest.approx(ALPHA, abs=0.0104)


def test_looks_have_the_p_values_of_scipy_and_end_at_the_first_that_rejects():
    test = SequentialTest(3, 10, ALPHA)
    differences = [0.03, -0.01, 0.02, 0.025, 0.03, 0.02, 0.03, 0.028, 0.5, 0.1, 0.2]
    looks = test.looks(differences)
    assert [look.n for look in looks] == list(range(3, 3 + len(looks)))
    for look in looks:
        assert look.p == pytest.approx(stats.ttest_1samp(differences[: look.n], 0.0).pvalue)
        excludes = look.estimate.interval.low > 0 or look.estimate.interval.high < 0
        assert excludes == test.rejects(look) == (look is looks[-1])
    assert looks[-1].n == 7


def test_looks_do_not_change_when_further_seeds_are_there():
    test, rng = SequentialTest(3, 10, ALPHA), np.random.default_rng(4)
    differences = rng.normal(0.5, size=10).tolist()
    every = test.looks(differences)
    for n in range(11):
        assert test.looks(differences[:n]) == every[: max(0, n - 2)]


def test_equal_differences_get_the_sign_test():
    looks = SequentialTest(3, 20, ALPHA).looks([0.25] * 20)
    bound = SequentialTest(3, 20, ALPHA).bound

    assert [look.p for look in looks] == [2.0 ** (1 - look.n) for look in looks]
    assert looks[-1].p <= bound < looks[-2].p
    assert looks[-2].estimate.interval is None
    assert [look.p for look in SequentialTest(3, 6, ALPHA).looks([0.0] * 6)] == [1.0] * 4


@pytest.mark.parametrize("alpha", [1e-3, 1e-6])
def test_the_bound_of_a_level_that_is_not_resolved_is_bonferronis(alpha: float):
    assert SequentialTest(5, 20, alpha).bound == alpha / 16


def test_a_look_after_equal_differences_has_a_test_again():
    looks = SequentialTest(3, 6, ALPHA).looks([0.25, 0.25, 0.25, 0.5])
    assert looks[0].p == 0.25
    assert looks[1].p == pytest.approx(stats.ttest_1samp([0.25] * 3 + [0.5], 0.0).pvalue)
