"""The number of live tensors depends neither on the number of steps nor on that of batches."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import pytest
import torch

from evenhand.train import evaluation
from evenhand.train.engine import TrainOptions
from evenhand.train.resume import Resumable
from evenhand.train.training import Training
from tests.data.samples import make_source
from tests.train.trials import make, run

LARGE = make_source([160, 120, 80, 40], test=40)
FIRST = 5
"""A step after the first ones, which make gradients and momenta that stay."""


def live_tensors() -> int:
    gc.collect()
    return sum(type(found) is torch.Tensor for found in gc.get_objects())


@dataclass
class Watch(Resumable):
    """Saves nothing, and counts the live tensors after some steps of each epoch."""

    counts: list[int] = field(default_factory=list)

    def save_if_due(self, run):
        if run.position in (FIRST, 4 * FIRST):
            self.counts.append(live_tensors())


@pytest.mark.parametrize(
    ("name", "fields"),
    [("erm", {}), ("ldam_drw", {"epochs": 5}), ("dro", {}), ("erm", {"sam": {"rho": 0.1}})],
)
def test_no_step_leaves_a_tensor_alive(name, fields):
    watch = Watch()
    trial = make(name, batch=4, ratio=1, **fields)
    run(trial, LARGE, saved=watch)

    assert len(watch.counts) == 2 * trial.recipe.epochs
    assert watch.counts[::2] == watch.counts[1::2]


@pytest.mark.parametrize("keeps", [frozenset(), frozenset({"logits"})])
def test_no_batch_of_an_evaluation_leaves_a_tensor_alive(monkeypatch, keeps):
    found = []
    logits = Training.logits

    def counting(training, *args):
        found.append(live_tensors())
        return logits(training, *args)

    monkeypatch.setattr(Training, "logits", counting)
    monkeypatch.setitem(evaluation.BATCH, "cpu", 16)
    run(make(epochs=1), LARGE, options=TrainOptions(keeps=keeps))

    test = found[-10:]
    assert len(found) > len(test)
    assert test[1] == test[-1]
