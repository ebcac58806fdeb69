"""The time that a run still takes, as a range."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evenhand.execution.forecast import (
    UNKNOWN,
    Forecast,
    Left,
    Size,
    mean_bounds,
)
from evenhand.execution.schedule import finished_seconds
from evenhand.execution.throughput import trials_per_hour
from evenhand.store.reading import read_head
from tests.records import make_record

KIND, OTHER, ELSEWHERE = ("erm", "w"), ("vs", "w"), ("erm", "v")


def test_nothing_is_known_before_anything_has_finished():
    assert Forecast({}).left([Left(KIND)] * 3) == UNKNOWN


def test_what_one_problem_lacks_leaves_the_upper_bound_open():
    low, high = Forecast({KIND: [10.0]}).left([Left(KIND), Left(ELSEWHERE)])
    assert low == pytest.approx(10 / 1.5)
    assert high == math.inf


def test_the_interval_of_the_mean_covers_four_of_five_further_means():
    random, inside = np.random.default_rng(0), 0
    for _ in range(4000):
        seen, later = random.normal(100, 20, 5), random.normal(100, 20, 8)
        low, high = mean_bounds(seen.tolist(), 8)
        inside += low <= later.mean() <= high
    assert 0.77 < inside / 4000 < 0.87


def test_more_finished_trials_make_the_range_narrower():
    def width(seconds):
        low, high = Forecast({KIND: seconds}).left([Left(KIND)] * 10)
        return high - low

    widths = [width([10.0]), width([9.0, 11.0, 10.0]), width([9.0, 11.0, 10.0] * 5)]
    assert widths == sorted(widths, reverse=True)


def test_a_method_without_a_finished_trial_has_wider_bounds_than_one_with_them():
    own = Forecast({OTHER: [10.0, 10.0]}).left([Left(OTHER)])
    others = Forecast({OTHER: [10.0, 10.0]}).left([Left(KIND)])
    assert others.low < own.low < own.high < others.high


def test_a_running_trial_tells_of_others_of_its_kind_by_its_epochs():
    running = Left(KIND, is_running=True, share=0.25, seconds=5.0)
    low, high = Forecast({}, slots=2).left([running, Left(KIND), Left(KIND)])
    assert low < 20 + 15 < high < math.inf


def test_epochs_of_an_earlier_start_are_not_those_of_the_time_since_this_one():
    resumed = Left(KIND, is_running=True, share=0.75, resumed=0.5, seconds=10.0)
    low, high = Forecast({}).left([resumed])
    assert low <= 10 <= high
    assert high < 15


def test_a_trial_that_has_run_longer_than_expected_is_about_to_end():
    assert Forecast({KIND: [10.0]}).left([Left(KIND, is_running=True, seconds=99.0)]) == (0, 0)


def test_the_last_epoch_of_a_trial_of_which_nothing_is_known_is_no_number_of_nan():
    assert Forecast({}).left([Left(KIND, is_running=True, share=1.0)]) == (0, 0)


def test_epochs_on_one_data_set_tell_of_a_longer_recipe_and_not_of_another_data_set():
    sizes = {KIND: Size("digits", 10), ELSEWHERE: Size("digits", 50), ("la", "u"): Size("cifar", 9)}
    forecast = Forecast({KIND: [10.0]}, sizes=sizes)
    low, high = forecast.left([Left(ELSEWHERE)])
    assert low < 50 < high < math.inf
    assert forecast.left([Left(("la", "u"))]) == UNKNOWN


def test_a_running_trial_that_is_slower_than_those_before_widens_the_range():
    slow = Left(KIND, is_running=True, share=0.5, seconds=100.0)
    low, high = Forecast({KIND: [20.0, 20.0]}).left([slow])
    assert low <= 10
    assert high >= 100


def test_a_price_is_used_before_trials_of_other_methods():
    low, high = Forecast({OTHER: [1000.0]}).left([Left(KIND, price=10.0)])
    assert low < 10 < high < 1000


def test_a_generation_waits_for_the_one_before():
    first, second = Left(KIND), Left(KIND, generation=1)
    low, _ = Forecast({KIND: [10.0, 10.0]}, slots=2).left([second, first])
    assert low == pytest.approx(18.0)


def test_only_trials_that_are_done_tell_how_long_one_takes():
    records = [make_record(seed=i, status=s) for i, s in enumerate(["done", "failed", "done"])]
    heads = [read_head(r.model_dump_json().encode(), r.key) for r in records]
    assert [len(seconds) for seconds in finished_seconds(heads).values()] == [2]


def test_the_throughput_is_that_of_the_last_hour():
    ends = [0.0, 1.0, 2.0, *(100_000.0 + 60 * i for i in range(11))]
    assert trials_per_hour(ends) == pytest.approx(60)


@pytest.mark.parametrize(
    "ends", [[], [5.0], [5.0, 5.0], [0.0, 9000.0], [i / 99 for i in range(2000)]]
)
def test_there_is_no_throughput_without_two_ends_half_a_minute_apart_in_an_hour(ends):
    assert trials_per_hour(ends) is None
