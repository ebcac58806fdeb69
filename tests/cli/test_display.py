from __future__ import annotations

import time

import pytest

from evenhand.api import open_suite
from evenhand.cli.display import Tally, _Lines, expected_shares
from evenhand.cli.output import console
from evenhand.execution.events import Event
from evenhand.execution.plan import make_plan
from evenhand.store import Store
from tests.records import make_record


def ended(key):
    return Event("ended", key, status="done")


def test_the_time_left_follows_the_speed_since_the_first_trial_began(monkeypatch):
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    tally = Tally("small", 5)

    tally.see(Event("started", "a"))
    tally.see(ended("a"))

    assert tally.eta_seconds == pytest.approx(10.0 / 1 * 4)


def test_the_time_left_weighs_trials_by_their_expected_time(monkeypatch):
    clock = iter([100.0, 130.0, 130.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    tally = Tally("small", 3, weights={"long": 2.4, "short": 0.3, "other": 0.3})

    tally.see(Event("started", "long"))
    tally.see(ended("long"))
    assert tally.eta_seconds == pytest.approx(30.0 / 2.4 * 0.6)

    tally.see(Event("progress", "short", epoch=1, epochs=2))
    assert tally.eta_seconds == pytest.approx(30.0 / 2.55 * 0.45)


def test_the_expected_shares_have_the_mean_1_over_the_trials_with_an_estimate(tmp_path):
    store = Store.open(tmp_path / "r")
    suite = open_suite("quickstart", only="method=erm")
    assert expected_shares(make_plan(suite, store)) == {}

    trial, *rest = suite.trials.values()
    record = make_record(status="done")
    store.write(record.model_copy(update={"key": trial.key, "trial": trial}))
    shares = expected_shares(make_plan(suite, store))

    assert shares == {other.key: pytest.approx(1.0) for other in rest}


@pytest.mark.parametrize("cause", ["", "interrupted"])
def test_a_cause_that_repeats_the_status_is_left_out(cause, capsys):
    lines = _Lines(Tally("small", 1), console())
    lines(Event("ended", "a", "erm", status="interrupted", cause=cause))
    assert capsys.readouterr().out.endswith("; erm: interrupted\n")
