"""Mean, deviation and interval: against SciPy, and as often right as they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from evenhand_reports.statistics.estimate import UNBOUNDED, estimate

VALUES = [0.7194, 0.7231, 0.7150, 0.7188, 0.7207]


def test_the_interval_is_students() -> None:
    found = estimate(VALUES, alpha=0.05)
    expected = stats.t.interval(0.95, 4, np.mean(VALUES), stats.sem(VALUES))

    assert found.mean == pytest.approx(sum(VALUES) / 5)
    assert found.sd == pytest.approx(np.std(VALUES, ddof=1))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(expected)
    assert found.n == 5


def test_one_seed_has_neither_deviation_nor_interval() -> None:
    found = estimate([0.7])

    assert (found.mean, found.sd, found.interval, found.n) == (0.7, None, None, 1)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = estimate([0.5, 0.5, 0.5])

    assert found.sd == 0
    assert found.interval is not None
    assert found.interval.low == found.interval.high == 0.5


@pytest.mark.parametrize("values", [[], [0.1, float("nan")]])
def test_what_is_not_a_number_is_refused(values: list[float]) -> None:
    with pytest.raises(AssertionError):
        estimate(values)


@pytest.mark.parametrize(("n", "alpha"), [(2, 0.05), (5, 0.05), (5, 0.2)])
def test_intervals_cover_the_truth_as_often_as_they_claim(n: int, alpha: float) -> None:
    rounds, rng = 4000, np.random.default_rng(0)
    intervals = [estimate(v, alpha=alpha).interval for v in rng.normal(0.7, 0.02, (rounds, n))]

    covered = np.mean([i is not None and i.low <= 0.7 <= i.high for i in intervals])

    assert covered == pytest.approx(1 - alpha, abs=4 * np.sqrt(alpha * (1 - alpha) / rounds))


BOUNDS = (0.0, 1.0)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.0, math.inf), (-1.0, 1.0), (-math.inf, 1.0)])
def test_intervals_stay_within_the_bounds(bounds: tuple[float, float]) -> None:
    found = estimate([0.9988, 0.6252], bounds=bounds).interval

    assert found is not None
    assert bounds[0] <= found.low < 0.812 < found.high <= bounds[1]
    assert all(map(math.isfinite, (found.low, found.high)))


def test_the_interval_of_a_bounded_score_is_that_of_the_logit() -> None:
    found = estimate(VALUES, bounds=BOUNDS).interval
    mean, error = np.mean(VALUES), stats.sem(VALUES)
    # The derivative of the logit by differences, not by our formula.
    slope = (special.logit(mean + 1e-6) - special.logit(mean - 1e-6)) / 2e-6
    expected = special.expit(stats.t.interval(0.95, 4, special.logit(mean), slope * error))

    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-6)


def test_the_interval_of_a_positive_score_is_that_of_the_log() -> None:
    values = [0.41, 0.52, 0.47]
    found = estimate(values, bounds=(0.0, math.inf)).interval
    mean = np.mean(values)
    expected = np.exp(stats.t.interval(0.95, 2, np.log(mean), stats.sem(values) / mean))

    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_an_error_and_its_accuracy_have_the_same_interval() -> None:
    accuracy = estimate(VALUES, bounds=BOUNDS).interval
    error = estimate([1 - value for value in VALUES], bounds=BOUNDS).interval

    assert accuracy is not None
    assert error is not None
    assert (1 - error.high, 1 - error.low) == pytest.approx((accuracy.low, accuracy.high))


def test_equal_values_on_a_bound_have_an_interval_of_no_width() -> None:
    found = estimate([1.0, 1.0, 1.0], bounds=BOUNDS).interval

    assert found is not None
    assert (found.low, found.high) == (1.0, 1.0)


def test_a_strict_level_at_two_seeds_has_finite_ends() -> None:
    found = estimate([0.1, 5.0], alpha=1e-6, bounds=(0.0, math.inf)).interval

    assert found is not None
    assert 0 <= found.low < found.high < math.inf


def test_a_value_outside_the_bounds_is_refused() -> None:
    with pytest.raises(AssertionError):
        estimate([0.5, 1.2], bounds=BOUNDS)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_near_a_bound_the_logit_covers_the_truth_more_often_than_t(n: int) -> None:
    # Beta scores of mean 0.97 and standard deviation 0.03: 95 % is nominal.
    rng, rounds, mean = np.random.default_rng(1), 3000, 0.97
    size = mean * (1 - mean) / 0.03**2 - 1
    scores = rng.beta(mean * size, (1 - mean) * size, (rounds, n))

    def covered(bounds: tuple[float, float]) -> float:
        found = [estimate(row, bounds=bounds).interval for row in scores]
        return float(np.mean([i is not None and i.low <= mean <= i.high for i in found]))

    assert covered(BOUNDS) > 0.92
    assert covered(BOUNDS) > covered(UNBOUNDED) + 0.02


def test_skewed_scores_are_covered_as_often_as_the_notes_state() -> None:
    rng, rounds = np.random.default_rng(2), 4000
    scores = 0.1 + 0.05 * rng.exponential(size=(rounds, 5))
    found = [estimate(row, bounds=BOUNDS).interval for row in scores]

    covered = np.mean([i is not None and i.low <= 0.15 <= i.high for i in found])

    assert covered == pytest.approx(0.89, abs=0.02)


def test_equal_scores_have_no_deviation_whatever_their_mean_is_rounded_to() -> None:
    for k in range(1, 10_000, 7):
        assert estimate([k / 10_000] * 5).sd == 0.0
