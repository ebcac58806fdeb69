"""What every registered optimiser must satisfy, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evenhand.declared.decorators import optimizer
from evenhand.declared.registry import REGISTRY
from evenhand.recipes.optimizers import Optimizer
from evenhand.train.initial_state import begin
from evenhand.train.optimizer_state import set_learning_rate
from evenhand.train.transitions import begin_run
from tests.train.trials import CPU, RESNET, data_of, make, result, run, stopped_and_resumed

READ = ("momentum", "nesterov")
OWN = "nadam_of_a_plugin"
NAMES = [*(entry.name for entry in REGISTRY.all("optimizer")), OWN]


@pytest.fixture(params=NAMES)
def entry(request, unregistered):
    """Each registered optimiser, and one of a plugin, whose state does not begin at zero."""
    if request.param == OWN:

        @optimizer(name=OWN, cite="me2026", title="NAdam")
        def nadam() -> Optimizer:
            """NAdam."""
            return make_nadam

    return REGISTRY.get("optimizer", request.param)


def make_nadam(groups, recipe, lr):
    return torch.optim.NAdam(groups, lr=lr)


def trial_of(entry, **fields):
    return make(lr=1e-2, optimizer=entry.resolve(), **fields)


def begun(entry, **fields):
    trial = trial_of(entry, weight_decay=0.1, decay_norms=False, **RESNET, **fields)
    return begin(trial, data_of(trial), CPU)


def moved(state, gradient):
    """Largest change of each parameter by one step with this gradient at every weight."""
    before = [p.detach().clone() for p in state.model.parameters()]
    for parameter in state.model.parameters():
        parameter.grad = None if gradient is None else torch.full_like(parameter, gradient)
    state.optimizer.step()
    pairs = zip(state.model.parameters(), before, strict=True)
    return [float((p.detach() - old).abs().max()) for p, old in pairs]


def test_it_has_a_title_a_source_a_summary_and_a_default_for_every_setting(entry):
    assert entry.title and entry.cite
    assert entry.summary.endswith(".") and len(entry.summary) <= 90
    assert set(entry.resolve().settings) == set(entry.settings)
    assert set(entry.facts.get("reads", ())) <= set(READ)


def test_its_declaration_is_hashable_and_made_alike_twice(entry):
    assert isinstance(entry.make(), Optimizer)
    assert entry.make() == entry.make() and hash(entry.make()) == hash(entry.make())


def test_it_has_the_weights_and_the_weight_decay_of_every_group(entry):
    state = begun(entry)
    assert isinstance(state.optimizer, torch.optim.Optimizer)
    groups = state.optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    held = {id(p) for group in groups for p in group["params"]}
    assert held == {id(p) for p in state.model.parameters()}


def test_it_has_the_learning_rate_that_the_schedule_sets(entry):
    state = begun(entry)
    set_learning_rate(state.optimizer, 0.0)
    assert max(moved(state, 1.0)) == 0
    set_learning_rate(state.optimizer, 1e-3)
    assert min(moved(state, 1.0)) > 0


def test_without_a_gradient_it_moves_only_what_decays(entry):
    state = begun(entry)
    decays = {id(p) for p in state.optimizer.param_groups[0]["params"]}
    movable = [id(p) in decays and bool(p.any()) for p in state.model.parameters()]
    assert [by > 0 for by in moved(state, 0.0)] == movable
    # A frozen parameter has no gradient at all, and its weight decay rests as well.
    assert max(moved(begun(entry), None)) == 0


def test_training_lowers_the_loss_and_can_be_repeated(entry):
    trial = trial_of(entry, epochs=3, **RESNET)
    first = run(trial)
    losses = first.curves["train_loss"]
    assert losses[-1] < losses[0]
    assert result(first) == result(run(trial))


def test_a_resumed_training_ends_as_an_uninterrupted_one(entry):
    trial = trial_of(entry, epochs=3)
    assert result(stopped_and_resumed(trial, stop_after=7)) == result(run(trial))


def test_a_restart_clears_its_state(entry):
    state = begun(entry)
    state.stage.spec = replace(state.stage.spec, restart=True)
    losses = []
    for _ in range(2):
        # The images of both runs are augmented alike.
        state.randomness.manual_seed(0)
        losses += [[float(state.step(state.stage, torch.arange(16))) for _ in range(3)]]
        begin_run(state)
        # Batch normalisation in training mode reads no running statistics.
        state.model.train()
    assert losses[0] == losses[1]
