from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from evenhand.errors import RunError
from evenhand.execution.times import moment, seconds

EVENING = datetime(2026, 11, 28, 22, 0)


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("45s", 45), ("30m", 1800), ("2h", 7200)])
def test_times_are_written_as_people_write_them(text, value):
    assert seconds(text, "--time-limit") == value


@pytest.mark.parametrize("text", ["", "fast", "0s", "-3m", "3 weeks", "10mins", "1h30m"])
def test_other_times_are_refused_with_the_name_of_the_option(text):
    with pytest.raises(RunError, match=r"--budget .* is no time.*\n.*90s, 30m, 2h or 1d"):
        seconds(text, "--budget")


@pytest.mark.parametrize("value", ["40", 40, 3600.0, True])
def test_a_budget_without_a_unit_is_refused_because_it_may_stand_for_hours(value):
    with pytest.raises(RunError, match=r"budget .* is no time: a number above 0 with a unit"):
        seconds(value, "budget", with_unit=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07:00", datetime(2026, 11, 29, 7, 0)),
        ("7:00", datetime(2026, 11, 29, 7, 0)),
        ("22:00", datetime(2026, 11, 29, 22, 0)),
        ("23:30:15", datetime(2026, 11, 28, 23, 30, 15)),
        ("2026-12-24T18:00", datetime(2026, 12, 24, 18, 0)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 18, 0)),
        ("8h", datetime(2026, 11, 29, 6, 0)),
        ("30m", datetime(2026, 11, 28, 22, 30)),
    ],
)
def test_a_moment_is_a_time_of_day_a_date_with_a_time_or_a_time_from_now(text, expected):
    assert moment(text, "--until", now=EVENING) == expected.astimezone()


def test_a_moment_with_a_time_zone_is_of_that_zone():
    found = moment("2026-12-24T18:00+05:00", "--until", now=EVENING)
    assert found == datetime.fromisoformat("2026-12-24T13:00+00:00")


def test_a_time_of_day_is_by_the_calendar_where_the_clocks_change(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        # In the night to 2026-10-25 the clocks go back: from 08:00 to 07:00 it takes 24 hours.
        found = moment("07:00", "--until", now=datetime(2026, 10, 24, 8, 0))
        took = found.timestamp() - datetime(2026, 10, 24, 8, 0).timestamp()
        assert took == timedelta(hours=24).total_seconds()
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "soon", "7", "25:00", "07:61", "2026-12-24", "10 minutes"])
def test_other_moments_are_refused_with_examples(text):
    with pytest.raises(RunError, match=r"--until .* is no (moment|time)(.|\n)*write e\.g\."):
        moment(text, "--until", now=EVENING)


def test_a_moment_that_is_over_is_refused_with_the_time_of_now():
    with pytest.raises(RunError, match=r"2026-11-28T21:00 is over: it is 2026-11-28 22:00 now"):
        moment("2026-11-28T21:00", "--until", now=EVENING)
