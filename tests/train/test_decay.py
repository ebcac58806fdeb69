"""Weight decay that leaves normalisation layers alone, and epochs of whole batches."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evenhand.backbones.networks.build import Network
from evenhand.declared.base import Part, canonical
from evenhand.declared.method import Stage
from evenhand.train.initial_state import begin
from evenhand.train.optimizer_state import set_learning_rate
from tests.train.trials import CPU, RESNET, Spy, data_of, make, run


def begun(**fields):
    trial = make(weight_decay=0.5, momentum=0.0, lr=0.1, **fields)
    return begin(trial, data_of(trial), CPU)


def changes(training):
    """What a step without gradients makes of each weight that is not 0: its factor, by name."""
    before = {k: p.detach().clone() for k, p in training.model.named_parameters()}
    for parameter in training.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    training.optimizer.step()
    after = {k: p.detach() for k, p in training.model.named_parameters()}
    return {k: float(after[k].norm() / value.norm()) for k, value in before.items() if value.any()}


def norms(model):
    layers = {k for k, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    return {k for k, _ in model.named_parameters() if k.rpartition(".")[0] in layers}


def test_scale_and_shift_of_batch_normalisation_stay_where_they_do_not_decay():
    training = begun(decay_norms=False, **RESNET)
    kept, factors = norms(training.model), changes(training)
    assert kept & factors.keys()
    for name, factor in factors.items():
        assert factor == pytest.approx(1 if name in kept else 1 - 0.1 * 0.5), name
    assert "head.bias" in factors


def test_without_a_word_everything_decays():
    training = begun(**RESNET)
    assert len(training.optimizer.param_groups) == 1
    factors = list(changes(training).values())
    assert factors == pytest.approx([0.95] * len(factors))


@pytest.mark.parametrize(
    "layer", [nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.InstanceNorm2d(4, affine=True)]
)
def test_other_normalisation_layers_are_known_too(layer, monkeypatch):
    model = Network(nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), layer)
    monkeypatch.setattr("evenhand.train.draws.build", lambda *_, **__: model)
    groups = begun(decay_norms=False).optimizer.param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert [decays[id(p)] for p in model.parameters()] == [0.5, 0.5, 0.0, 0.0]


def test_the_learning_rate_moves_in_both_groups():
    training = begun(decay_norms=False, **RESNET)
    set_learning_rate(training.optimizer, 0.25)
    assert [group["lr"] for group in training.optimizer.param_groups] == [0.25, 0.25]


def test_a_network_without_normalisation_trains_all_the_same():
    plain, spared = (run(make(epochs=3, **fields)) for fields in ({}, {"decay_norms": False}))
    assert plain.curves == spared.curves


def test_an_epoch_of_whole_batches_leaves_the_rest_out(spied):
    trial = spied(Stage(loss=(spy := Spy())), epochs=2, batch=32, drop_last=True)
    n = int(data_of(trial).counts.sum())
    run(trial)
    assert n % 32
    assert [len(labels) for _, labels, _ in spy.calls] == [32] * 2 * (n // 32)


def test_neither_field_leaves_a_mark_on_recipes_without_it():
    recipe = make(backbone=Part(name="linear")).recipe
    assert "decay_norms" not in canonical(recipe) and "drop_last" not in canonical(recipe)
