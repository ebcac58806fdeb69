"""A loss that is learned while a network trains: what moves, what stays, and what goes on."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.labels import Labels
from evenhand.errors import DataError, EvenhandError, SpecError
from evenhand.losses.learned import LearnedScaling
from evenhand.train.bilevel import bind
from evenhand.train.held_out_loss import held_out_slope, objective
from evenhand.train.hypergradient import Norm
from evenhand.train.initial_state import begin
from evenhand.train.replay import Replay
from evenhand.train.result import Diverged
from tests.data.samples import make_source
from tests.train.test_resume import gone_on, states
from tests.train.trials import CPU, RESNET, data_of, make, result, run

QUICK = {"every": 2, "batches": 2, "terms": 2, "warmup": 0.5, "lr": 1.0}
FEW = {"epochs": 4, "batch": 32}
SOURCE = make_source([40, 36, 32, 28])
"""Without groups."""


def searching(settings=None, **fields):
    """A trial of AutoBalance at the first epoch of its search."""
    trial = make("autobalance", QUICK | (settings or {}), **(FEW | fields))
    training = begin(trial, data_of(trial, SOURCE), CPU)
    training.epoch = training.stages[1].first_epoch + 1
    training.model.train()
    assert training.stage.outer is not None
    return training


def learned(training):
    return torch.cat([t.flatten() for t in training.stage.learnables["loss"].parameters().values()])


def weights_of(training):
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def test_the_loss_moves_in_the_search_alone():
    outcome = run(make("autobalance", QUICK, **FEW), SOURCE)
    curve = outcome.curves["learned l 3"]
    assert outcome.curves["epoch"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert curve[:2] == [None, None] and curve[2] != curve[3] and curve[4:] == [None] * 4
    assert {"search validation objective", "hessian norm", "neumann scale"} <= set(outcome.curves)
    (name, *_) = [k for k in outcome.curves if k.startswith("learned Δ")]
    assert name == "learned Δ 0"


def test_stages_share_one_loss():
    training = searching()
    first, search, again = training.stages
    assert first.loss is search.loss is again.loss


@pytest.mark.parametrize("fields", [{}, RESNET], ids=["linear", "resnet"])
def test_a_step_moves_what_is_learned_and_nothing_else(fields):
    training = searching(**fields)
    before = learned(training).clone()
    model = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    training.stage.outer.step(training)
    assert not torch.equal(learned(training), before)
    for name, tensor in training.model.state_dict().items():
        assert torch.equal(tensor, model[name]), name
    assert all(p.grad is None for p in training.model.parameters())
    assert not learned(training).requires_grad and training.model.training


def test_a_learning_rate_of_0_keeps_the_loss_as_it_starts():
    outcome = run(make("autobalance", QUICK | {"lr": 0.0}, **FEW), SOURCE)
    for name in (f"learned l {c}" for c in range(4)):
        assert len(set(outcome.curves[name]) - {None}) == 1


def test_a_step_is_the_series_of_the_dense_hessian():
    """All training images in one batch, as all held-out ones: nothing is left to chance."""
    training = searching({"batches": 1, "terms": 3, "scale": 0.05, "la_init": False}, batch=128)
    outer, loss = training.stage.outer, training.stage.loss
    train, val = training.train, training.splits["val"]
    shapes = [p.shape for p in training.model.parameters()]

    def logits(theta, split):
        images = training.normalise(split.pixels)
        named = dict(zip(dict(training.model.named_parameters()), parts(theta), strict=True))
        return torch.func.functional_call(training.model, named, images)

    def parts(theta):
        split = theta.split([s.numel() for s in shapes])
        return [t.reshape(s) for t, s in zip(split, shapes, strict=True)]

    def lower(theta, a):
        raw = dict(zip(loss.raw, a.split(4), strict=True))
        changed = replace(loss, raw=raw)
        losses = changed(logits(theta, train), train.labels, rows=train.rows)
        return losses.sum() / changed.weights(train.rows).sum()

    theta, a = weights_of(training), learned(training).clone()
    hessian = torch.autograd.functional.hessian(lambda t: lower(t, a), theta)
    ce = F.cross_entropy
    slope = torch.autograd.functional.jacobian(lambda t: ce(logits(t, val), val.labels), theta)
    step = torch.eye(len(theta)) - 0.05 * hessian
    solved = 0.05 * sum(torch.linalg.matrix_power(step, i) @ slope for i in range(4))

    def along(a):
        at = theta.clone().requires_grad_()
        return torch.autograd.grad(lower(at, a), at, create_graph=True)[0] @ solved

    expected = -torch.autograd.functional.jacobian(along, a) + 1e-4 * a

    outer.step(training)

    assert outer.curves()["neumann scale"] == 0.05
    moved = a - learned(training)
    torch.testing.assert_close(moved, expected, rtol=2e-3, atol=2e-6)
    assert outer.curves()["hessian norm"] == pytest.approx(
        float(torch.linalg.eigvalsh(hessian).abs().max()), rel=0.1
    )


def test_from_plain_cross_entropy_the_rarest_class_learns_the_smallest_l():
    settings = {"learn": "l", "la_init": False, "every": 4, "lr": 0.1, "lr_warmup": 0.0}
    settings |= {"coast": False, "diverging": "rescale"}
    trial = make("autobalance_released", settings, ratio=8, epochs=20, batch=16)
    curves = run(trial, SOURCE).curves
    found = [[v for v in curves[f"learned l {c}"] if v is not None][-1] for c in range(4)]
    assert found[3] == min(found) < 0


@pytest.mark.parametrize("fields", [{}, RESNET], ids=["linear", "resnet"])
@pytest.mark.parametrize("name", ["autobalance", "autobalance_released"])
def test_killed_at_any_step_it_ends_as_if_it_had_not_been(name, fields):
    settings = {"every": 2, "warmup": 0.5, "lr": 1.0}
    settings |= {"batches": 2} if name == "autobalance" else {"retrain": 1.0}
    trial = make(name, settings, **(FEW | fields))
    written, outcome = states(trial)
    whole = result(outcome)
    assert result(run(trial)) == whole
    for state in random.Random(0).sample(written, 5):
        found, saved = gone_on(trial, state)
        assert result(found) == whole and saved.resumed is not None


def moves_of(training, monkeypatch, *, hypergradients, **fields):
    """The learned values after each step of the optimiser, at a constant hypergradient of 1."""
    spec = replace(training.stage.spec.outer, lr=1e-3, interval=20, weight_decay=0.0, **fields)
    outer = bind(spec, training.stage.learnables, np.full((4, 1), 5), CPU)
    ones = [torch.ones_like(tensor) for tensor in outer.learned]
    monkeypatch.setattr(outer, "_hypergradient", lambda _: [slope.clone() for slope in ones])
    at = [learned(training).clone()]
    for training.steps in range(20 * hypergradients):
        outer.step(training)
        at.append(learned(training).clone())
    return torch.stack(at)[:, 0]


def test_coasting_makes_a_step_without_a_gradient_before_every_step(monkeypatch):
    moves = moves_of(searching({"warmup": 0.5}), monkeypatch, hypergradients=1, coast=True).diff()
    expected = -1e-3 * np.array([1.9, *(0.9 ** np.arange(2, 21))])
    np.testing.assert_allclose(moves, expected, rtol=1e-2)


@pytest.mark.parametrize(("hypergradients", "times"), [(1, 8.9), (5, 3.7), (724, 1.01)])
def test_coasting_matters_least_over_many_hypergradients(monkeypatch, hypergradients, times):
    paths = [
        moves_of(searching(), monkeypatch, hypergradients=hypergradients, coast=coast)
        for coast in (True, False)
    ]
    far, near = (float(path[-1] - path[0]) for path in paths)
    assert far / near == pytest.approx(times, rel=6e-3)


@pytest.mark.parametrize(("by_epoch", "expected"), [(False, [0, 3, 6]), (True, [0, 3, 4, 7])])
def test_an_interval_is_counted_over_all_steps_or_anew_in_each_epoch(
    monkeypatch, by_epoch, expected
):
    training, found = searching(), []
    outer = training.stage.outer
    outer.spec = replace(outer.spec, by_epoch=by_epoch, interval=3)

    def hypergradient(run):
        found.append(run.steps)
        return [torch.zeros_like(tensor) for tensor in outer.learned]

    monkeypatch.setattr(outer, "_hypergradient", hypergradient)
    for training.steps in range(8):
        training.position = training.steps % 4
        outer.step(training)
    assert found == expected


def test_the_released_objective_averages_the_weighted_means_of_batches():
    training = searching(batch=8)
    spec = replace(training.stage.spec.outer, objective="batch_weighted", batches=3)
    counts = np.array([[50], [20], [7], [3]])
    torch.manual_seed(0)
    replay = Replay(training, spec)
    weights = list(training.model.parameters())

    found = held_out_slope(replay, weights, counts, spec)

    means, total = [], [torch.zeros_like(w, dtype=torch.float64) for w in weights]
    val = training.splits["val"]
    for index in replay.val:
        logits = training.model(training.inputs(val.pixels[index])).double()
        labels = val.labels[index]
        weight = torch.tensor(1 / counts[:, 0])
        loss = F.cross_entropy(logits, labels, weight=weight)
        means.append(loss.item())
        total = [t + g / 3 for t, g in zip(total, torch.autograd.grad(loss, weights), strict=True)]
    assert len(means) == 3
    assert found.value == pytest.approx(np.mean(means), rel=1e-5)
    for mine, theirs in zip(found.gradient, total, strict=True):
        torch.testing.assert_close(mine.double(), theirs.double(), rtol=1e-4, atol=1e-6)


def test_the_rate_follows_the_schedule_of_the_run_and_a_warm_up_of_its_own():
    training = searching(epochs=20)
    outer = training.stage.outer
    outer.spec = replace(outer.spec, warmup=0.2)
    rates = []
    for training.epoch in (11, 12, 14, 15):
        rates.append(outer._learning_rate(training))
    assert rates == pytest.approx([0.25, 0.5, 1.0, 1.0])
    training.stage.schedule = lambda epoch, epochs: 0.1
    assert outer._learning_rate(training) == pytest.approx(0.1)


def test_a_series_that_would_diverge_is_rescaled_and_says_so():
    training = searching({"scale": 1e4})
    training.stage.outer.step(training)
    curves = training.stage.outer.curves()
    assert curves["neumann scale"] * curves["hessian norm"] == pytest.approx(1)


def test_or_it_ends_the_trial():
    with pytest.raises(EvenhandError, match="Neumann series") as said:
        run(make("autobalance", QUICK | {"scale": 1e4, "diverging": "refuse"}, **FEW))
    assert "diverging: rescale" in str(said.value) and "epoch 3" in str(said.value)


def test_or_goes_on_as_released():
    training = searching({"scale": 50.0, "diverging": "allow"})
    training.stage.outer.step(training)
    assert training.stage.outer.curves()["neumann scale"] == 50


def test_a_gradient_that_is_not_finite_is_a_divergence():
    with pytest.raises(Diverged, match=r"the hypergradient .* step") as found:
        run(make("autobalance", QUICK | {"scale": 1e30, "diverging": "allow"}, **FEW))
    assert found.value.result.curves["epoch"] == [1, 2]


MEANS = torch.tensor([[1.0, 3.0], [4.0, 0.5]])
N = torch.tensor([[30.0, 10.0], [5.0, 15.0]])


@pytest.mark.parametrize(
    ("name", "ce_share", "expected"),
    [
        ("balanced", 0.0, ((30 + 30) / 40 + (20 + 7.5) / 20) / 2),
        ("group_balanced", 0.0, 8.5 / 4),
        ("deo", 0.0, 2 + 3.5),
        ("balanced", 1.0, (30 + 30 + 20 + 7.5) / 60),
        ("deo", 0.1, 0.1 * (30 + 30 + 20 + 7.5) / 60 + 0.9 * 5.5),
    ],
)
def test_objectives_are_the_formulas_written_out(name, ce_share, expected):
    spec = Hypergradient(objective=name, ce_share=ce_share)
    assert float(objective(MEANS, N, spec)) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "expected"), [("balanced", 2.75), ("group_balanced", 17 / 6)])
def test_a_cell_that_was_not_drawn_has_no_part(name, expected):
    n = torch.tensor([[10.0, 10.0], [10.0, 0.0]])
    means = torch.tensor([[1.0, 2.0], [4.0, 0.0]])
    expected = (1.5 + 4.0) / 2 if name == "balanced" else 7 / 3
    assert float(objective(means, n, Hypergradient(objective=name))) == pytest.approx(expected)
    deo = objective(means, n, Hypergradient(objective="deo"))
    assert float(deo) == 1


@pytest.mark.parametrize("name", ["group_balanced", "deo"])
def test_objectives_of_groups_learn_numbers_of_groups(name):
    outcome = run(make("autobalance", QUICK | {"objective": name, "ce_share": 0.1}, **FEW))
    assert "learned l class 3, group 1" in outcome.curves
    alone = run(make("autobalance", QUICK, **FEW))
    assert (
        alone.curves["learned l class 0, group 0"] != outcome.curves["learned l class 0, group 0"]
    )


def test_the_objective_is_not_of_groups_where_there_are_none():
    alone, grouped = Labels(None, 4, 1), Labels(None, 4, 2)
    for name in ("deo", "group_balanced"):
        with pytest.raises(SpecError, match=f"objective '{name}' .*groups"):
            Hypergradient(objective=name).check(alone)
        Hypergradient(objective=name).check(grouped)
        Hypergradient(objective=name, ce_share=1.0).check(alone)
    Hypergradient().check(alone)


@pytest.mark.parametrize(
    ("name", "counts", "said"),
    [
        ("balanced", [[5, 2], [0, 0]], "1 of 2 classes"),
        ("deo", [[5, 2], [3, 0]], r"1 of 4 \(class, group\) cells"),
    ],
)
def test_what_is_not_held_out_cannot_be_an_objective(name, counts, said):
    part = LearnedScaling().bind(np.array([[9, 4], [5, 2]]), "cpu")
    with pytest.raises(DataError, match=f"^{said} .*'{name}'"):
        bind(Hypergradient(objective=name), {"loss": part}, np.array(counts), CPU)


def test_a_norm_that_the_power_iteration_missed_is_found_by_the_series(monkeypatch):
    missed = Norm(1e-3, [])
    monkeypatch.setattr("evenhand.train.bilevel.spectral_norm", lambda *_, **__: missed)
    training = searching({"scale": 50.0, "terms": 8})
    training.stage.outer.step(training)
    assert training.stage.outer.curves()["neumann scale"] < 25
    refusing = searching({"scale": 50.0, "terms": 8, "diverging": "refuse"})
    with pytest.raises(EvenhandError, match="Neumann series"):
        refusing.stage.outer.step(refusing)
