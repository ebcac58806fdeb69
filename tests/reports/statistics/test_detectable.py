"""Power calculations: against SciPy's noncentral t, and for their order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.detectable import (
    MOST_SEEDS,
    power,
    seeds_needed,
    smallest_detectable,
)
from evenhand_reports.statistics.moderation import moderated_pairs
from evenhand_reports.statistics.paired_tests import of_family


def with_baseline(rows: int) -> list[tuple[int, int]]:
    return [(0, i) for i in range(1, rows)]


def draw(rows: int, n: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0.7, 0.01, (rows, n))


@pytest.mark.parametrize("df", [2.0, 4.0, 30.5])
@pytest.mark.parametrize("shift", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("level", [0.05, 0.001])
def test_power_is_the_tail_of_the_noncentral_t(df: float, shift: float, level: float) -> None:
    expected = stats.nct.sf(stats.t.ppf(1 - level / 2, df), df, shift)

    assert power(shift, df, level) == pytest.approx(expected, abs=1e-9)


def test_power_with_all_degrees_of_freedom_is_that_of_the_normal_test() -> None:
    assert power(2.8, np.inf, 0.05) == pytest.approx(stats.norm.sf(1.959964 - 2.8), abs=1e-4)


def test_without_a_difference_half_of_the_level_is_left_on_each_side() -> None:
    assert power(0.0, 8.0, 0.04) == pytest.approx(0.02)


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_the_smallest_difference_has_power_80_at_bonferronis_level(ratio: float) -> None:
    declared = with_baseline(16)
    pairs = of_family(moderated_pairs(draw(16, 5)), declared)
    found = smallest_detectable(pairs, declared, alpha=0.05, test_ratio=ratio)
    assert found is not None
    df = np.median(pairs.df[0, 1:])
    shift = found / np.sqrt(np.median(pairs.variance[0, 1:]) * (1 / 5 + ratio))

    assert stats.nct.sf(stats.t.ppf(1 - 0.05 / 30, df), df, shift) == pytest.approx(0.8)


def test_more_comparisons_and_fewer_seeds_hide_more() -> None:
    table = draw(16, 10)

    def smallest(n: int, comparisons: int) -> float:
        pairs = moderated_pairs(table[:, :n])
        found = smallest_detectable(pairs, [(0, 1)] * comparisons, alpha=0.05)
        assert found is not None
        return found

    assert smallest(10, 15) < smallest(10, 60)
    assert smallest(10, 15) < smallest(3, 15)


@pytest.mark.parametrize("shape", [(5, 1), (1, 5)])
def test_without_a_variance_nothing_is_stated(shape: tuple[int, int]) -> None:
    declared = with_baseline(shape[0])
    assert smallest_detectable(moderated_pairs(draw(*shape)), declared, alpha=0.05) is None


@pytest.mark.parametrize("difference", [0.5, 1.0, -2.0])
@pytest.mark.parametrize("borrowed", [0.0, 12.0])
def test_the_number_of_seeds_is_the_first_with_power_80(difference: float, borrowed: float) -> None:
    n = seeds_needed(difference, 2.0, borrowed, comparisons=5, alpha=0.05)
    assert n is not None

    def at(n: int) -> float:
        df, shift = borrowed + n - 1, abs(difference) * np.sqrt(n / 2.0)
        return float(stats.nct.sf(stats.t.ppf(1 - 0.05 / 10, df), df, shift))

    assert at(n) >= 0.8 > at(n - 1)


def test_tiny_differences_need_more_seeds_than_are_counted() -> None:
    found = seeds_needed(1e-4, 1.0, 10.0, comparisons=5, alpha=0.05)

    assert found == MOST_SEEDS + 1


@pytest.mark.parametrize(
    ("difference", "variance"), [(0.0, 1.0), (np.nan, 1.0), (1.0, 0.0), (1.0, np.nan)]
)
def test_without_a_difference_or_a_variance_no_number_is_stated(
    difference: float, variance: float
) -> None:
    assert seeds_needed(difference, variance, 10.0, comparisons=5, alpha=0.05) is None


def test_no_smallest_difference_is_stated_where_its_distribution_cannot_be_computed() -> None:
    pairs = moderated_pairs(np.random.default_rng(0).normal(0.7, 0.01, (4, 2)))
    alone = replace(pairs, df=np.ones_like(pairs.df))

    assert smallest_detectable(alone, [(0, 1)] * 100_000, alpha=0.05) is None
    assert smallest_detectable(alone, [(0, 1)], alpha=0.05) is not None
