"""The corrected resampled variance, against its formula and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics import paired_tests
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.statistics.moderation import moderated_pairs
from evenhand_reports.statistics.resampling import standard_error


def p_values(differences: np.ndarray, *, test_ratio: float = 0.0) -> np.ndarray:
    """P-values of differences, each tested as that of two rows alone."""
    pairs = [moderated_pairs(np.array([row, np.zeros_like(row)])) for row in differences]
    return np.array([paired_tests.p_values(p, test_ratio=test_ratio)[0, 1] for p in pairs])


SCORES = np.array([[0.71, 0.74, 0.69, 0.75, 0.72], [0.73, 0.75, 0.72, 0.75, 0.76]])


@pytest.mark.parametrize("ratio", [0.0, 0.25, 1 / 9, 1.0])
def test_interval_and_p_value_are_the_formula_written_out(ratio: float) -> None:
    differences = SCORES[0] - SCORES[1]
    n = len(differences)
    variance = ((differences - differences.mean()) ** 2).sum() / (n - 1)
    corrected = (1 / n + ratio) * variance
    t = differences.mean() / np.sqrt(corrected)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(corrected)

    found = estimate(differences.tolist(), alpha=0.05, test_ratio=ratio)

    assert found.interval is not None
    assert found.interval.low == pytest.approx(differences.mean() - half)
    assert found.interval.high == pytest.approx(differences.mean() + half)
    assert found.sd == pytest.approx(np.sqrt(variance))
    assert found.is_resampled == (ratio > 0)
    assert p_values(differences[None], test_ratio=ratio)[0] == pytest.approx(
        2 * stats.t.sf(abs(t), n - 1)
    )


def test_without_resampling_it_is_the_usual_standard_error() -> None:
    assert standard_error(0.3, 9) == pytest.approx(0.1)


def test_the_interval_excludes_zero_where_the_p_value_is_below_alpha() -> None:
    rng = np.random.default_rng(0)
    for differences in rng.normal(0.02, 0.02, (200, 5)):
        interval = estimate(differences.tolist(), test_ratio=0.25).interval
        assert interval is not None
        excludes = interval.low > 0 or interval.high < 0
        assert excludes == bool(p_values(differences[None], test_ratio=0.25)[0] < 0.05)


def test_the_correction_holds_the_level_where_scores_of_folds_are_correlated() -> None:
    """Differences with the correlation n_test / (n_test + n_train), which the method assumes."""
    alpha, rounds, n, ratio, rng = 0.05, 4000, 5, 0.25, np.random.default_rng(1)
    correlation = ratio / (1 + ratio)
    shared, own = rng.normal(size=(rounds, 1)), rng.normal(size=(rounds, n))
    differences = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own

    plain = (p_values(differences) < alpha).mean()
    corrected = (p_values(differences, test_ratio=ratio) < alpha).mean()

    assert plain > 2 * alpha
    assert abs(corrected - alpha) <= 3 * np.sqrt(alpha * (1 - alpha) / rounds)
