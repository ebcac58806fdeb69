"""Processes that Ray Tune re-uses: none is ended that the run still needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ray.tune.execution import tune_controller as tune

from evenhand.execution.ray_reuse import (
    WAITING,
    first_waiting,
    in_order,
    processes_kept,
)


def controller(*, starting: str = "", waiting: str = "", ended: str = "") -> Any:
    """A controller of Tune with trials by name; those that start have a process."""
    own = {trial: f"process of {trial}" for trial in starting + waiting}
    started = {own[trial] for trial in starting}
    found = SimpleNamespace(
        _trial_to_actor=own,
        _actor_manager=SimpleNamespace(is_actor_started=lambda process: process in started),
        _pending_trials_list=[*ended, *starting, *waiting],
        _pending_trials={*starting, *waiting},
        _resetting_trials=set(),
        most=0,
    )
    found.update_max_pending_trials = lambda most: setattr(found, "most", most)
    return found


def test_a_trial_whose_process_starts_takes_no_other() -> None:
    assert first_waiting(controller(ended="e", starting="ab", waiting="cd")) == "c"
    assert first_waiting(controller(starting="ab")) is None


def test_as_many_trials_wait_however_many_start() -> None:
    found = controller(starting="abc", waiting="d")

    chosen = in_order().choose_trial_to_run(SimpleNamespace(_tune_controller=found))

    assert (chosen, found.most) == ("d", WAITING + 3)


def test_tune_keeps_processes_within_the_block_alone(monkeypatch: Any) -> None:
    asked: list[str] = []

    def reuse(_: Any, trial: str) -> bool:
        asked.append(trial)
        return True

    monkeypatch.setattr(tune.TuneController, "_maybe_reuse_cached_actor", reuse)
    found = controller(starting="ab", waiting="c")
    found._resetting_trials = {"b"}
    with processes_kept():
        reused = [tune.TuneController._maybe_reuse_cached_actor(found, trial) for trial in "abc"]

    assert (reused, asked) == ([False, True, True], ["b", "c"])
    assert tune.TuneController._maybe_reuse_cached_actor is reuse
