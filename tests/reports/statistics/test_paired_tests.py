"""Tests of comparisons: against SciPy, the closed test behind Holm, and the sign test."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics import paired_tests
from evenhand_reports.statistics.moderation import moderated_pairs
from evenhand_reports.statistics.paired_tests import (
    Comparison,
    caveat,
    declared_p_values,
    difference,
    holm,
)


def draw(rows: int, n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0.7, 0.02, (rows, n))


def test_with_two_rows_it_is_scipys_paired_test() -> None:
    table = draw(2, 5)
    pairs = moderated_pairs(table)
    expected = stats.ttest_rel(table[0], table[1])
    found = difference(pairs, 0, 1, alpha=0.05)

    assert paired_tests.p_values(pairs)[0, 1] == pytest.approx(expected.pvalue)
    assert paired_tests.name_of_test(pairs, 0, 1) == "paired t"
    assert found.interval is not None
    interval = expected.confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(interval))
    assert found.sd == pytest.approx(np.std(table[0] - table[1], ddof=1))


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_p_and_interval_are_those_of_t_with_the_moderated_variance(ratio: float) -> None:
    pairs = moderated_pairs(draw(8, 4))
    p = paired_tests.p_values(pairs, test_ratio=ratio)
    for i, j in combinations(range(8), 2):
        error = np.sqrt((1 / 4 + ratio) * pairs.variance[i, j])
        t = stats.t(pairs.df[i, j], scale=error)
        found = difference(pairs, i, j, alpha=0.1, test_ratio=ratio)

        assert p[i, j] == pytest.approx(2 * t.sf(abs(pairs.difference[i, j])))
        assert p[j, i] == p[i, j]
        assert found.interval is not None
        assert (found.interval.low, found.interval.high) == pytest.approx(
            (found.mean - t.ppf(0.95), found.mean + t.ppf(0.95))
        )
        assert (found.interval.low > 0 or found.interval.high < 0) == (p[i, j] < 0.1)


def test_one_seed_can_be_tested_in_no_way() -> None:
    pairs = moderated_pairs(draw(4, 1))

    assert np.isnan(paired_tests.p_values(pairs)).all()
    assert paired_tests.name_of_test(pairs, 0, 1) == "none"
    assert caveat(1, "none") == "n = 1: a paired test needs n ≥ 2"
    assert difference(pairs, 0, 1, alpha=0.05).interval is None


@pytest.mark.parametrize("n", [2, 5, 8])
def test_equal_differences_of_two_rows_get_the_exact_sign_test(n: int) -> None:
    scores = 0.7 + np.arange(n) / 100
    pairs = moderated_pairs(np.array([scores + 0.02, scores]))
    expected = stats.binomtest(n, n, 0.5).pvalue

    assert paired_tests.p_values(pairs)[0, 1] == pytest.approx(expected)
    assert paired_tests.name_of_test(pairs, 0, 1) == "sign"
    assert caveat(n, "sign") == "the same difference at every seed: exact sign test"


@pytest.mark.parametrize(("n", "bounded"), [(2, False), (5, False), (6, True)])
def test_the_sign_test_has_an_interval_only_where_it_can_reject(n: int, bounded: bool) -> None:
    scores = 0.7 + np.arange(n) / 100
    found = difference(moderated_pairs(np.array([scores + 0.02, scores])), 0, 1, alpha=0.05)

    assert found.sd == 0
    assert (found.interval is not None) == bounded
    assert not found.interval or found.interval.low == pytest.approx(0.02)


def test_no_difference_at_any_seed_is_no_evidence() -> None:
    assert paired_tests.p_values(moderated_pairs(np.full((2, 9), 0.7)))[0, 1] == 1


def test_equal_differences_are_tested_with_the_variance_of_the_other_pairs() -> None:
    table = draw(6, 4)
    table[1] = table[0] + 0.02
    pairs = moderated_pairs(table)
    t = 0.02 / np.sqrt(pairs.variance[0, 1] / 4)

    assert paired_tests.name_of_test(pairs, 0, 1) == "moderated t"
    found = paired_tests.p_values(pairs)[0, 1]
    assert found == pytest.approx(2 * stats.t.sf(t, pairs.df[0, 1]))


def test_pairs_with_missing_seeds_use_the_seeds_that_they_share() -> None:
    table = draw(2, 6)
    table[0, 0] = table[1, 4] = np.nan
    kept = [1, 2, 3, 5]

    found = paired_tests.p_values(moderated_pairs(table))[0, 1]
    assert found == pytest.approx(stats.ttest_rel(table[0, kept], table[1, kept]).pvalue)


def test_holm_written_out() -> None:
    # Sorted: .01·4, .02·3, .03·2, .04·1, none smaller than the one before it.
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.04, 0.02])), [0.06, 0.04, 0.06, 0.06])


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    """A hypothesis is rejected if Bonferroni rejects every intersection that contains it."""
    p = np.random.default_rng(3).uniform(size=6) ** 3
    subsets = [s for size in range(1, 7) for s in combinations(range(6), size)]
    closed = [max(min(1, len(s) * p[list(s)].min()) for s in subsets if i in s) for i in range(6)]

    np.testing.assert_allclose(holm(p), closed)


def test_holm_never_exceeds_one_and_keeps_the_order() -> None:
    p = np.random.default_rng(0).uniform(size=50)
    adjusted = holm(p)

    assert adjusted.max() <= 1
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted >= p).all()


def test_a_comparison_without_a_test_still_counts() -> None:
    np.testing.assert_allclose(holm(np.array([0.02, np.nan, 0.5])), [0.06, np.nan, 1.0])


def test_holm_of_nothing_is_nothing() -> None:
    assert holm(np.array([])).size == 0


def test_only_declared_pairs_are_in_the_family() -> None:
    p = paired_tests.p_values(moderated_pairs(draw(6, 4)))
    declared = [(0, 1), (0, 2), (3, 4)]

    np.testing.assert_array_equal(
        declared_p_values(p, declared), holm(np.array([p[0, 1], p[0, 2], p[3, 4]]))
    )
    assert declared_p_values(p, []).size == 0


def test_a_comparison_is_decided_at_alpha_and_never_without_a_test() -> None:
    found = difference(moderated_pairs(draw(3, 4)), 0, 1, alpha=0.05)

    assert Comparison("a", "b", found, p=0.05, adjusted=0.05).is_decided(0.05)
    assert not Comparison("a", "b", found, p=0.02, adjusted=0.06).is_decided(0.05)
    assert not Comparison("a", "b", found, p=None, adjusted=None).is_decided(0.05)


def test_equal_differences_of_folds_have_no_test() -> None:
    table = np.array([[0.5, 0.6, 0.7, 0.8, 0.9, 0.7], [0.4, 0.5, 0.6, 0.7, 0.8, 0.6]])
    pairs = moderated_pairs(table)

    assert paired_tests.p_values(pairs)[0, 1] == 2.0**-5
    assert np.isnan(paired_tests.p_values(pairs, test_ratio=0.25)[0, 1])
    assert paired_tests.name_of_test(pairs, 0, 1, test_ratio=0.25) == "none"
    assert "folds are not independent" in paired_tests.caveat(6, "none")
