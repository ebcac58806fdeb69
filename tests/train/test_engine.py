"""The engine: stages, steps, evaluation, and what ends a trial early."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
import torch
from scipy import stats

from evenhand.declared.base import Part
from evenhand.declared.method import Stage
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Val
from evenhand.losses.per_class import InversePrior
from evenhand.sampling import ClassWeighted
from evenhand.train import engine, evaluation, training
from evenhand.train.engine import TrainOptions
from evenhand.train.result import Diverged, Stopped, TimeLimitReached
from tests.data.samples import make_problem, make_source
from tests.train.trials import RESNET, Spy, data_of, make, result, run

STEP = Part(name="step", settings={"drops": [[0.5, 0.1], [0.75, 0.01]]})


@pytest.mark.parametrize(
    ("name", "nesterov", "momentum"),
    [("erm", False, 0.9), ("erm", True, 0.9), ("erm", False, 0.0), ("wce", False, 0.9)],
)
def test_full_batch_training_is_sgd_written_out(models, name, nesterov, momentum):
    trial = make(
        name,
        epochs=12,
        batch=10_000,
        lr=0.02,
        warmup=0.25,
        schedule=STEP,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=0.01,
    )
    outcome = run(trial)
    [(before, after)] = models
    weights, losses = by_hand(before, data_of(trial), trial, weighted=name == "wce")
    found = [p.detach().numpy() for p in after.parameters()]
    assert outcome.curves["train_loss"] == pytest.approx(losses, rel=2e-5)
    for mine, theirs in zip(found, weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


def by_hand(model, data, trial, *, weighted):
    """Softmax regression in float64: gradient, weight decay, momentum, step."""
    recipe, images, labels = (
        trial.recipe,
        data.train.pixels.reshape(-1, 64) / 255,
        data.train.labels,
    )
    x = (images - images.mean()) / images.std(ddof=1)
    n = data.counts.sum(1)
    share = (n.sum() / n)[labels] if weighted else np.ones(len(labels))
    share = share / share.sum()
    parameters = {k: p.detach().double().numpy() for k, p in model.named_parameters()}
    (w_name, w), (b_name, b) = parameters.items()
    assert (w_name.split(".")[-1], b_name.split(".")[-1]) == ("weight", "bias")
    velocity, losses = [0.0, 0.0], []
    for epoch in range(recipe.epochs):
        lr = recipe.lr * (
            (epoch + 1) / 3 if epoch < 3 else (1, 0.1, 0.01)[(epoch >= 6) + (epoch >= 9)]
        )
        z = x @ w.T + b
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        losses.append(-(share * np.log(p[range(len(x)), labels])).sum())
        p[range(len(x)), labels] -= 1
        p *= share[:, None]
        for i, (value, gradient) in enumerate([(w, p.T @ x), (b, p.sum(0))]):
            step = gradient + recipe.weight_decay * value
            velocity[i] = recipe.momentum * velocity[i] + step
            step = step + recipe.momentum * velocity[i] if recipe.nesterov else velocity[i]
            np.copyto(value, value - lr * step)
    return [w, b], losses


def test_the_learning_rate_is_in_the_curve():
    outcome = run(make(epochs=8, warmup=0.25, lr=0.1, schedule=STEP))
    assert outcome.curves["lr"] == pytest.approx([0.05, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


def test_every_epoch_sees_every_example_once_in_batches(spied):
    trial = spied(Stage(loss=(spy := Spy())), epochs=3, batch=16)
    run(trial)
    counts = data_of(trial).counts
    per_epoch = math.ceil(counts.sum() / 16)
    assert len(spy.calls) == 3 * per_epoch
    orders = []
    for epoch in range(3):
        calls = spy.calls[epoch * per_epoch : (epoch + 1) * per_epoch]
        rows = torch.cat([rows for _, _, rows in calls])
        assert np.bincount(rows, minlength=8).tolist() == counts.ravel().tolist()
        assert [len(rows) for _, _, rows in calls][:-1] == [16] * (per_epoch - 1)
        orders.append(rows.tolist())
    assert orders[0] != orders[1] != orders[2]


def test_a_batch_of_one_is_possible_without_batch_normalisation(spied):
    trial = spied(Stage(loss=(spy := Spy())), epochs=1, batch=1)
    run(trial)
    assert len(spy.calls) == data_of(trial).counts.sum()


@pytest.mark.parametrize(
    ("epochs", "until", "first"), [(10, 0.8, 8), (5, 0.4, 2), (1, 0.8, 1), (4, 0.0, 0)]
)
def test_a_stage_ends_at_its_share_of_the_epochs(spied, epochs, until, first):
    calls = []
    stages = [Stage(loss=Spy("first", calls), until=until), Stage(loss=Spy("second", calls))]
    run(spied(*stages, epochs=epochs, batch=10_000))
    assert [name for name, *_ in calls] == ["first"] * first + ["second"] * (epochs - first)


def test_resampling_draws_every_class_equally_often(spied):
    stage = Stage(loss=(spy := Spy()), sampler=ClassWeighted(InversePrior()))
    trial = spied(stage, epochs=30, ratio=10)
    run(trial)
    labels = torch.cat([labels for _, labels, _ in spy.calls]).numpy()
    assert len(labels) == 30 * data_of(trial).counts.sum()
    assert stats.chisquare(np.bincount(labels, minlength=4)).pvalue > 0.001


@pytest.mark.parametrize("fields", [{}, RESNET, RESNET | {"deterministic": True}], ids=len)
def test_the_same_trial_twice_gives_the_same(fields):
    trial = make("vs", **fields)
    assert result(run(trial)) == result(run(trial))


def test_trials_do_not_feel_what_ran_before_them(unregistered):
    """Another order, a diverged trial, and careless code between: the same results."""
    trials = [make(name, seed=s, **RESNET) for name in ("erm", "ldam_drw") for s in (0, 1)]
    first = [result(run(trial)) for trial in trials]
    with pytest.raises(Diverged):
        run(make(lr=1e30, **RESNET))
    torch.manual_seed(99)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.set_num_threads(2)
    np.random.seed(99)
    again = [result(run(trial)) for trial in reversed(trials)]
    assert first == list(reversed(again))


def test_seeds_and_methods_differ():
    outcomes = [
        run(make(name, seed=s)).curves["train_loss"] for name in ("erm", "vs") for s in (0, 1)
    ]
    assert len({tuple(curve) for curve in outcomes}) == 4


def weights(model):
    return [p.detach().clone() for p in model.parameters()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_methods_share_split_subset_and_init_at_one_seed(models):
    trials = [make(name, seed=3, **RESNET) for name in ("erm", "vs", "wce", "ldam_drw")]
    assert len({data_of(trial).summary.fingerprint for trial in trials}) == 1
    for trial in trials:
        run(trial)
    starts = [before for before, _ in models]
    assert all(same(weights(starts[0]), weights(start)) for start in starts[1:3])
    # LDAM has a head of another kind on the same body.
    assert same(weights(starts[0].body), weights(starts[3].body))


@pytest.mark.parametrize("stream", ["init", "order", "augment"])
def test_only_the_streams_that_vary_follow_the_seed(spied, models, monkeypatch, stream):
    augment_batch = training.augment_batch
    seen = []

    def remember(pixels, steps, generator):
        out = augment_batch(pixels, steps, generator)
        seen.append(out.clone())
        return out

    monkeypatch.setattr(training, "augment_batch", remember)
    spies = []
    for seed in (0, 1):
        spies.append(Spy())
        fields = {"seed": seed, "vary": (stream,), "batch": 10_000, "epochs": 1}
        run(spied(Stage(loss=spies[-1]), **fields, augment=RESNET["augment"]))
        REGISTRY._entries["method"].pop("spied")
    orders = [spy.calls[0][2] for spy in spies]
    assert torch.equal(*orders) == (stream != "order")
    assert same(weights(models[0][0]), weights(models[1][0])) == (stream != "init")
    # In one order the images are the same; what was done to them follows `augment`.
    assert torch.equal(*seen) == (stream == "init")


def test_a_subset_that_does_not_vary_is_the_same_for_all_seeds():
    prints = {data_of(make(seed=s, vary=("init",))).summary.fingerprint for s in range(3)}
    assert len(prints) == 1


def test_counts_are_those_of_group_label_and_prediction(models):
    trial = make(epochs=3)
    outcome = run(trial)
    data = data_of(trial)
    assert [(e.split, e.rule) for e in outcome.evaluations] == [
        ("val", "last"),
        ("test", "last"),
        ("val", "best-val"),
        ("test", "best-val"),
        ("test", "best-test"),
    ]
    for found in outcome.evaluations:
        images = data.val if found.split == "val" else data.test
        assert found.counts.shape == (2, 4, 4)
        np.testing.assert_array_equal(found.counts.sum(2).T, images.counts(4, 2))
    [(_, model)] = models
    by_hand = np.zeros((2, 4, 4), dtype=int)
    pixels = data.train.pixels / 255
    x = (data.test.pixels / 255 - pixels.mean()) / pixels.std(ddof=1)
    logits = model.eval()(torch.tensor(x.transpose(0, 3, 1, 2)).float())
    predicted = logits.argmax(1).numpy()
    np.add.at(by_hand, (data.test.groups, data.test.labels, predicted), 1)
    np.testing.assert_array_equal(outcome.evaluations[1].counts, by_hand)


def test_evaluation_in_parts_counts_every_image(monkeypatch):
    whole = result(run(make(**RESNET)))
    monkeypatch.setitem(evaluation.BATCH, "cpu", 7)
    assert result(run(make(**RESNET)))[0] == whole[0]


def test_a_method_learns():
    outcome = run(make(epochs=15, **RESNET))
    assert outcome.curves["val_balanced_accuracy"][-1] > 0.7
    assert outcome.curves["train_loss"][-1] < outcome.curves["train_loss"][0]


@pytest.mark.parametrize(
    ("epochs", "every", "seen"), [(5, 2, [2, 4, 5]), (4, 2, [2, 4]), (3, 9, [3]), (3, 1, [1, 2, 3])]
)
def test_evaluation_comes_every_so_many_epochs_and_at_the_end(epochs, every, seen):
    reports = []
    outcome = run(make(epochs=epochs, evaluate_every=every), report=reports.append)
    assert outcome.curves["epoch"] == seen
    assert {len(curve) for curve in outcome.curves.values()} == {len(seen)}
    assert [(r.epoch, r.epochs) for r in reports] == [(e, epochs) for e in seen]
    assert all(0 <= r.score <= 1 for r in reports)
    assert {e.epoch for e in outcome.evaluations if e.rule == "last"} == {epochs}


@pytest.mark.parametrize(
    ("epochs", "every", "dense_from", "seen"),
    [(10, 4, 0.8, [4, 8, 9, 10]), (20, 10, 0.8, [10, 17, 18, 19, 20]), (4, 9, 0.0, [1, 2, 3, 4])],
)
def test_from_a_share_of_the_epochs_on_every_one_is_evaluated(epochs, every, dense_from, seen):
    trial = make(epochs=epochs, evaluate_every=every, dense_from=dense_from)
    assert run(trial).curves["epoch"] == seen


@pytest.mark.parametrize(
    ("epochs", "every", "dense_until", "seen"),
    [(10, 4, 0.3, [1, 2, 3, 4, 8, 10]), (6, 9, 0.0, [6]), (3, 3, 1.0, [1, 2, 3])],
)
def test_up_to_a_share_of_the_epochs_every_one_is_evaluated(epochs, every, dense_until, seen):
    trial = make(epochs=epochs, evaluate_every=every, dense_until=dense_until)
    assert run(trial).curves["epoch"] == seen


def test_the_training_images_are_evaluated_class_by_class_where_the_recipe_says(models):
    outcome = run(make(epochs=3, evaluate_train=True))
    plain = run(make(epochs=3))
    assert outcome.evaluations == plain.evaluations
    added = {f"train_recall_{label}" for label in range(4)} | {"train_balanced_accuracy"}
    assert outcome.curves.keys() - plain.curves.keys() == added
    recalls = [outcome.curves[f"train_recall_{label}"][-1] for label in range(4)]
    assert outcome.curves["train_balanced_accuracy"][-1] == pytest.approx(
        np.mean(recalls), rel=1e-5
    )

    data, (_, model) = data_of(make()), models[0]
    pixels = data.train.pixels / 255
    x = (pixels - pixels.mean()) / pixels.std(ddof=1)
    predicted = model.eval()(torch.tensor(x.transpose(0, 3, 1, 2)).float()).argmax(1).numpy()
    by_hand = [(predicted == label)[data.train.labels == label].mean() for label in range(4)]
    assert recalls == pytest.approx(by_hand, rel=1e-5)


def test_automatic_precision_is_what_the_device_is_good_at(monkeypatch):
    half, full = (make("vs", precision=p, **RESNET) for p in ("bf16", "fp32"))
    auto = make("vs", precision="auto", **RESNET)
    for has_units, same in ((True, half), (False, full)):
        monkeypatch.setattr("evenhand.train.hardware.has_bf16_units", lambda _, has=has_units: has)
        assert result(run(auto)) == result(run(same))


def test_who_asks_for_a_stop_gets_one():
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped) as raised:
        run(make(epochs=50), options=TrainOptions(stop=stop))
    assert raised.value.result.cost.train_seconds > 0


def test_how_often_is_evaluated_does_not_change_the_training():
    often, seldom = run(make(epochs=4, **RESNET)), run(make(epochs=4, evaluate_every=4, **RESNET))
    assert often.evaluations[:2] == seldom.evaluations[:2]


def test_without_validation_data_there_is_no_score_and_no_best_val():
    trial = make(val=Val())
    reports = []
    outcome = run(trial, report=reports.append)
    assert [(e.split, e.rule) for e in outcome.evaluations] == [
        ("test", "last"),
        ("test", "best-test"),
    ]
    assert {r.score for r in reports} == {None}
    assert "val_balanced_accuracy" not in outcome.curves


def test_the_metric_that_picks_epochs_names_the_curves():
    assert "test_error" in run(make(best_by="error")).curves


def test_a_source_may_bring_its_own_validation_split():
    source = make_source([40, 36, 32, 28], groups=2, val=6)
    trial = make(val=Val()).model_copy(update={"problem": make_problem("exp", 4)})
    assert run(trial, source).evaluations[0].counts.sum() == 24


@pytest.mark.parametrize("step", [1, 5, 9])
def test_a_loss_that_is_nan_stops_training_at_its_step(spied, step):
    """On a CPU at once: not one step more."""
    spy = Spy(go_wrong=lambda call, losses: losses * math.nan if call == step else losses)
    trial = spied(Stage(loss=spy), epochs=3, batch=16)
    per_epoch = math.ceil(data_of(trial).counts.sum() / 16)
    with pytest.raises(Diverged) as raised:
        run(trial)
    assert (raised.value.step, raised.value.epoch) == (step, (step - 1) // per_epoch + 1)
    assert len(spy.calls) == step
    assert str(raised.value).startswith(f"the loss is not finite at step {step}, epoch ")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinity_is_divergence_too(spied, value):
    spy = Spy(go_wrong=lambda _, losses: losses + value)
    with pytest.raises(Diverged):
        run(spied(Stage(loss=spy)))


def test_where_losses_are_looked_at_once_an_epoch_the_step_is_the_first_wrong_one():
    """As on a GPU, which looking at every step would hold up."""

    seen = object.__new__(training.Training)
    seen.steps, seen.epoch, seen.position = 25, 3, 6
    seen.losses = torch.tensor([math.nan, 1.0, 1.0, math.inf, 1.0, math.nan])
    with pytest.raises(Diverged) as raised:
        engine._check(seen, 1)
    assert (raised.value.step, raised.value.epoch) == (23, 3)
    seen.position = 3
    engine._check(seen, 1)


def test_a_huge_learning_rate_diverges_at_the_step_after():
    with pytest.raises(Diverged) as raised:
        run(make(lr=1e38, batch=16, epochs=5))
    assert raised.value.step == 2


def test_weights_lost_in_the_last_step_are_seen_in_the_logits(spied):
    def steep(call, losses):
        """As large as it was, but with an enormous gradient."""
        return losses + (losses - losses.detach()) * 1e37 if call == 2 else losses

    trial = spied(Stage(loss=Spy(go_wrong=steep)), epochs=2, batch=10_000, lr=1e6)
    with pytest.raises(Diverged, match=r"logit .* step 2, epoch 2"):
        run(trial)


def test_a_time_limit_stops_training():
    with pytest.raises(TimeLimitReached):
        run(make(epochs=1000), time_limit=0.0)
    assert run(make(), time_limit=600.0).evaluations


@pytest.mark.parametrize("name", ["erm", "vs", "ldam_drw", "focal", "wce"])
def test_bfloat16_runs_and_stays_near_float32(name):
    half = run(make(name, precision="bf16", **RESNET)).curves["train_loss"]
    full = run(make(name, **RESNET)).curves["train_loss"]
    assert half[0] == pytest.approx(full[0], rel=0.1)
    assert half != full


def test_given_statistics_are_used_instead_of_the_images_own():
    pixels = data_of(make()).train.pixels / 255
    own = make(mean=(float(pixels.mean()),), std=(float(pixels.std(ddof=1)),))
    assert run(own).curves["train_loss"] == pytest.approx(
        run(make()).curves["train_loss"], rel=1e-4
    )
    assert run(make(mean=(0.0,), std=(1.0,))).curves != run(make()).curves


def test_the_cost_is_measured(models):
    cost = run(make(**RESNET)).cost
    assert cost.parameters == sum(p.numel() for p in models[0][1].parameters()) > 50_000
    assert cost.train_seconds > 0
    assert cost.eval_seconds > 0
    assert cost.images_per_second > 0
    assert cost.peak_memory_gib > 0
    assert cost.peak_gpu_memory_gib is cost.reserved_gpu_memory_gib is None
