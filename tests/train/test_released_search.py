"""`autobalance_released` against the released search, written out for a linear classifier.

Two nested loops in float64: the inner one trains the weights, the outer one steps along the
hypergradient, with the Hessian as a dense matrix. The held-out images are one batch, and all
training images are in the batches of the hypergradient, so that nothing is left to chance.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.streams import stream_seed
from evenhand.declared.trial import Val
from evenhand.train.initial_state import begin
from tests.data.samples import make_source
from tests.train.trials import CPU, data_of, make, run

SOURCE = make_source([40, 36, 32, 28])
EPOCHS, WARM, BATCH, INTERVAL = 6, 2, 18, 2
RECIPE = {
    "epochs": EPOCHS,
    "batch": BATCH,
    "mean": (0.5,),
    "std": (2.0,),
    "weight_decay": 1e-3,
    "val": Val(per_class=4),
}
SETTINGS = {"warmup": WARM / EPOCHS, "retrain": 1 / EPOCHS, "every": INTERVAL, "lr": 0.5}
SETTINGS |= {"lr_warmup": 3 / EPOCHS}
N_TERMS, MOMENTUM = 5, 0.9


def inputs(images):
    pixels = torch.from_numpy(images.pixels).double().permute(0, 3, 1, 2).flatten(1)
    return (pixels / 255 - 0.5) / 2.0, torch.from_numpy(images.labels)


class Search:
    """The search of the released code: weights θ of a linear classifier, and a = (Δ, l)."""

    def __init__(self, trial, data):
        model = begin(trial, data, CPU).model
        parts = [p.detach().double().flatten() for p in model.parameters()]
        self.theta, self.a = torch.cat(parts), torch.tensor([1.0] * 4 + [0.0] * 4).double()
        self.n_weights = len(parts[0])
        self.train, self.val = inputs(data.train), inputs(data.val)
        self.weight = 1 / torch.from_numpy(data.val.counts(4, 1)[:, 0]).double()
        self.velocity, self.up_velocity = torch.zeros_like(self.theta), torch.zeros_like(self.a)
        self.order = torch.Generator().manual_seed(stream_seed("order", trial.seed, trial.vary))

    def logits(self, theta, x):
        matrix = theta[: self.n_weights].reshape(4, -1)
        return x @ matrix.T + theta[self.n_weights :]

    def lower(self, theta, a, index=slice(None)):
        delta, offset = a[:4], a[4:]
        adjusted = delta.sigmoid() * self.logits(theta, self.train[0][index]) + offset
        return F.cross_entropy(adjusted, self.train[1][index])

    def upper(self, theta):
        return F.cross_entropy(self.logits(theta, self.val[0]), self.val[1], weight=self.weight)

    def hypergradient(self):
        hessian = torch.autograd.functional.hessian(lambda t: self.lower(t, self.a), self.theta)
        term = torch.autograd.functional.jacobian(self.upper, self.theta)
        solved = term.clone()
        for _ in range(N_TERMS):
            term = term - hessian @ term
            solved += term

        def along(a):
            theta = self.theta.clone().requires_grad_()
            slope = torch.autograd.grad(self.lower(theta, a), theta, create_graph=True)[0]
            return slope @ solved

        return -torch.autograd.functional.jacobian(along, self.a)

    def up_step(self, slope, lr):
        self.up_velocity = MOMENTUM * self.up_velocity + slope + 1e-4 * self.a
        self.a = self.a - lr * self.up_velocity

    def low_step(self, index):
        slope = torch.autograd.functional.jacobian(
            lambda t: self.lower(t, self.a, index), self.theta
        )
        self.velocity = MOMENTUM * self.velocity + slope + 1e-3 * self.theta
        self.theta = self.theta - 0.05 * self.velocity

    def epoch(self, number):
        order = torch.randperm(len(self.train[1]), generator=self.order)
        up_lr = 0.5 * min(1.0, (number - WARM + 1) / 3)
        for step, index in enumerate(order.split(BATCH)):
            if number >= WARM:
                if step % INTERVAL == 0:
                    self.up_step(self.hypergradient(), up_lr)
                self.up_step(torch.zeros_like(self.a), up_lr)
            self.low_step(index)


def test_the_learned_loss_follows_the_released_search():
    trial = make("autobalance_released", SETTINGS, **RECIPE)
    data = data_of(trial, SOURCE)
    assert len(data.train) % BATCH == 0 and len(data.val) <= BATCH
    search, expected = Search(trial, data), []
    for number in range(EPOCHS):
        search.epoch(number)
        expected.append(search.a.numpy())

    curves = run(trial, SOURCE).curves

    names = [*(f"learned Δ {c}" for c in range(4)), *(f"learned l {c}" for c in range(4))]
    found = np.array([curves[name][:EPOCHS] for name in names], np.float64).T
    assert np.isnan(found[:WARM]).all()
    assert np.abs(expected[-1] - expected[WARM - 1]).min() > 1e-3
    np.testing.assert_allclose(found[WARM:], expected[WARM:], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("changed", [{"coast": False}, {"every": 3}, {"la_init": True}])
def test_and_no_other_setting_does(changed):
    trial = make("autobalance_released", SETTINGS, **RECIPE)
    other = make("autobalance_released", SETTINGS | changed, **RECIPE)
    ours, theirs = (run(t, SOURCE).curves["learned l 0"][WARM:EPOCHS] for t in (trial, other))
    assert np.abs(np.array(ours) - np.array(theirs)).max() > 1e-3
