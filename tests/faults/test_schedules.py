"""Schedules are drawn from a seed alone, and hit only what a place has."""

from __future__ import annotations

from collections import Counter

from tests.faults.schedules import FIXED, KINDS, MOST_SEEDS, NOT_DRAWN, ROWS, draw
from tests.faults.strikes import STRIKES


def test_a_seed_gives_one_schedule_of_two_to_four_kinds_of_fault():
    drawn = [draw(seed) for seed in range(200)]
    assert drawn == [draw(seed) for seed in range(200)]
    assert {len(schedule.faults) for schedule in drawn} == {2, 3, 4}
    assert {schedule.objects for schedule in drawn} == {False, True}
    for schedule in drawn:
        kinds = [fault.kind for fault in schedule.faults]
        assert len(set(kinds)) == len(kinds)
        assert 12 <= schedule.n_seeds * len(ROWS) <= 40
        assert schedule.n_seeds <= MOST_SEEDS


def test_every_kind_of_fault_is_drawn_in_forty_seeds():
    drawn = Counter(fault.kind for seed in range(40) for fault in draw(seed).faults)
    assert drawn.keys() | NOT_DRAWN == KINDS.keys() == STRIKES.keys()


def test_a_place_without_namespaces_gets_no_fault_that_needs_them():
    for seed in range(200):
        schedule = draw(seed, place=frozenset())
        assert schedule.needs <= {"folder", "objects"}
        assert ("objects" in schedule.needs) <= schedule.objects
    assert not any(schedule.needs for schedule in FIXED)
