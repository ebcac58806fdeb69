"""Stages that train the last layer alone: what moves, what does not, and where it begins."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.declared.base import Part
from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import REGISTRY
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.train import engine
from evenhand.train.evaluation import evaluate
from evenhand.train.initial_state import begin
from evenhand.train.training import Training
from tests.train.trials import CPU, RESNET, data_of, make, result, run, stopped_and_resumed

CE = VectorScaling()
PLAIN = {"backbone": RESNET["backbone"]}
TWO_STAGE = ("crt", "lws", "label_aware_smoothing")


def trial_of(name="crt", settings=None, **fields):
    return make(name, {"retrain": 0.5, **(settings or {})}, **{"epochs": 4, **PLAIN, **fields})


@pytest.fixture
def watched(monkeypatch):
    """The training, the batches of every step, and the weights before and after the last stage."""
    seen = {"steps": []}
    before, step = engine.begin_stage, Training.step

    def begin_stage(run):
        before(run)
        seen["run"] = run
        if run.stage is run.stages[-1] and "before" not in seen:
            seen["before"] = copy_of(run)

    def record(run, stage, index):
        seen["steps"].append((run.epoch, index.clone(), run.optimizer.param_groups[0]["lr"]))
        return step(run, stage, index)

    monkeypatch.setattr(engine, "begin_stage", begin_stage)
    monkeypatch.setattr(Training, "step", record)
    return seen


def copy_of(run):
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def moved(seen):
    after = seen["run"].model.state_dict()
    return {name for name, old in seen["before"].items() if not torch.equal(old, after[name])}


@pytest.mark.parametrize("sam", [None, 0.1])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("crt", {"head.weight", "head.bias"}),
        ("lws", {"head.scale"}),
        ("label_aware_smoothing", {"head.weight", "head.bias", "head.scale"}),
    ],
)
def test_the_second_stage_moves_its_part_and_leaves_every_other_bit(name, expected, sam, watched):
    """Running statistics included, under momentum, weight decay and augmentation."""
    run(trial_of(name, momentum=0.9, weight_decay=0.1, sam=sam, **RESNET))
    assert moved(watched) == expected


def test_updated_statistics_move_and_frozen_weights_do_not(watched):
    run(trial_of("crt", {"batch_norm": "updated"}))
    names = moved(watched) - {"head.weight", "head.bias"}
    assert names and all(
        name.endswith(("running_mean", "running_var", "num_batches_tracked")) for name in names
    )


@pytest.mark.parametrize("name", ["crt", "lws"])
def test_the_second_stage_is_sgd_on_fixed_features(name, watched):
    """Two nested loops in float64, with momentum, weight decay and a cosine of its own."""
    trial = trial_of(name, lr=0.02, momentum=0.9, weight_decay=0.01)
    run(trial)
    training, start = watched["run"], watched["before"]
    training.model.eval()
    with torch.no_grad():
        inputs = training.inputs(training.train.pixels)
        features = training.model.features(inputs).double().numpy()
    labels = data_of(trial).train.labels
    w, b = (start[f"head.{part}"].double().numpy() for part in ("weight", "bias"))
    s, velocity = np.ones(len(b)), None
    for epoch in (0, 1):
        lr = 0.02 * 0.5 * (1 + np.cos(np.pi * epoch / 2))
        for at, index, used in watched["steps"]:
            if at != 5 + epoch:
                continue
            assert used == pytest.approx(lr)
            h, y = features[index], labels[index]
            linear = h @ w.T + b
            p = np.exp(linear * s - (linear * s).max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            p[np.arange(len(y)), y] -= 1
            error = p / len(y)
            if name == "lws":
                gradient = [(error * linear).sum(0) + 0.01 * s]
            else:
                gradient = [error.T @ h + 0.01 * w, error.sum(0) + 0.01 * b]
            velocity = velocity or [np.zeros_like(g) for g in gradient]
            velocity = [0.9 * v + g for v, g in zip(velocity, gradient, strict=True)]
            if name == "lws":
                s = s - lr * velocity[0]
            else:
                w, b = w - lr * velocity[0], b - lr * velocity[1]
    after = training.model.state_dict()
    expected = {"head.scale": s} if name == "lws" else {"head.weight": w, "head.bias": b}
    for part, value in expected.items():
        assert np.abs(value - start[part].numpy()).max() > 1e-3
        np.testing.assert_allclose(after[part], value, atol=2e-5)


@pytest.mark.parametrize("name", TWO_STAGE)
def test_the_first_stage_is_erm_and_only_the_second_is_evaluated(name):
    erm, two = run(make("erm", epochs=4, **PLAIN)), run(trial_of(name))
    assert two.curves["train_loss"][:4] == erm.curves["train_loss"]
    assert {evaluation.epoch for evaluation in two.evaluations} <= {5, 6}


def test_a_new_head_is_neither_the_trained_nor_the_first_one(watched):
    trial = trial_of("crt")
    run(trial)
    first = begin(trial, data_of(trial), CPU)
    new = first.draws.new_head()
    torch.testing.assert_close(watched["before"]["head.weight"], new["weight"])
    assert not torch.allclose(first.model.head.weight, new["weight"])
    assert all(torch.equal(value, first.draws.new_head()[name]) for name, value in new.items())
    other = begin(trial.model_copy(update={"seed": 1}), data_of(trial), CPU).draws.new_head()
    assert not torch.allclose(other["weight"], new["weight"])


def test_what_the_backbone_froze_stays_frozen(watched):
    backbone = Part(name="linear", settings={"intercept": False})
    run(make("crt", {"retrain": 0.5}, epochs=2, backbone=backbone))
    assert (watched["run"].model.head.bias == 0).all()


@pytest.mark.parametrize("name", TWO_STAGE)
@pytest.mark.parametrize("stop_after", [3, 16, 17, 20])
def test_a_resumed_trial_ends_the_same_on_either_side_of_the_second_stage(name, stop_after):
    trial = trial_of(name, epochs=2, batch=8, momentum=0.9, **RESNET)
    again = stopped_and_resumed(trial, stop_after=stop_after)
    assert result(again) == result(run(trial))


def test_a_scaled_head_is_kept_as_the_linear_map_that_it_is():
    trial = trial_of("lws")
    training = begin(trial, data_of(trial), CPU, keeps=frozenset({"logits"}))
    head = training.model.head
    with torch.no_grad():
        head.scale.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
    kept = evaluate(training).kept
    weight, scale = head.weight.detach(), head.scale.detach()
    np.testing.assert_allclose(
        kept["weight_norms"], (weight * scale[:, None]).norm(dim=1), rtol=1e-6
    )
    np.testing.assert_allclose(kept["bias"], head.bias.detach() * scale, rtol=1e-6)


def test_what_is_kept_of_an_epoch_does_not_change_in_the_next():
    trial = make("erm")
    training = begin(trial, data_of(trial), CPU, keeps=frozenset({"logits"}))
    kept = evaluate(training).kept
    before = {name: array.copy() for name, array in kept.items()}
    assert set(before) > {"weight_norms", "bias"}
    with torch.no_grad():
        for parameter in training.model.parameters():
            parameter.add_(1.0)
    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_stages_that_train_the_same_share_a_run():
    head = Stage(CE, trains="head", until=0.25)
    made = Method(Stage(CE, until=1.0), head, Stage(CE, trains="head", until=0.5), Stage(CE))
    assert [(run.begins, run.firsts, run.epochs) for run in made.runs(8)] == [
        (0, (0,), 8),
        (8, (8, 10), 4),
        (12, (12,), 8),
    ]


def test_the_second_stage_of_label_aware_smoothing_leaves_mixup_out():
    first, second = REGISTRY.make("method", REGISTRY.part("method", "label_aware_smoothing")).stages
    assert first.mixes and not second.mixes
