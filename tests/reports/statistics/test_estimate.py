"""Mean, deviation and interval: against SciPy, and as often right as they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.estimate import estimate

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
