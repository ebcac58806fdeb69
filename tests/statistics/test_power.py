"""What the comparisons find, at fixed seeds: leads, and differences that were called detectable."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand_reports.statistics import paired_tests
from evenhand_reports.statistics.detectable import seeds_needed, smallest_detectable
from evenhand_reports.statistics.moderation import moderated_pairs
from evenhand_reports.statistics.paired_tests import declared_p_values, of_family
from evenhand_reports.statistics.ranks import rank_rows
from tests.statistics.procedures import ALPHA
from tests.statistics.rates import rates
from tests.statistics.scenarios import Scenario, noisy_baseline, noisy_row, normal, skewed, unequal

ROWS = 16
DECLARED = [(0, i) for i in range(1, ROWS)]


@pytest.mark.parametrize(
    ("scenario", "n", "least"),
    [
        (normal, 3, 0.76),
        (unequal, 3, 0.40),
        (skewed, 3, 0.58),
        (normal, 5, 0.97),
        (unequal, 5, 0.78),
        (skewed, 5, 0.90),
        (normal, 10, 0.80),
        (unequal, 10, 0.49),
    ],
)
def test_a_lead_is_found_as_often_as_by_moderation_of_all_pairs(
    scenario: Scenario, n: int, least: float
) -> None:
    """`least` was simulated for moderated t-tests with Holm's correction over all pairs."""
    found = rates(scenario, n=n, rows=ROWS, tables=80, seed=2)

    assert found["power"] >= max(least, found["former_power"])
    assert found["leader_out"] <= 0.02
    assert found["size"] < found["former_size"] / 2


def is_found(table: np.ndarray) -> bool:
    """Whether rows 0 and 1 are told apart, which is one of 15 declared comparisons."""
    p = paired_tests.p_values(of_family(moderated_pairs(table), DECLARED))
    return bool(declared_p_values(p, DECLARED)[0] <= ALPHA)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_stated_smallest_difference_is_found_in_8_of_10_tables(n: int) -> None:
    found = []
    for table in normal(np.random.default_rng(n), (400, ROWS, n)):
        pairs = of_family(moderated_pairs(table), DECLARED)
        stated = smallest_detectable(pairs, DECLARED, alpha=ALPHA)
        assert stated is not None
        table[1] += stated
        found.append(is_found(table))

    assert 0.75 <= np.mean(found) <= 0.85


@pytest.mark.parametrize("difference", [1.5, 2.0])
def test_the_stated_number_of_seeds_decides_in_8_of_10_tables(difference: float) -> None:
    n = seeds_needed(difference, 2.0, 4.0 * (ROWS - 2), comparisons=ROWS - 1, alpha=ALPHA)
    assert n is not None
    tables = normal(np.random.default_rng(4), (400, ROWS, n))
    tables[:, 1] += difference

    assert 0.75 <= np.mean([is_found(table) for table in tables]) <= 0.9


def test_without_weights_a_noisy_baseline_makes_false_claims() -> None:
    """The reason for the weights: the baseline has 10 times the deviation of the other rows."""
    found = rates(noisy_baseline, n=3, rows=ROWS, tables=150, seed=3)

    assert found["unweighted_error"] > 0.12
    assert found["error"] <= 0.08 + 2.6 * np.sqrt(0.08 * 0.92 / 150)


def test_a_noisy_row_of_a_lower_mean_is_not_bold() -> None:
    tables = noisy_row(np.random.default_rng(5), (100, ROWS, 5))
    tables[:, -1] -= 20
    found = [rank_rows(table, higher=True, alpha=ALPHA).ranks for table in tables]

    assert np.mean([bool(ranks and ranks[-1] and ranks[-1].is_best) for ranks in found]) <= 0.02
