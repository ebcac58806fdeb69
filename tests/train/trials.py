"""Trials of two epochs, how to run one, and a loss that watches."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import STREAMS, Trial, Val
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.train.engine import TrainOptions, train
from evenhand.train.result import Stopped
from evenhand.train.resume import Resumable
from tests.data.samples import make_problem, make_source

CPU = torch.device("cpu")
SOURCE = make_source([40, 36, 32, 28], groups=2)
CONSTANT = Part(name="constant")


def make(name="erm", settings=None, *, seed=0, vary=STREAMS, val=None, ratio=4, **fields):
    """A trial of two epochs of a linear model, unless told otherwise."""
    fields.setdefault("backbone", Part(name="linear"))
    fields.setdefault("schedule", CONSTANT)
    recipe = Recipe(name="test", **{"epochs": 2, "batch": 16, "lr": 0.05, **fields})
    problem = make_problem("exp", ratio, val=val or Val(per_class=5))
    part = REGISTRY.part("method", name, settings)
    return Trial(problem=problem, method=part, recipe=recipe, seed=seed, vary=vary)


def data_of(trial, source=SOURCE):
    return make_splits(trial.problem, source, seed=trial.seed, vary=trial.vary)


def run(trial, source=SOURCE, *, time_limit=math.inf, **how):
    how.setdefault("options", TrainOptions(time_limit=time_limit))
    how.setdefault("device", CPU)
    return train(trial, data_of(trial, source), **how)


def stopped_and_resumed(trial, *, stop_after):
    """Stop after so many saved states, and resume from the last of them."""
    saves, stop = [], threading.Event()

    def write(state):
        saves.append(state)
        if len(saves) == stop_after:
            stop.set()

    saved = Resumable(identity={"key": "x"}, write=write, least_seconds=0)
    with pytest.raises(Stopped):
        run(trial, saved=saved, options=TrainOptions(stop=stop))
    return run(trial, saved=Resumable(identity={"key": "x"}, state=saves[-1]))


def result(outcome):
    """What must not depend on anything but the trial."""
    return outcome.evaluations, outcome.curves, outcome.stages


RESNET = {
    "backbone": Part(name="cifar_resnet8", settings={"shortcut": "A"}),
    "augment": (Part(name="crop", settings={"padding": 1}), Part(name="flip")),
}


@dataclass
class Spy:
    """A loss that remembers what it was called with, and can be made to go wrong.

    go_wrong  maps the 1-based number of a call and its losses to others
    """

    name: str = "spy"
    calls: list[tuple[str, torch.Tensor, torch.Tensor]] = field(default_factory=list)
    go_wrong: Any = None

    def bind(self, counts, device):
        self.inner = VectorScaling().bind(counts, device)
        return self

    def __call__(self, logits, labels, *, rows):
        self.calls.append((self.name, labels.clone(), rows.clone()))
        losses = self.inner(logits, labels, rows=rows)
        return self.go_wrong(len(self.calls), losses) if self.go_wrong else losses

    def row_weights(self, rows):
        return self.inner.row_weights(rows)
