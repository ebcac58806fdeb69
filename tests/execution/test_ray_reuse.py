"""Processes that Ray Tune re-uses: none is ended that the run still needs."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.tune.execution import tune_controller as tune
from ray.tune.schedulers import FIFOScheduler

from evenhand.execution.ray_cluster import connect
from evenhand.execution.ray_reuse import WAITING, first_waiting, in_order, processes_kept


def trials(names: str) -> list[Any]:
    """Trials by name, whose place in the run is that of the name in the alphabet."""
    return [SimpleNamespace(name=name, config={"index": ord(name)}) for name in names]


def controller(*, starting: str = "", waiting: str = "") -> Any:
    """A controller of Tune with trials by name; those that start have a process."""
    start, wait = trials(starting), trials(waiting)
    own = {trial.name: f"process of {trial.name}" for trial in start + wait}
    started = {own[trial.name] for trial in start}
    found = SimpleNamespace(
        _trial_to_actor=SimpleNamespace(get=lambda trial: own.get(trial.name)),
        _actor_manager=SimpleNamespace(is_actor_started=lambda process: process in started),
        # A set in Tune: the order says nothing.
        _pending_trials=[*reversed(wait), *start],
        _resetting_trials=[],
        most=0,
    )
    found.update_max_pending_trials = lambda most: setattr(found, "most", most)
    return found


def test_a_trial_whose_process_starts_takes_no_other() -> None:
    assert first_waiting(controller(starting="ab", waiting="dc")).name == "c"
    assert first_waiting(controller(starting="ab")) is None


@pytest.mark.filterwarnings("ignore")
def test_trials_start_in_their_order(tmp_path: Path) -> None:
    order = tmp_path / "order"

    class Short(ray.tune.Trainable):  # type: ignore[misc]
        def step(self) -> dict[str, Any]:
            with order.open("a") as file:
                file.write(f"{self.config['index']}\n")
            time.sleep(0.05)
            return {"done": True}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            return True

    with connect(None, ship_code=False), processes_kept():
        slots = int(ray.cluster_resources()["CPU"])
        ray.tune.Tuner(
            ray.tune.with_resources(Short, {"cpu": 1}),
            param_space={"index": ray.tune.grid_search(list(range(60)))},
            tune_config=ray.tune.TuneConfig(reuse_actors=True, scheduler=in_order()),
            run_config=ray.tune.RunConfig(
                storage_path=str(tmp_path),
                verbose=0,
                checkpoint_config=ray.tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()

    found = [int(index) for index in order.read_text().split()]
    assert sorted(found) == list(range(60))
    # The first ones wait for processes of their own, and write to the file at the same time.
    others = [index for index in found if index >= slots]
    late = [place - index + slots for place, index in enumerate(others)]
    assert max(late) <= slots, found


def test_a_tune_with_other_attributes_runs_trials_by_itself(monkeypatch: Any) -> None:
    monkeypatch.delattr(tune.TuneController, "_maybe_reuse_cached_actor")
    first = SimpleNamespace(status="PENDING")
    other = SimpleNamespace(get_trials=lambda: [first], get_live_trials=lambda: {first.status})
    monkeypatch.setattr(
        FIFOScheduler, "choose_trial_to_run", lambda _, given: given.get_trials()[0]
    )
    with processes_kept():
        assert in_order().choose_trial_to_run(other) is first


def test_as_many_trials_wait_however_many_start() -> None:
    found = controller(starting="abc", waiting="d")

    chosen = in_order().choose_trial_to_run(SimpleNamespace(_tune_controller=found))

    assert (chosen.name, found.most) == ("d", WAITING + 3)


def test_tune_keeps_processes_within_the_block_alone(monkeypatch: Any) -> None:
    asked: list[str] = []

    def reuse(_: Any, trial: Any) -> bool:
        asked.append(trial.name)
        return True

    monkeypatch.setattr(tune.TuneController, "_maybe_reuse_cached_actor", reuse)
    found = controller(starting="ab", waiting="c")
    a, b, c = sorted(found._pending_trials, key=lambda trial: trial.name)
    found._resetting_trials = [b]
    with processes_kept():
        reused = [tune.TuneController._maybe_reuse_cached_actor(found, t) for t in (a, b, c)]

    assert (reused, asked) == ([False, True, True], ["b", "c"])
    assert tune.TuneController._maybe_reuse_cached_actor is reuse
