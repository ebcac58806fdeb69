"""What a stage did: against counts in a loop, the network's own errors, and the curves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.declared.course import expected_course, n_batches
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import Retrospective
from evenhand.train.device_data import batches
from tests.train.trials import data_of, make, run

DIVERSE = [
    ("erm", {}, {}),
    ("vs_tla_adrw", {}, {"epochs": 5}),
    ("csl", {"every": 4}, {"epochs": 5}),
    ("csl", {"every": 1000}, {}),
    ("autobalance", {"every": 3, "batches": 1, "terms": 1}, {"epochs": 4}),
    ("autobalance", {"every": 1000}, {"epochs": 3}),
    ("autobalance_released", {"every": 3}, {"epochs": 4}),
    ("erm", {}, {"train_on": "all"}),
    ("jtt", {"first": 0.5}, {"epochs": 2}),
    ("subg", {}, {"epochs": 3}),
    ("dro", {"eta": 0.5}, {"epochs": 3, "drop_last": True}),
    ("erm", {}, {"batch": 7, "drop_last": True}),
]


@pytest.mark.parametrize(("name", "settings", "fields"), DIVERSE)
def test_the_expected_course_is_the_one_of_the_training(name, settings, fields):
    trial = make(name, settings, **fields)
    data = data_of(trial)
    method, counts = REGISTRY.make("method", trial.method), data.counts
    held_out = data.val.counts(*counts.shape) if data.val else None
    found = run(trial).stages
    measured = ("errors", "examples", "moved")
    plain = tuple(stage.model_copy(update={"moved": {}}) for stage in found)
    plain = [stage.model_dump(exclude=set(measured)) for stage in plain]
    expected = expected_course(method, trial.recipe, counts, held_out)
    n = sum(not isinstance(stage.sampler, Retrospective) for stage in method.stages)
    assert plain[:n] == [stage.model_dump(exclude=set(measured)) for stage in expected]
    assert sum(stage.epochs for stage in found) == method.total_epochs(trial.recipe.epochs)


@pytest.mark.parametrize("drop_last", [None, True])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 16])
def test_the_batches_of_an_epoch_are_counted_as_they_are_made(size, drop_last):
    recipe = make(batch=size, drop_last=drop_last).recipe
    for n in range(1, 60):
        made = list(batches(torch.arange(n), size, drop_last=bool(drop_last)))
        assert n_batches(n, recipe) == len(made)


def test_updates_are_counted_in_a_loop_over_epochs_and_steps():
    trial = make("autobalance", {"every": 5, "batches": 1, "terms": 0}, epochs=5)
    steps = n_batches(len(data_of(trial).train.labels), trial.recipe)
    due, total = [], 0
    for epoch in range(5):
        for _ in range(steps):
            if epoch >= 2 and total % 5 == 0:  # 0.4 of 5 epochs of warm-up
                due.append(total - 2 * steps + 1)
            total += 1
    warmup, search, retraining = run(trial).stages
    assert (search.updates, search.first_update) == (len(due), due[0])
    assert (search.first_epoch, search.epochs, search.steps) == (3, 3, 3 * steps)
    assert warmup.updates is retraining.updates is None
    assert search.moved["l"] > 0 and search.moved["delta"] > 0
    assert not retraining.moved


def test_the_multipliers_moved_from_their_uniform_start():
    outcome = run(make("csl", {"every": 4, "step": 1.0}, epochs=4))
    end = [curve[-1] for name, curve in outcome.curves.items() if name.startswith("multiplier ")]
    [stage] = outcome.stages
    assert stage.moved["multipliers"] == pytest.approx(np.abs(np.array(end) - 0.25).max(), rel=1e-4)


def test_the_group_weights_moved_from_their_uniform_start():
    outcome = run(make("dro", {"eta": 0.5}, epochs=3))
    end = [c[-1] for name, c in outcome.curves.items() if name.startswith("group weight ")]
    [stage] = outcome.stages
    moved = np.abs(np.log(np.array(end) * len(end))).max()
    assert stage.moved["log_weights"] == pytest.approx(moved, rel=1e-3)


def test_a_learning_rate_of_0_moves_nothing():
    outcome = run(make("autobalance", {"every": 3, "lr": 0.0, "batches": 1, "terms": 0}, epochs=4))
    search = outcome.stages[1]
    assert search.updates > 1 and set(search.moved.values()) == {0.0}
    assert search.standing(2) == "the learned values (l and delta) of stage 2 do not move"


def test_the_errors_are_those_of_the_first_network():
    """Of ERM for as many epochs, which sees the same batches."""
    erm = run(make("erm", epochs=2, evaluate_train=True, best_by="accuracy"))
    _, again = run(make("jtt", {"first": 0.5}, epochs=4)).stages
    assert again.examples == len(data_of(make()).train.labels)
    assert again.errors == round((1 - erm.curves["train_accuracy"][-1]) * again.examples)


@pytest.mark.parametrize(("errors", "equals"), [(0, True), (3, False), (40, True)])
def test_errors_of_none_or_of_all_leave_the_second_network_as_it_was(errors, equals):
    [_, again] = run(make("jtt", {"first": 0.5}, epochs=2)).stages
    stage = again.model_copy(update={"errors": errors, "examples": 40})
    assert bool(stage.standing(2)) == equals
