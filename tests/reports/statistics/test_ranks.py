"""The order of rows by their means: best group, intervals of ranks, incomparable rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand_reports.statistics.moderation import moderated_pairs, widened
from evenhand_reports.statistics.ranks import Rank, rank_rows

SEEDS = np.array([0.00, 0.02, -0.01, 0.03, -0.02])
WIGGLE = np.array([0.001, -0.001, 0.0005, 0.0, -0.0005])
OTHER = np.array([0.0005, 0.001, -0.001, -0.0005, 0.0])


def ranks(rows: list[np.ndarray] | np.ndarray, *, higher: bool = True) -> list[Rank]:
    found = rank_rows(np.array(rows), higher=higher, alpha=0.05).ranks
    assert found is not None and all(found)
    return [rank for rank in found if rank]


def typical(rows: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.7, 0.01, (rows, n))


def test_rows_are_in_the_order_of_their_means() -> None:
    found = ranks([0.6 + SEEDS, 0.7 + SEEDS + WIGGLE, 0.8 + SEEDS - OTHER])

    assert [rank.rank for rank in found] == [3, 2, 1]
    assert [rank.span for rank in found] == [(3, 3), (2, 2), (1, 1)]
    assert [rank.is_best for rank in found] == [False, False, True]


def test_a_lower_is_better_metric_turns_the_order_round() -> None:
    rows = [0.6 + SEEDS, 0.7 + SEEDS + WIGGLE, 0.8 + SEEDS - OTHER]

    assert [rank.rank for rank in ranks(rows, higher=False)] == [1, 2, 3]
    assert rank_rows(np.array(rows), higher=False, alpha=0.05).top == 0


def test_the_interval_of_a_rank_holds_the_rows_that_are_not_told_apart() -> None:
    found = ranks([0.6 + SEEDS, 0.8 + SEEDS + WIGGLE, 0.8001 + SEEDS - OTHER])

    assert [rank.rank for rank in found] == [3, 2, 1]
    assert [rank.span for rank in found] == [(3, 3), (1, 2), (1, 2)]
    assert [rank.is_best for rank in found] == [False, True, True]


def test_rows_that_are_equal_share_rank_one() -> None:
    found = ranks([0.7 + SEEDS] * 4)

    assert [rank.rank for rank in found] == [1, 1, 1, 1]
    assert all(rank.is_best and rank.span == (1, 4) for rank in found)


@pytest.mark.parametrize("seed", range(20))
def test_no_row_is_bold_above_which_a_row_of_better_mean_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (12, 4)) * np.exp2(rng.uniform(-2, 2, (12, 1))) + rng.normal(
        0, 2, (12, 1)
    )
    found = sorted(ranks(rows), key=lambda rank: rank.rank)

    outside = [i for i, rank in enumerate(found) if not rank.is_best and not rank.is_incomparable]
    assert not any(rank.is_best for rank in found[min(outside, default=12) :])
    assert any(rank.is_best for rank in found)
    assert all(low <= rank.rank <= high for rank in found for low, high in [rank.span])


def test_the_p_value_of_the_best_is_bonferronis_over_one_sided_tests() -> None:
    rows = typical(6, 4)
    pairs = moderated_pairs(rows)
    # The pairs of a row borrow the typical variance of that row.
    variance = widened(pairs, np.repeat(pairs.wider[:, None], 6, axis=1)).variance
    t = pairs.difference / np.sqrt(variance / 4)
    others = [[stats.t.cdf(t[i, j], pairs.df[i, j]) for j in range(6) if j != i] for i in range(6)]

    expected = [min(1, 5 * min(p)) for p in others]
    np.testing.assert_allclose([rank.p_best for rank in ranks(rows)], expected)


def test_a_row_that_scatters_is_set_apart_and_not_bold() -> None:
    rows = typical(16, 5)
    rows[3] += 0.06
    rows[7] = rows[7].mean() + 0.1 * np.array([1, -1, 0.8, -0.9, 0.1])
    found = ranks(rows)

    assert found[7].p_best > 0.05
    assert found[7].is_incomparable and not found[7].is_best
    assert [i for i, rank in enumerate(found) if rank.is_best] == [3]


@pytest.mark.parametrize(("rows", "n", "factor"), [(60, 10, 3), (60, 5, 10), (30, 10, 5)])
def test_a_row_that_scatters_but_beats_all_others_is_best(rows: int, n: int, factor: int) -> None:
    table = typical(rows, n)
    table[3] = 0.7 + factor * (table[3] - 0.6)
    found = ranks(table)

    assert moderated_pairs(table).atypical[3] * rows < 0.05
    assert [i for i, rank in enumerate(found) if rank.is_best] == [3]
    assert not found[3].is_incomparable


def test_one_seed_ranks_nobody() -> None:
    assert rank_rows(np.array([[0.6], [0.9]]), higher=True, alpha=0.05).ranks is None


def test_a_row_alone_is_not_ranked() -> None:
    assert rank_rows(0.7 + SEEDS[None], higher=True, alpha=0.05).ranks is None


def test_a_row_without_a_score_at_every_seed_is_compared_but_not_ranked() -> None:
    table = typical(5, 5)
    table[2, 4] = np.nan
    found = rank_rows(table, higher=True, alpha=0.05)

    assert found.ranks is not None
    assert [rank is None for rank in found.ranks] == [False, False, True, False, False]
    assert found.pairs.n[2, 0] == 4 and 0 < found.p[2, 0] < 1
    assert [rank for rank in found.ranks if rank] == ranks(np.delete(table, 2, axis=0))


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_ranks_do_not_depend_on_the_unit(scale: float) -> None:
    rows = typical(8, 5)
    rows[2] += 0.03

    for one, other in zip(ranks(rows), ranks(scale * rows), strict=True):
        assert (one.rank, one.span, one.is_best) == (other.rank, other.span, other.is_best)
        assert one.p_best == pytest.approx(other.p_best)


def test_correlated_folds_make_differences_harder_to_find() -> None:
    table = typical(6, 5)
    plain = rank_rows(table, higher=True, alpha=0.05)
    folds = rank_rows(table, higher=True, alpha=0.05, test_ratio=0.25)
    i, j = np.triu_indices(6, 1)

    assert (folds.p[i, j] > plain.p[i, j]).all()


def test_a_pair_of_folds_without_a_test_does_not_make_beaten_rows_the_best() -> None:
    first = np.array([0.70, 0.72, 0.69, 0.73, 0.71])
    rows = np.array([first, first + 0.01, 0.9 + WIGGLE])
    found = rank_rows(rows, higher=True, alpha=0.05, test_ratio=0.25).ranks

    assert found is not None and all(found)
    assert [rank.is_best for rank in found if rank] == [False, False, True]
    assert all(np.isfinite(rank.p_best) for rank in found if rank)


def test_of_two_rows_the_best_is_that_of_the_two_sided_test() -> None:
    rows = typical(2, 5)
    p = stats.ttest_rel(rows[0], rows[1]).pvalue
    worse = int(np.argmin(rows.mean(1)))

    assert ranks(rows)[worse].p_best == pytest.approx(min(1, p))
