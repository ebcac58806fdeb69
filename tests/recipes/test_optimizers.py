"""Optimisers by name: steps against the papers' formulas, and the fields that they read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.declared.decorators import optimizer
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError
from evenhand.recipes.optimizers import Optimizer
from evenhand.suite.recipes import part, resolve_recipe

ADAMW = {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.05}
START, GRADIENTS = [0.5, -2.0, 3.0], [[0.1, -3.0, 0.0], [0.2, 1.0, -0.5], [0.3, 2.0, 4.0]]


def stepped(name, given):
    """Three weights after three steps with these gradients, in float64."""
    recipe = resolve_recipe("digits", given)
    made = REGISTRY.make("optimizer", recipe.optimizer or REGISTRY.part("optimizer", name))
    weight = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    found = made([{"params": [weight], "weight_decay": recipe.weight_decay}], recipe, recipe.lr)
    for gradient in GRADIENTS:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        found.step()
    return weight.detach().numpy()


@pytest.mark.parametrize(
    ("betas", "eps", "decay"), [((0.9, 0.999), 1e-8, 0.05), ((0.5, 0.9), 0.1, 0)]
)
def test_adamw_is_algorithm_2_of_its_paper(betas, eps, decay):
    """loshchilov2019decoupled, with the decay multiplied by the learning rate, as in torch."""
    settings = {"adamw": {"betas": list(betas), "eps": eps}}
    found = stepped("adamw", {"optimizer": settings, "lr": 0.01, "weight_decay": decay})
    theta, m, v = np.array(START), np.zeros(3), np.zeros(3)
    for t, g in enumerate(np.array(GRADIENTS), start=1):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
        step = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        theta = theta - 0.01 * (step + decay * theta)
    np.testing.assert_allclose(found, theta, rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_has_the_momentum_and_the_decay_of_the_recipe(nesterov):
    given = {"lr": 0.1, "weight_decay": 0.05, "momentum": 0.8, "nesterov": nesterov}
    theta, velocity = np.array(START), np.zeros(3)
    for g in np.array(GRADIENTS):
        decayed = g + 0.05 * theta
        velocity = 0.8 * velocity + decayed
        theta = theta - 0.1 * (decayed + 0.8 * velocity if nesterov else velocity)
    np.testing.assert_allclose(stepped("sgd", given), theta, rtol=1e-12)


def test_a_recipe_without_an_optimiser_is_one_with_sgd():
    assert resolve_recipe("digits", {"optimizer": "sgd"}) == resolve_recipe("digits", {})


def test_a_recipe_with_adamw_has_no_momentum():
    recipe = resolve_recipe("digits", ADAMW | {"momentum": 0})
    assert recipe == resolve_recipe("digits", ADAMW)
    assert (recipe.momentum, recipe.nesterov) == (0, False)
    assert recipe.optimizer == part("optimizer", adamw={})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (ADAMW | {"momentum": 0.9}, "momentum = 0.9: the optimiser adamw has no momentum"),
        (ADAMW | {"nesterov": True}, "nesterov = true: the optimiser adamw has no nesterov"),
        ({"optimizer": "adamw"}, "lr and weight_decay of the recipe digits are meant for sgd"),
        ({"optimizer": "adamw", "lr": 1e-3}, "weight_decay of the recipe digits is meant for sgd"),
        ({"optimizer": "adam"}, "no optimizer is called 'adam'"),
        ({"optimizer": {"sgd": {"momentum": 0.9}}}, "sgd has no setting 'momentum'"),
        (ADAMW | {"optimizer": {"adamw": {"betas": [0.9, 1.0]}}}, "betas"),
    ],
)
def test_what_does_not_apply_to_an_optimiser_is_refused(given, said):
    with pytest.raises(SpecError, match=said):
        resolve_recipe("digits", given)


@pytest.mark.usefixtures("unregistered")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda groups, recipe, lr: torch.optim.LBFGS(groups[0]["params"], lr), "closure"),
        (
            lambda groups, recipe, lr: torch.optim.SparseAdam(groups[0]["params"], lr),
            "dense gradients",
        ),
        (lambda groups, recipe, lr: torch.nn.Linear(1, 1), "it gives a Linear"),
        (None, "'NoneType' object is not callable"),
    ],
    ids=["closure", "sparse", "no optimiser", "nothing"],
)
def test_an_optimiser_that_does_not_fit_the_training_loop_is_refused(made, said):
    @optimizer(name="unfit_of_a_test")
    def unfit() -> Optimizer:
        """An optimiser that cannot train."""
        return made

    given = {"optimizer": "unfit_of_a_test", "lr": 0.1, "weight_decay": 0}
    with pytest.raises(SpecError, match="does not fit the training loop") as told:
        resolve_recipe("digits", given)
    assert said in str(told.value)
    assert "`step()` without a closure" in str(told.value)
    assert told.value.mistakes[0].where == ("optimizer",)


@pytest.mark.usefixtures("unregistered")
def test_an_optimiser_of_ones_own_that_fits_is_accepted():
    @optimizer(name="rmsprop_of_a_test")
    def rmsprop() -> Optimizer:
        """RMSprop."""
        return lambda groups, recipe, lr: torch.optim.RMSprop(groups, lr=lr)

    given = {"optimizer": "rmsprop_of_a_test", "lr": 0.1, "weight_decay": 0}
    assert resolve_recipe("digits", given).optimizer.name == "rmsprop_of_a_test"
