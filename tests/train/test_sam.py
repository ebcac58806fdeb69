"""Sharpness-aware steps: the formula, batch statistics, and the engine around them."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from evenhand.declared.method import Stage
from evenhand.declared.recipe import Sam
from evenhand.train import training
from evenhand.train.initial_state import begin
from evenhand.train.result import Diverged
from evenhand.train.sam import SamStep, frozen_statistics, plain_step, step_of
from tests.train.trials import RESNET, Spy, data_of, make, result, run

LR, MOMENTUM, DECAY = 0.3, 0.9, 0.01


def batches(n, *, features=5, classes=3):
    draws = torch.Generator().manual_seed(7)
    for _ in range(n):
        x = torch.randn(16, features, generator=draws, dtype=torch.float64)
        yield x, torch.randint(classes, (16,), generator=draws)


def linear():
    torch.manual_seed(0)
    return nn.Linear(5, 3).double()


def normalised():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).double()


def sgd(model, lr=LR):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM, weight_decay=DECAY)


def stepped(model, step, n=6, lr=LR):
    """The model after n steps, and the losses that they gave."""
    optimizer, losses = sgd(model, lr), []
    for x, y in batches(n):
        loss_of = lambda x=x, y=y: F.cross_entropy(model(x), y)  # noqa: E731
        losses.append(float(step(loss_of, model, optimizer)))
    return model, losses


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.5, 3.0])
def test_it_is_the_formula_written_out(rho):
    model = linear()
    theta = [p.detach().numpy().copy() for p in (model.weight, model.bias)]
    velocity, losses = [0.0, 0.0], []

    def loss_and_gradient(w, b, x, y):
        z = x @ w.T + b
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        loss = -np.log(p[range(len(y)), y]).mean()
        p[range(len(y)), y] -= 1
        return loss, [p.T @ x / len(y), p.mean(0)]

    for x, y in batches(6):
        loss, g = loss_and_gradient(*theta, x.numpy(), y.numpy())
        norm = math.sqrt(sum((part**2).sum() for part in g))
        worst = [t + rho * part / (norm + 1e-12) for t, part in zip(theta, g, strict=True)]
        _, g = loss_and_gradient(*worst, x.numpy(), y.numpy())
        losses.append(loss)
        for i in range(2):
            velocity[i] = MOMENTUM * velocity[i] + g[i] + DECAY * theta[i]
            theta[i] = theta[i] - LR * velocity[i]

    model, found = stepped(model, SamStep(rho))
    np.testing.assert_allclose(found, losses, rtol=1e-12)
    np.testing.assert_allclose(model.weight.detach(), theta[0], rtol=1e-10)
    np.testing.assert_allclose(model.bias.detach(), theta[1], rtol=1e-10)


@pytest.mark.parametrize("batch_norm", ["both", "first"])
def test_batch_normalisation_in_the_second_pass_is_that_of_the_batch(batch_norm):
    """Against torch with the weights moved by hand; the running statistics do not matter here."""
    by_hand = normalised()
    optimizer = sgd(by_hand)
    for x, y in batches(4):
        parameters = list(by_hand.parameters())
        g = torch.autograd.grad(F.cross_entropy(by_hand(x), y), parameters)
        norm = torch.cat([part.flatten() for part in g]).norm()
        moved = copy.deepcopy(by_hand)
        with torch.no_grad():
            for p, part in zip(moved.parameters(), g, strict=True):
                p.add_(0.4 * part / (norm + 1e-12))
        worst = torch.autograd.grad(F.cross_entropy(moved(x), y), list(moved.parameters()))
        for p, part in zip(parameters, worst, strict=True):
            p.grad = part
        optimizer.step()
    found, _ = stepped(normalised(), SamStep(0.4, batch_norm), n=4)
    for mine, theirs in zip(found.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_without_a_radius_it_is_the_plain_step_exactly():
    plain, losses = stepped(normalised(), plain_step)
    sam, same_losses = stepped(normalised(), SamStep(0.0, "first"))
    assert losses == same_losses
    found, expected = sam.state_dict(), plain.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_with_a_radius_it_is_not():
    assert stepped(linear(), plain_step)[1] != stepped(linear(), SamStep(0.1))[1]


def test_weights_are_put_back_to_the_last_bit():
    model = normalised()
    before = [p.detach().clone() for p in model.parameters()]
    stepped(model, SamStep(1.0), lr=0.0)
    assert all(map(torch.equal, model.parameters(), before))


def means_after(batch_norm):
    """Running means after one step, and the means of the batch before and at the worst point."""
    [(x, y)] = batches(1)
    model = normalised()
    first = model[0](x).mean(0).detach()
    seen = []
    model[1].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].mean(0).detach()))
    SamStep(0.5, batch_norm)(lambda: F.cross_entropy(model(x), y), model, sgd(model))
    assert torch.equal(seen[0], first)
    assert len(seen) == 2 and not torch.allclose(*seen)
    return model[1], seen


def test_running_statistics_are_moved_by_both_passes():
    layer, (first, second) = means_after("both")
    torch.testing.assert_close(layer.running_mean, 0.9 * 0.1 * first + 0.1 * second)
    assert int(layer.num_batches_tracked) == 2


def test_running_statistics_may_be_moved_by_the_first_pass_alone():
    layer, (first, _) = means_after("first")
    torch.testing.assert_close(layer.running_mean, 0.1 * first)
    assert int(layer.num_batches_tracked) == 1
    assert layer.track_running_stats


def test_layers_without_running_statistics_stay_so():
    model = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.BatchNorm1d(3))
    with frozen_statistics(model):
        assert not any(layer.track_running_stats for layer in model)
    assert [layer.track_running_stats for layer in model] == [False, True]


def test_weights_that_the_loss_does_not_reach_stay():
    model = nn.ModuleDict({"used": linear(), "idle": linear()})
    [(x, y)] = batches(1)
    SamStep(0.1)(lambda: F.cross_entropy(model["used"](x), y), model, sgd(model))
    assert torch.equal(model["idle"].weight, linear().weight)
    assert not torch.equal(model["used"].weight, linear().weight)


@pytest.mark.parametrize(
    ("rho", "radii"),
    [((0.1,), [0.1, 0.1, 0.1]), ((0.1, 0.4), [0.1, 0.4, 0.4]), ((0, 0.2, 0.3), [0, 0.2, 0.3])],
)
def test_each_stage_has_its_radius_and_the_last_one_goes_on(rho, radii):
    sam = Sam(rho=rho)
    assert [sam.radius(stage) for stage in range(3)] == radii
    steps = [step_of(sam, stage) for stage in range(3)]
    assert steps == [SamStep(rho) if rho else plain_step for rho in radii]
    assert step_of(None, 0) is plain_step


def test_the_radius_changes_with_the_stage_of_the_method():
    trial = make("ldam_drw", epochs=20, sam=Sam(rho=(0.1, 0.4), batch_norm="first"))
    stages = begin(trial, data_of(trial), torch.device("cpu")).stages
    assert [(s.first_epoch, s.step) for s in stages] == [
        (0, SamStep(0.1, "first")),
        (16, SamStep(0.4, "first")),
    ]


def test_both_passes_see_the_same_images_in_the_stage_that_has_a_radius(spied, monkeypatch):
    calls, forwarded, drawn = [], [], []
    logits, augment_batch = training.Training.forward, training.augment_batch

    def watch_forward(run, pixels, network):
        if run.model.training:
            forwarded.append(pixels.clone())
        return logits(run, pixels, network)

    def watch_augmented(*given):
        drawn.append(augment_batch(*given))
        return drawn[-1]

    monkeypatch.setattr(training.Training, "forward", watch_forward)
    monkeypatch.setattr(training, "augment_batch", watch_augmented)
    stages = [Stage(loss=Spy("plain", calls), until=0.5), Stage(loss=Spy("sharp", calls))]
    augment = RESNET["augment"]
    run(spied(*stages, epochs=4, batch=10_000, sam=Sam(rho=(0, 0.1)), augment=augment))
    assert [name for name, *_ in calls] == ["plain"] * 2 + ["sharp"] * 4
    assert len(drawn) == 4
    assert torch.equal(forwarded[2], forwarded[3]) and torch.equal(forwarded[4], forwarded[5])
    assert not torch.equal(forwarded[3], forwarded[4])


def test_a_radius_of_0_leaves_the_trial_as_it_was():
    assert result(run(make(sam=0.0, **RESNET))) == result(run(make(**RESNET)))


def test_the_curve_holds_the_loss_before_the_step():
    sharp, plain = run(make(batch=10_000, sam=0.5)), run(make(batch=10_000))
    assert sharp.curves["train_loss"][0] == plain.curves["train_loss"][0]
    assert sharp.curves["train_loss"][1] != plain.curves["train_loss"][1]


@pytest.mark.parametrize("name", ["erm", "wce", "vs_tla_adrw", "ldam_drw", "focal", "resample"])
@pytest.mark.parametrize("batch_norm", ["both", "first"])
def test_every_method_takes_it_and_gives_the_same_twice(name, batch_norm):
    trial = make(name, sam=Sam(rho=(0.1, 0.2), batch_norm=batch_norm), **RESNET)
    assert result(run(trial)) == result(run(trial))


def test_what_moves_the_statistics_changes_evaluations_and_not_the_training():
    both, first = (
        run(make(sam=Sam(rho=(0.2,), batch_norm=which), **RESNET)) for which in ("both", "first")
    )
    assert both.curves["train_loss"] == first.curves["train_loss"]
    assert result(both) != result(first)


def test_bfloat16_stays_near_float32():
    half, full = (run(make(sam=0.1, precision=p, **RESNET)) for p in ("bf16", "fp32"))
    assert half.curves["train_loss"] == pytest.approx(full.curves["train_loss"], rel=0.2)
    assert half.curves != full.curves


@pytest.mark.parametrize(("call", "step"), [(1, 1), (2, 1), (9, 5), (10, 5)])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_in_either_pass_stops_training_at_its_step(
    spied, call, step, value
):
    spy = Spy(go_wrong=lambda n, losses: losses * value if n == call else losses)
    with pytest.raises(Diverged) as raised:
        run(spied(Stage(loss=spy), epochs=3, batch=16, sam=0.1))
    assert raised.value.step == step
    assert len(spy.calls) == 2 * step


def test_a_gradient_that_is_not_finite_stops_training_at_its_step(spied):
    def steep(call, losses):
        """As large as it was, but with no gradient to speak of."""
        return losses + (losses - losses.detach()) * math.inf if call == 3 else losses

    with pytest.raises(Diverged) as raised:
        run(spied(Stage(loss=Spy(go_wrong=steep)), batch=16, sam=0.1))
    assert raised.value.step == 2


def test_sam_learns():
    outcome = run(make(epochs=15, sam=0.05, **RESNET))
    assert outcome.curves["val_balanced_accuracy"][-1] > 0.7
