from __future__ import annotations

import threading
import time

import pytest

from evenhand.api import open_suite
from evenhand.cli.display import Tally, _Lines, planned
from evenhand.cli.output import console
from evenhand.execution.events import Event
from evenhand.execution.forecast import UNKNOWN, Left
from evenhand.execution.plan import make_plan
from evenhand.store import Store

ALIKE = ("erm", "digits")


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


def ended(key, seconds=None):
    return Event("ended", key, status="done", seconds=seconds)


def test_the_time_left_is_a_range_around_the_time_of_a_finished_trial(clock):
    tally = Tally("small", 5, {key: Left(ALIKE) for key in "abcde"})
    tally.see(Event("started", "a"))
    assert tally.left == UNKNOWN
    clock.now += 10
    tally.see(ended("a", 10.0))
    assert tally.left == pytest.approx((4 * 10 / 1.5, 4 * 10 * 1.5))


def test_the_first_time_left_counts_on_every_slot_and_on_the_epochs_so_far(clock):
    tally = Tally("small", 4, {key: Left(ALIKE) for key in "abcd"})
    tally.see(Event("ready", slots=2))
    assert tally.line() == "4 trials to run, workers are starting"
    tally.see(Event("started", "a", epochs=10))
    clock.now += 6
    # Only one of two workers has started, which would double the time by the speed so far.
    tally.see(Event("progress", "a", epoch=1, epochs=10))
    low, high = tally.left
    assert low < 2 * 60 - 6 < high < 150


def test_the_line_says_that_the_time_left_is_not_known_before_any_epoch_has_ended(clock):
    tally = Tally("small", 2, {key: Left(ALIKE) for key in "ab"})
    tally.see(Event("started", "a", epochs=10))
    assert tally.line() == "0 of 2 done, 1 running, 0 failed, time left not known yet"


def test_the_budget_ends_before_the_trials(clock):
    tally = Tally("small", 3, {key: Left(ALIKE) for key in "abc"}, {ALIKE: [60.0]})
    tally.deadline = clock.now + 50
    tally.see(Event("started", "a"))
    assert tally.left == (50.0, 50.0)
    assert tally.line().endswith(", 50.0 s left")


def test_a_trial_that_the_budget_leaves_is_no_part_of_the_time_left(clock):
    tally = Tally("small", 3, {key: Left(ALIKE) for key in "abc"}, {ALIKE: [60.0]})
    tally.see(Event("started", "a"))
    for key in "bc":
        tally.see(Event("left", key))
    assert tally.left == pytest.approx((40.0, 90.0))


def test_the_screen_is_drawn_while_events_come(clock):
    tally = Tally("small", 3000, {str(i): Left(ALIKE) for i in range(3000)}, {ALIKE: [1.0]})
    over = threading.Event()

    def send():
        for i in range(3000):
            tally.see(Event("started", str(i)))
            tally.see(ended(str(i), 1.0))
        over.set()

    thread = threading.Thread(target=send)
    thread.start()
    while not over.is_set():
        tally._left(clock.now)
    thread.join()
    assert tally.done == 3000


def test_trials_of_this_run_count_and_not_those_of_a_faster_machine(clock):
    tally = Tally("small", 4, {key: Left(ALIKE) for key in "abcd"}, {ALIKE: [1.0] * 30})
    tally.see(Event("started", "a"))
    tally.see(ended("a", 20.0))
    tally.see(ended("b", 20.0))
    assert tally.left == pytest.approx((2 * 18.0, 2 * 22.0))


def test_a_forecast_of_many_trials_is_not_made_for_every_event(clock, monkeypatch):
    made = []
    tally = Tally("small", 9, {str(i): Left(ALIKE) for i in range(9)})
    monkeypatch.setattr(tally, "_left", lambda now: made.append(now) or UNKNOWN)
    for i in range(9):
        tally.see(Event("started", str(i)))
        tally.line()
    assert made == [100.0]


def test_the_missing_trials_of_a_plan_are_those_of_the_forecast(tmp_path):
    plan = make_plan(open_suite("quickstart", only="method=erm"), Store.open(tmp_path / "r"))
    waiting = planned(plan)
    assert list(waiting) == [trial.key for trial in plan.missing]
    assert {left.kind for left in waiting.values()} == {("erm", plan.missing[0].workload)}


@pytest.mark.parametrize("cause", ["", "interrupted"])
def test_a_cause_that_repeats_the_status_is_left_out(cause, capsys):
    lines = _Lines(Tally("small", 1), console())
    lines(Event("ended", "a", "erm", status="interrupted", cause=cause))
    assert capsys.readouterr().out.endswith("; erm: interrupted\n")
