"""Methods of several runs, and of parts that a stage may have beside its loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from evenhand.declared.decorators import method
from evenhand.declared.method import EveryExample, Method, Stage
from evenhand.declared.stage_parts import LinearHead
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.train import transitions
from evenhand.train.initial_state import begin
from tests.train.trials import CPU, RESNET, data_of, make, result, run, stopped_and_resumed

CE = VectorScaling()


@dataclass(frozen=True)
class Errors:
    """Twice as often what the network before gets wrong, and nothing else of the method's own."""

    factor: int = 2

    def weights(self, counts):
        return None

    def times(self, is_wrong):
        return np.where(is_wrong, self.factor, 1)


@dataclass(frozen=True)
class Least:
    """As many of each cell as the smallest one has."""

    def weights(self, counts):
        return None

    def kept(self, counts):
        return np.full(counts.shape, counts.min())


@dataclass(frozen=True)
class Summing:
    """A mean that counts how often it learnt."""

    factor: float = 1.0

    def check(self, labels):
        return None

    def bind(self, counts, device, *, classes, groups):
        return BoundSumming(self.factor, torch.zeros((), device=device))


@dataclass
class BoundSumming:
    factor: float
    seen: torch.Tensor

    def __call__(self, losses, rows, weights):
        return self.factor * (1 + 0.01 * self.seen) * losses.mean()

    def learn(self, losses, rows):
        self.seen += 1

    def curves(self):
        return {"seen": float(self.seen)}

    def tensors(self):
        return {"seen": self.seen}


@dataclass(frozen=True)
class Towards:
    """A head that says one class, whatever the image."""

    label: int
    split: str = "train"
    seen: list[Any] = field(default_factory=list, compare=False)

    def check(self, labels):
        return None

    def check_counts(self, counts):
        return None

    def solve(self, features, labels, groups, *, training, counts, randomness):
        self.seen.append((features, labels, groups, counts, randomness.random()))
        bias = np.zeros(len(counts))
        bias[self.label] = 1.0
        return LinearHead(np.zeros((len(counts), features.shape[1])), bias)


@pytest.fixture
def trial_of(unregistered):
    """Register a method, and give a trial of it."""

    def register(made, **fields):
        def spied() -> Method:
            """A method of a test."""
            return made

        method(cite="none")(spied)
        return make("spied", **fields)

    return register


def test_a_run_that_restarts_ends_as_if_there_had_been_none_before(trial_of):
    fields = {"epochs": 3, **RESNET, "vary": ("subset", "split", "init", "order")}
    again = trial_of(Method(Stage(CE, until=1.0), Stage(CE, restart=True)), **fields)
    twice = run(again)
    assert twice.curves["epoch"] == [1, 2, 3, 4, 5, 6]
    assert twice.curves["lr"][:3] == twice.curves["lr"][3:]
    assert {e.epoch for e in twice.evaluations} <= {4, 5, 6}


def test_weights_momentum_and_best_epochs_are_fresh_after_a_restart(trial_of, models):
    trial = trial_of(
        Method(Stage(CE, until=1.0), Stage(CE, until=2.0, restart=True)), epochs=2, lr=1e-20
    )
    run(trial)
    (before, trained), *_ = models
    for name, tensor in before.state_dict().items():
        torch.testing.assert_close(trained.state_dict()[name], tensor)


def test_schedules_and_borders_are_those_of_the_run(trial_of):
    made = Method(
        Stage(CE, until=0.5), Stage(CE, until=2.0), Stage(CE, restart=True, until=0.5), Stage(CE)
    )
    assert made.first_epochs(10) == (0, 5, 20, 25)
    assert made.total_epochs(10) == 30
    trial = trial_of(made, epochs=2, lr=1.0, warmup=0.5)
    assert run(trial).curves["lr"] == [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_what_looks_back_sees_the_network_that_the_run_before_left(trial_of, monkeypatch):
    seen, reweigh = [], transitions.reweigh

    def watch(run):
        reweigh(run)
        seen.append(run.stage.kept)

    monkeypatch.setattr(transitions, "reweigh", watch)
    trial = trial_of(Method(Stage(CE, until=1.0), Stage(CE, sampler=Errors(3), restart=True)))
    outcome = run(trial)
    first, second = seen
    assert first is None
    n, times = len(data_of(trial).train), np.bincount(second)
    assert set(times) == {1, 3} and len(times) == n
    images = outcome.cost.images_per_second * outcome.cost.train_seconds
    assert round(images) == 2 * n + 2 * times.sum()


def test_a_sub_sampler_trains_on_as_many_of_each_cell_the_same_in_every_epoch(trial_of):
    trial = trial_of(Method(Stage(CE, sampler=Least())))
    data = data_of(trial)
    [stage] = begin(trial, data, CPU).stages
    cells = data.train.labels[stage.kept] * 2 + data.train.groups[stage.kept]
    assert set(np.bincount(cells)) == {data.counts.min()}
    [again] = begin(trial, data, CPU).stages
    assert np.array_equal(stage.kept, again.kept)
    [other] = begin(trial.model_copy(update={"seed": 1}), data, CPU).stages
    assert not np.array_equal(stage.kept, other.kept)


def test_a_reduction_learns_once_a_step_also_under_sam(trial_of):
    trial = trial_of(Method(Stage(CE, reduce=Summing())), sam=0.1)
    steps = math.ceil(len(data_of(trial).train) / trial.recipe.batch)
    assert run(trial).curves["seen"] == [steps, 2 * steps]


def test_a_head_that_is_solved_for_is_what_is_evaluated(trial_of):
    refit = Towards(2)
    trial = trial_of(Method(Stage(CE), refit=refit))
    outcome = run(trial)
    assert outcome.curves["epoch"] == [1, 2, 3]
    assert outcome.curves["train_loss"][-1] is None
    for evaluation in outcome.evaluations:
        assert evaluation.epoch == 3
        assert evaluation.counts.sum((0, 1)).nonzero()[0].tolist() == [2]
    [(features, labels, groups, counts, _)] = refit.seen
    data = data_of(trial)
    assert np.array_equal(labels, data.train.labels) and np.array_equal(groups, data.train.groups)
    assert np.array_equal(counts, data.counts)
    assert features.dtype == np.float64 and len(features) == len(labels)


def test_a_method_that_only_solves_trains_nothing(trial_of):
    refit = Towards(1, split="val")
    trial = trial_of(Method(refit=refit))
    outcome = run(trial)
    assert outcome.curves["epoch"] == [1]
    [(_, labels, *_)] = refit.seen
    assert len(labels) == len(data_of(trial).val)


@pytest.mark.parametrize("stop_after", [3, 12, 13, 20])
def test_it_goes_on_where_it_was_on_either_side_of_a_restart(trial_of, stop_after):
    made = Method(
        Stage(CE, reduce=Summing(), until=1.0),
        Stage(CE, sampler=Errors(3), reduce=Summing(0.5), restart=True),
        refit=Towards(2),
    )
    trial = trial_of(made, batch=8, **RESNET)
    again = stopped_and_resumed(trial, stop_after=stop_after)
    assert result(again) == result(run(trial))


def test_every_example_is_the_usual_sampler():
    assert Stage(CE).sampler == EveryExample()
