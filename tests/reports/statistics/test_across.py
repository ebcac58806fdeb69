"""Average ranks and critical differences, against SciPy, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.across import (
    ProblemScores,
    average_ranks,
    critical_differences,
    fewest_data_sets,
    ranks_of,
)
from evenhand_reports.statistics.paired_tests import holm

RNG = np.random.default_rng(5)


def made_up(means: np.ndarray, seeds: int, rng: np.random.Generator) -> list[ProblemScores]:
    """Scores with a shared effect of each seed; means are [problems, rows], in seed deviations."""
    own = rng.normal(size=(*means.shape, seeds))
    shared = rng.normal(size=(len(means), 1, seeds))
    return [ProblemScores(each, True) for each in means[..., None] + own + shared]


def test_ranks_are_scipys() -> None:
    means = np.round(RNG.normal(size=40), 1)

    np.testing.assert_allclose(ranks_of(means, higher=False), stats.rankdata(means))
    np.testing.assert_allclose(ranks_of(means, higher=True), stats.rankdata(-means))


def test_means_that_differ_by_rounding_share_a_rank() -> None:
    assert ranks_of(np.array([0.3, 0.1 + 0.2, 0.5]), higher=True).tolist() == [2.5, 2.5, 1.0]


def test_the_average_rank_is_that_of_the_means() -> None:
    # Row 1 scatters so much that no row beats it beyond chance, and yet it is not first.
    first = np.array([[0.70, 0.71, 0.72], [0.9, 0.1, 0.5], [0.60, 0.61, 0.62]])
    second = np.array([[0.30, 0.31, 0.32], [0.10, 0.11, 0.12], [0.20, 0.21, 0.22]])
    problems = [ProblemScores(first, True), ProblemScores(second, False)]

    found = average_ranks(problems, alpha=0.05)

    assert [rank.mean for rank in found] == [2.0, 2.0, 2.0]
    for rank in found:
        assert rank.interval is not None
        assert 1 <= rank.interval[0] <= rank.mean <= rank.interval[1] <= 3


def test_one_seed_gives_ranks_without_intervals() -> None:
    [first, second] = average_ranks([ProblemScores(np.array([[0.7], [0.8]]), True)], alpha=0.05)

    assert (first.mean, second.mean) == (2.0, 1.0)
    assert first.interval is second.interval is None


@pytest.mark.parametrize(
    "means",
    [np.tile(-1e-3 * np.arange(2.0), (8, 1)), np.tile(-0.3 * np.arange(5.0), (4, 1))],
    ids=["eight problems, almost equal", "four problems, close"],
)
def test_intervals_hold_all_true_average_ranks(means: np.ndarray) -> None:
    rng, rounds, held = np.random.default_rng(7), 150, 0
    true = np.mean([ranks_of(each, higher=True) for each in means], axis=0)
    for _ in range(rounds):
        found = average_ranks(made_up(means, 5, rng), alpha=0.05)
        ends = np.array([rank.interval for rank in found])
        held += bool(((ends[:, 0] <= true) & (true <= ends[:, 1])).all())

    assert held / rounds >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / rounds)


def test_clear_differences_have_narrow_intervals() -> None:
    means = np.tile(-20.0 * np.arange(4.0), (3, 1))

    found = average_ranks(made_up(means, 5, np.random.default_rng(1)), alpha=0.05)

    assert [rank.interval for rank in found] == [(i, i) for i in (1.0, 2.0, 3.0, 4.0)]


def test_the_critical_differences_are_scipys_with_holm() -> None:
    table = np.random.default_rng(3).normal(size=(4, 12)) + np.array([[0.0], [0.5], [2.0], [2.1]])
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    raw = np.array([stats.wilcoxon(table[i], table[j]).pvalue for i, j in pairs])

    found = critical_differences(table, higher=True, alpha=0.05)

    assert found.friedman == pytest.approx(stats.friedmanchisquare(*table).pvalue)
    assert [found.adjusted[pair] for pair in pairs] == pytest.approx(holm(raw).tolist())
    assert found.ranks == pytest.approx(stats.rankdata(-table, axis=0).mean(1).tolist())


def test_the_signed_rank_test_is_exact_with_ties() -> None:
    ones = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 3.0, -1.0, -2.0, 0.0, 4.0, 1.0])
    table = np.array([ones, np.zeros(11), np.full(11, -9.0)])

    def statistic(x: np.ndarray) -> float:
        kept = x[x != 0]
        return float(stats.rankdata(np.abs(kept))[kept > 0].sum())

    exact = stats.permutation_test(
        (ones[ones != 0],), statistic, permutation_type="samples", n_resamples=np.inf
    )
    found = critical_differences(table, higher=True, alpha=0.05)

    # Of the three raw p-values it is the largest, so that Holm's factor is 1.
    assert found.adjusted[0, 1] == pytest.approx(exact.pvalue)


def test_bars_join_the_rows_of_which_no_pair_differs() -> None:
    steps = np.linspace(0, 0.01, 12)
    table = np.array([steps + 0.9, steps[::-1] + 0.9, steps + 0.5, steps[::-1] + 0.5])

    found = critical_differences(table, higher=True, alpha=0.05)

    assert sorted(map(sorted, found.groups)) == [[0, 1], [2, 3]]


def test_no_pair_is_tested_where_friedmans_test_does_not_reject() -> None:
    table = np.random.default_rng(4).normal(size=(3, 12))

    found = critical_differences(table, higher=True, alpha=0.05)

    assert found.friedman > 0.05
    assert (found.adjusted == 1).all()
    assert [sorted(group) for group in found.groups] == [[0, 1, 2]]


def test_rows_that_are_equal_everywhere_do_not_differ() -> None:
    found = critical_differences(np.tile(np.arange(9.0), (3, 1)), higher=True, alpha=0.05)

    assert found.friedman == 1
    assert found.ranks == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("rows", [3, 5, 8])
def test_from_the_fewest_data_sets_on_a_pair_can_differ(rows: int) -> None:
    needed = fewest_data_sets(rows, 0.05)
    pairs = rows * (rows - 1) // 2

    def smallest(sets: int) -> float:
        return pairs * float(stats.wilcoxon(np.arange(1.0, sets + 1)).pvalue)

    assert smallest(needed) <= 0.05 < smallest(needed - 1)
