"""Our mean against a printed mean: the tests equal SciPy's, and err as often as is stated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.equivalence import (
    MOST_SEEDS,
    Equivalence,
    Sample,
    equivalence,
    seeds_to_decide,
)

MARGIN = 0.01
PAIRS = [
    (Sample(0.7160, 0.003, 5), Sample(0.7194, 0.0038, 5)),
    (Sample(0.7160, 0.012, 3), Sample(0.7194, 0.0038, 10)),
    (Sample(0.7400, 0.004, 10), Sample(0.7194, 0.001, 5)),
]


def compared(ours: Sample, printed: Sample, alpha: float = 0.05) -> Equivalence:
    found = equivalence(ours, printed, margin=MARGIN, alpha=alpha)
    assert found is not None
    return found


def welch(ours: Sample, printed: Sample, *, shift: float = 0.0, side: str = "two-sided") -> float:
    """The p-value of SciPy's Welch test of ours − printed against a shift."""
    found = stats.ttest_ind_from_stats(
        ours.mean - shift,
        ours.sd,
        ours.n,
        printed.mean,
        printed.sd,
        printed.n,
        equal_var=False,
        alternative=side,
    )
    return float(found.pvalue)


@pytest.mark.parametrize(("ours", "printed"), PAIRS)
def test_the_tests_are_welch_tests_with_shifted_means(ours: Sample, printed: Sample) -> None:
    found = compared(ours, printed)
    one_sided = [
        welch(ours, printed, shift=-MARGIN, side="greater"),
        welch(ours, printed, shift=MARGIN, side="less"),
    ]

    assert found.p_margin == pytest.approx(max(one_sided))
    assert found.p_zero == pytest.approx(welch(ours, printed))


@pytest.mark.parametrize(("ours", "printed"), PAIRS)
def test_the_interval_has_the_shifts_that_a_one_sided_test_does_not_reject(
    ours: Sample, printed: Sample
) -> None:
    found = compared(ours, printed)

    assert welch(ours, printed, shift=found.low, side="greater") == pytest.approx(0.05)
    assert welch(ours, printed, shift=found.high, side="less") == pytest.approx(0.05)


def test_without_a_printed_deviation_the_papers_runs_scatter_as_ours_do() -> None:
    ours = Sample(0.7160, 0.003, 5)
    found = compared(ours, Sample(0.7194, None, 3))
    error = 0.003 * np.sqrt(1 / 5 + 1 / 3)

    assert found.is_assumed
    assert found.p_zero == pytest.approx(2 * stats.t.sf(0.0034 / error, 4))
    assert found.p_margin == pytest.approx(stats.t.sf((MARGIN - 0.0034) / error, 4))


def test_rounding_claims_no_more_than_the_least_favourable_mean() -> None:
    ours, printed, half = Sample(0.7210, 0.003, 5), Sample(0.715, 0.004, 5), 0.0005
    found = compared(ours, printed._replace(rounding=half))
    within = [
        compared(ours, printed._replace(mean=0.715 + s)) for s in np.linspace(-half, half, 21)
    ]

    assert found.p_margin == pytest.approx(max(each.p_margin for each in within))
    assert found.p_zero == pytest.approx(max(each.p_zero for each in within))
    assert found.low == pytest.approx(min(each.low for each in within))
    assert found.high == pytest.approx(max(each.high for each in within))


def test_a_difference_within_the_rounding_is_none() -> None:
    found = compared(Sample(0.7153, 0.0001, 5), Sample(0.715, 0.0001, 5, 0.0005))

    assert (found.outcome, found.p_zero, found.is_different) == ("equivalent", 1.0, False)


@pytest.mark.parametrize(
    ("mean", "outcome", "is_different"),
    [
        (0.7190, "equivalent", False),
        (0.7150, "equivalent", True),
        (0.7300, "higher", True),
        (0.7000, "lower", True),
    ],
)
def test_every_outcome_with_precise_means(mean: float, outcome: str, is_different: bool) -> None:
    found = compared(Sample(mean, 0.001, 5), Sample(0.7194, 0.001, 5))

    assert (found.outcome, found.is_different) == (outcome, is_different)


def test_scattered_runs_decide_nothing() -> None:
    found = compared(Sample(0.73, 0.02, 3), Sample(0.7194, 0.0038, 5))

    assert (found.outcome, found.is_different) == ("undecided", False)


@pytest.mark.parametrize("ours", [Sample(0.7, None, 1), Sample(0.7, 0.0, 5)])
def test_without_scatter_there_is_no_test(ours: Sample) -> None:
    assert equivalence(ours, Sample(0.7, None, 5), margin=MARGIN) is None


RUNS = 4_000
WORST = {3: 1.6 * 0.05, 5: 1.2 * 0.05}
"""Largest share of errors at the nominal level 0.05, by number of seeds, as in the docs."""


def simulated(
    n: int, ratio: float, difference: float, *, deviation: bool = True
) -> list[Equivalence]:
    """Tests of n seeds of deviation 0.004 against five printed runs of `ratio` times this."""
    rng = np.random.default_rng([n, int(100 * ratio), int(1e4 * difference)])
    ours = 0.7 + difference + 0.004 * rng.normal(size=(RUNS, n))
    theirs = 0.7 + 0.004 * ratio * rng.normal(size=(RUNS, 5))
    return [
        compared(
            Sample(float(own.mean()), float(own.std(ddof=1)), n),
            Sample(float(runs.mean()), float(runs.std(ddof=1)) if deviation else None, 5),
        )
        for own, runs in zip(ours, theirs, strict=True)
    ]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [3, 5])
def test_a_difference_of_the_margin_is_called_reproduced_at_most_as_often_as_stated(
    n: int, ratio: float
) -> None:
    found = simulated(n, ratio, MARGIN)

    assert np.mean([each.outcome == "equivalent" for each in found]) <= WORST[n]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [3, 5])
def test_equal_means_are_called_different_at_most_as_often_as_stated(n: int, ratio: float) -> None:
    found = simulated(n, ratio, 0.0)

    assert np.mean([each.is_different for each in found]) <= WORST[n]
    assert np.mean([each.outcome in ("higher", "lower") for each in found]) <= 0.05


@pytest.mark.parametrize("n", [3, 5])
def test_the_levels_hold_without_a_printed_deviation_where_the_runs_scatter_alike(n: int) -> None:
    equal = simulated(n, 1.0, 0.0, deviation=False)
    apart = simulated(n, 1.0, MARGIN, deviation=False)

    assert np.mean([each.is_different for each in equal]) == pytest.approx(0.05, abs=0.012)
    assert np.mean([each.outcome == "equivalent" for each in apart]) <= 0.06


def test_the_seeds_that_decide_are_the_fewest() -> None:
    ours, printed = Sample(0.7160, 0.012, 5), Sample(0.7194, 0.0038, 10)
    n = seeds_to_decide(ours, printed, margin=MARGIN)

    assert n is not None
    assert compared(ours._replace(n=n), printed).outcome == "equivalent"
    assert {compared(ours._replace(n=k), printed).outcome for k in range(5, n)} == {"undecided"}


def test_no_number_of_seeds_removes_the_uncertainty_of_one_printed_run() -> None:
    ours, printed = Sample(0.7160, 0.012, 5), Sample(0.7194, None, 1)

    assert seeds_to_decide(ours, printed, margin=MARGIN) is None
    assert compared(ours._replace(n=MOST_SEEDS), printed).outcome == "undecided"
