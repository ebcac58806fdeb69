"""Ranks: ties are shared, the best group is whole, and chance alone ranks nobody."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand_reports.statistics.ranks import Ranking, rank_rows

SEEDS = np.array([0.00, 0.02, -0.01, 0.03, -0.02])
WIGGLE = np.array([0.001, -0.001, 0.0005, 0.0, -0.0005])


def ranking(rows: list[np.ndarray], *, higher: bool = True) -> Ranking:
    return rank_rows(np.array(rows), higher=higher, alpha=0.05)


def ranks(found: Ranking) -> list[int]:
    assert found.ranks is not None
    return [place.rank for place in found.ranks]


def test_rows_that_differ_beyond_chance_are_ranked_in_order() -> None:
    found = ranking([0.6 + SEEDS, 0.7 + SEEDS + WIGGLE, 0.8 + SEEDS - WIGGLE])

    assert ranks(found) == [3, 2, 1]
    assert found.top == 2


def test_a_lower_is_better_metric_turns_the_order_round() -> None:
    rows = [0.6 + SEEDS, 0.7 + SEEDS + WIGGLE, 0.8 + SEEDS - WIGGLE]

    assert ranks(ranking(rows, higher=False)) == [1, 2, 3]


def test_ties_share_a_rank_and_the_next_rank_is_skipped() -> None:
    found = ranking([0.6 + SEEDS, 0.8 + SEEDS + WIGGLE, 0.8 + SEEDS - WIGGLE])

    assert ranks(found) == [3, 1, 1]
    assert found.ranks is not None
    assert [place.is_best for place in found.ranks] == [False, True, True]
    assert [place.span for place in found.ranks] == [(3, 3), (1, 2), (1, 2)]


def test_rows_that_are_equal_share_rank_one() -> None:
    assert ranks(ranking([0.7 + SEEDS] * 4)) == [1, 1, 1, 1]


def test_a_row_that_any_other_beats_is_not_in_the_best_group() -> None:
    # The best mean is noisy and beats nobody; the second is quiet and beats the third.
    noisy = 0.80 + np.array([0.15, -0.15, 0.12, -0.14, 0.02])
    found = ranking([noisy + SEEDS, 0.75 + SEEDS + WIGGLE, 0.70 + SEEDS])

    assert found.adjusted[1, 2] <= 0.05
    assert found.adjusted[0, 2] > 0.05
    assert ranks(found) == [1, 1, 2]


def test_one_seed_ranks_nobody() -> None:
    assert ranking([np.array([0.6]), np.array([0.9])]).ranks is None


def test_a_row_alone_is_first_among_nobody() -> None:
    assert ranking([0.7 + SEEDS]).ranks is None


def test_without_a_baseline_the_family_is_all_pairs_of_rows() -> None:
    rows = [0.70 + SEEDS, 0.71 + SEEDS + 4 * WIGGLE, 0.70 + SEEDS, 0.70 + SEEDS]
    found = ranking(rows)

    assert found.families == (0, 6)
    assert found.adjusted[0, 1] == pytest.approx(min(1, 6 * found.raw[0, 1]))


def test_comparisons_with_the_baseline_are_a_family_of_their_own() -> None:
    rows = [0.70 + SEEDS, 0.71 + SEEDS + 4 * WIGGLE, 0.70 + SEEDS, 0.72 + SEEDS + 9 * WIGGLE]
    found = rank_rows(np.array(rows), higher=True, alpha=0.05, baselines=[None, 0, 0, 0])

    assert found.families == (3, 3)
    assert found.adjusted[0, 1] == pytest.approx(min(1, 3 * found.raw[0, 1]))
    assert found.adjusted[1, 2] == pytest.approx(min(1, 3 * found.raw[1, 2]))


@pytest.mark.parametrize("n_seeds", [3, 5])
def test_each_family_errs_as_rarely_as_claimed_where_no_row_differs(n_seeds: int) -> None:
    alpha, rounds, rng = 0.05, 1500, np.random.default_rng(3)
    tables = rng.normal(0.7, 0.02, (rounds, 5, n_seeds))
    baselines = [None, 0, 0, 0, 0]

    found = [
        rank_rows(table, higher=True, alpha=alpha, baselines=baselines).adjusted for table in tables
    ]
    declared = np.mean([(p[0, 1:] <= alpha).any() for p in found])
    others = np.mean([(p[1:, 1:] <= alpha).any() for p in found])

    assert max(declared, others) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / rounds)


@pytest.mark.parametrize(("n_rows", "n_seeds"), [(5, 3), (4, 5), (8, 10)])
def test_with_a_baseline_some_rank_is_wrong_at_most_twice_as_often_as_a_family_errs(
    n_rows: int, n_seeds: int
) -> None:
    alpha, rounds, rng = 0.05, 1500, np.random.default_rng(4)
    tables = rng.normal(0.7, 0.02, (rounds, n_rows, n_seeds))
    baselines = [None, *[0] * (n_rows - 1)]

    found = [
        ranks(rank_rows(table, higher=True, alpha=alpha, baselines=baselines)) for table in tables
    ]
    wrong = np.mean([places != [1] * n_rows for places in found])

    # One family would stay below α: that there are two has to show.
    noise = 3 * np.sqrt(2 * alpha * (1 - 2 * alpha) / rounds)
    assert alpha < wrong <= 2 * alpha + noise


@pytest.mark.parametrize(("n_rows", "n_seeds"), [(6, 3), (4, 5)])
def test_rows_that_differ_by_chance_share_rank_one_as_often_as_claimed(
    n_rows: int, n_seeds: int
) -> None:
    """The best is picked from the same numbers that it is tested on: all pairs allow for that."""
    alpha, rounds, rng = 0.05, 1500, np.random.default_rng(2)
    tables = rng.normal(0.7, 0.02, (rounds, n_rows, n_seeds))

    found = [ranks(rank_rows(table, higher=True, alpha=alpha)) for table in tables]
    wrong = np.mean([places != [1] * n_rows for places in found])

    assert wrong <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / rounds)
