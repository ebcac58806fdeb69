"""The paired test and Holm's correction, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.paired_tests import caveat, holm, p_values


def test_p_is_that_of_scipys_one_sample_test() -> None:
    differences = np.random.default_rng(0).normal(0.01, 0.02, (20, 5))

    np.testing.assert_allclose(p_values(differences), stats.ttest_1samp(differences, 0, axis=1)[1])


def test_one_seed_can_be_tested_in_no_way() -> None:
    assert np.isnan(p_values(np.array([[0.3], [0.0]]))).all()
    assert caveat(1, None) == "n = 1: a paired t-test needs n ≥ 2"


def test_no_difference_at_all_is_no_evidence() -> None:
    assert p_values(np.zeros((1, 5))) == 1


def test_a_difference_without_variance_is_not_judged() -> None:
    assert np.isnan(p_values(np.full((1, 5), 0.02)))
    assert "no variance" in caveat(5, None)


def test_rounding_is_no_variance() -> None:
    scores = np.array([0.71, 0.72, 0.73, 0.74, 0.75])

    assert np.isnan(p_values((scores + 0.02 - scores)[None]))


def test_holm_written_out() -> None:
    # Sorted: .01·4, .02·3, .03·2, .04·1, none smaller than the one before it.
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.04, 0.02])), [0.06, 0.04, 0.06, 0.06])


def test_holm_never_exceeds_one_and_keeps_the_order() -> None:
    p = np.random.default_rng(0).uniform(size=50)
    adjusted = holm(p)

    assert adjusted.max() <= 1
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted >= p).all()


def test_a_comparison_without_a_test_still_counts() -> None:
    adjusted = holm(np.array([0.02, np.nan, 0.5]))

    np.testing.assert_allclose(adjusted, [0.06, np.nan, 1.0])


def test_holm_of_nothing_is_nothing() -> None:
    assert holm(np.array([])).size == 0


@pytest.mark.parametrize("n", [3, 5])
def test_holm_holds_the_error_of_the_whole_family(n: int) -> None:
    alpha, rounds, rng = 0.05, 2000, np.random.default_rng(1)

    wrong = [(holm(p_values(d)) <= alpha).any() for d in rng.normal(0, 1, (rounds, 12, n))]

    assert np.mean(wrong) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / rounds)
