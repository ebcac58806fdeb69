"""Fronts of two costs, and the area that they cover."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand_reports.statistics.pareto import hypervolume, on_front

CORNER = np.array([1.0, 1.0])


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0.0),
        ([(0.0, 0.0)], 1.0),
        ([(0.5, 0.5)], 0.25),
        ([(0.2, 0.6), (0.6, 0.2)], 0.8 * 0.4 + 0.4 * 0.4),
        ([(0.1, 0.9), (0.5, 0.5), (0.9, 0.1)], 0.9 * 0.1 + 0.5 * 0.4 + 0.1 * 0.4),
        ([(0.5, 0.5), (0.5, 0.5)], 0.25),
    ],
)
def test_areas_that_are_known(points: list[tuple[float, float]], area: float) -> None:
    assert hypervolume(np.array(points).reshape(-1, 2), CORNER) == pytest.approx(area)


def test_dominated_points_and_points_beyond_the_reference_add_nothing() -> None:
    front = np.array([(0.2, 0.6), (0.6, 0.2)])
    more = np.vstack([front, [(0.7, 0.7), (0.2, 0.7), (0.0, 1.0), (1.5, 0.0)]])

    assert hypervolume(more, CORNER) == hypervolume(front, CORNER)
    assert on_front(more).tolist() == [True, True, False, False, True, True]


def test_a_larger_corner_adds_what_it_opens() -> None:
    assert hypervolume(np.array([(0.5, 0.5)]), np.array([2.0, 1.0])) == pytest.approx(1.5 * 0.5)


def test_the_order_of_the_points_is_of_no_account() -> None:
    points = np.random.default_rng(0).random((40, 2))
    shuffled = np.random.default_rng(1).permutation(40)

    assert hypervolume(points[shuffled], CORNER) == hypervolume(points, CORNER)
    assert (on_front(points[shuffled]) == on_front(points)[shuffled]).all()


def test_the_area_is_the_share_of_random_corners_that_some_point_beats() -> None:
    random = np.random.default_rng(0)
    points, corners = random.random((10, 2)), random.random((200_000, 2))
    share = (points[:, None] < corners[None]).all(2).any(0).mean()

    assert hypervolume(points, CORNER) == pytest.approx(share, abs=0.005)


def test_the_front_is_what_nothing_dominates() -> None:
    points = [(0.1, 0.5), (0.1, 0.5), (0.1, 0.6), (0.5, 0.1), (0.4, 0.4), (0.6, 0.6)]

    assert on_front(np.array(points)).tolist() == [True, True, False, True, True, False]
