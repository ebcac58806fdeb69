from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import evenhand as eh
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError
from evenhand.execution.plan import make_plan
from evenhand.execution.pricing import Pricing, price, trained_seconds, with_prices
from evenhand.execution.samples import sample
from evenhand.store import Store
from evenhand.suite.resolve import open_suite
from evenhand.train.timing import StageTimes, Times, stage_kind

STEP, EVALUATED, PREDICTED, BEGIN = 1e-3, 2e-4, 1e-4, 0.5
"""Seconds of one trained, evaluated and predicted image, and of the start of a trial."""
HYPERGRADIENT, REFIT = 0.05, 1e-2


def counted(trial):
    """Price of a trial whose parts take the times above."""
    method = REGISTRY.make("method", trial.method)
    kinds = [stage_kind(trial, method, place) for place in range(len(method.stages))]
    found = sample(trial.problem, seed=0, vary=trial.vary, n_train=64, n_held_out=64)
    times = Times(
        begin=BEGIN,
        evaluated=EVALUATED,
        predicted=PREDICTED,
        stages={kind: StageTimes(STEP, hypergradient=HYPERGRADIENT) for kind in kinds},
        refits={str(trial.method): REFIT},
    )
    return trained_seconds(trial, found.data, times), found.data


def trial_of(suite, method, **recipe):
    trial = next(t for t in open_suite(suite).trials.values() if t.method.name == method)
    return trial.model_copy(update={"recipe": trial.recipe.model_copy(update=recipe)})


def test_a_price_is_that_of_the_steps_and_the_evaluations():
    trial = trial_of("quickstart", "erm", epochs=10, evaluate_every=3, dense_from=0.8)
    seconds, data = counted(trial)
    n_train, n_held_out = int(data.counts.sum()), data.summary.n_val + data.summary.n_test

    # After epochs 3, 6, 9 and, because of the dense end, 10.
    by_hand = BEGIN + 10 * n_train * STEP + 4 * n_held_out * EVALUATED
    assert seconds == pytest.approx(by_hand)


def test_training_images_are_evaluated_where_the_recipe_asks_for_them():
    trial = trial_of("quickstart", "erm", epochs=1, evaluate_train=True)
    seconds, data = counted(trial)
    n_all = int(data.counts.sum()) + data.summary.n_val + data.summary.n_test
    assert seconds == pytest.approx(BEGIN + int(data.counts.sum()) * STEP + n_all * EVALUATED)


def test_a_controller_costs_an_evaluation_of_held_out_images_at_each_update():
    trial = trial_of("objectives_digits", "csl")
    seconds, data = counted(trial)
    n_train, n_val = int(data.counts.sum()), data.summary.n_val
    method, epochs = REGISTRY.make("method", trial.method), trial.recipe.epochs
    [stage] = method.stages
    steps = epochs * math.ceil(n_train / trial.recipe.batch)
    n_evaluated = sum(map(trial.recipe.is_evaluated, range(1, epochs + 1)))

    by_hand = BEGIN + epochs * n_train * STEP
    by_hand += n_evaluated * (n_val + data.summary.n_test) * EVALUATED
    by_hand += math.ceil(steps / stage.controller.every) * n_val * PREDICTED
    assert seconds == pytest.approx(by_hand)


@pytest.mark.parametrize("retrain_on", ["train", "all"])
def test_a_search_costs_its_hypergradients_and_the_run_after_it(retrain_on):
    trial = trial_of("groups_digits", "autobalance")
    settings = trial.method.settings | {"retrain_on": retrain_on}
    trial = trial.model_copy(
        update={"method": trial.method.model_copy(update={"settings": settings})}
    )
    seconds, data = counted(trial)
    n_train, n_val, n_test = int(data.counts.sum()), data.summary.n_val, data.summary.n_test
    epochs, batch = trial.recipe.epochs, trial.recipe.batch
    warm_up, search, retraining = REGISTRY.make("method", trial.method).stages
    first = round(warm_up.until * epochs)
    assert search.outer is not None
    assert retraining.restart

    # The search is a run of the recipe's epochs, and so is the training after it.
    n_evaluated = sum(map(trial.recipe.is_evaluated, range(1, epochs + 1)))
    steps = (epochs - first) * math.ceil(n_train / batch)
    by_hand = BEGIN + epochs * n_train * STEP + n_evaluated * (n_val + n_test) * EVALUATED
    images = min(n_train, search.outer.batches * batch)
    by_hand += math.ceil(steps / search.outer.interval) * images * HYPERGRADIENT
    is_all = retrain_on == "all"
    by_hand += epochs * (n_train + is_all * n_val) * STEP
    by_hand += n_evaluated * (n_test + (not is_all) * n_val) * EVALUATED
    assert seconds == pytest.approx(by_hand, rel=0.01)  # the shares of held-out classes are rounded


def test_a_sharpness_aware_stage_is_timed_apart_from_a_plain_one():
    from evenhand.declared.recipe import Sam

    plain = trial_of("quickstart", "erm")
    method = REGISTRY.make("method", plain.method)

    def kind(rho):
        recipe = plain.recipe.model_copy(update={"sam": Sam(rho=(rho,))})
        return stage_kind(plain.model_copy(update={"recipe": recipe}), method, 0)

    assert kind(0.0) == stage_kind(plain, method, 0)
    assert kind(0.1) != kind(0.0)


def test_a_stage_that_leaves_mixing_out_is_timed_apart():
    trial = trial_of("decoupled_digits", "label_aware_smoothing")
    smoothing = REGISTRY.make("method", trial.method).stages[1]
    mixed = replace(smoothing, mixes=True)

    kinds = {
        stage_kind(trial, Method(stage, head="scaled"), 0) for stage in (smoothing, mixed, mixed)
    }

    assert len(kinds) == 2


def test_the_epochs_that_are_evaluated_change_no_time_of_a_part():
    trial, pricing = trial_of("quickstart", "erm"), Pricing.on(use_gpu=False)
    for fields in ({}, {"evaluate_every": 3}, {"dense_from": 0.5}, {"dense_until": 0.5}):
        recipe = trial.recipe.model_copy(update=fields)
        pricing.seconds(trial.model_copy(update={"recipe": recipe}))

    assert len(pricing.times) == 1


def test_measured_times_are_positive_and_shared_by_methods_of_one_kind(monkeypatch):
    made = []
    trials = [trial_of("quickstart", name) for name in ("erm", "la", "vs")]
    from evenhand.train import timing

    begin = timing.begin
    monkeypatch.setattr(timing, "begin", lambda *a, **k: made.append(a) or begin(*a, **k))

    found = price(trials, use_gpu=False)

    assert len(made) == 1
    assert all(0 < found.seconds[trial.key] < math.inf for trial in trials)
    assert not found.unpriced


def test_a_data_set_of_known_sizes_is_priced_without_its_files(monkeypatch):
    def absent(*_):
        raise AssertionError("data was read")

    monkeypatch.setattr("evenhand.execution.samples.load_source", absent)
    trial = trial_of("cifar10_short", "erm")
    found = sample(trial.problem, seed=0, vary=trial.vary, n_train=40, n_held_out=20)

    data = found.data
    assert data.train.pixels.shape == (40, 32, 32, 3)
    assert data.counts.shape == (10, 1)
    assert data.counts[0, 0] > 10 * data.counts[9, 0] > 0
    assert data.summary.n_test == 10_000
    assert set(data.train.labels) == set(data.test.labels) == set(range(10))


def test_a_sample_of_an_own_data_set_has_images_of_every_cell(suite_of):
    trial = next(iter(suite_of("erm").trials.values()))
    found = sample(trial.problem, seed=0, vary=trial.vary, n_train=5, n_held_out=3)
    assert len(found.data.train) == 6  # two of each class
    assert set(found.data.test.labels) == {0, 1, 2}


def test_what_cannot_be_priced_is_named_with_its_cause_and_the_rest_is_priced(suite_of, tmp_path):
    suite = suite_of("erm", "raises", seeds=2)

    plan = with_prices(make_plan(suite, Store.open(tmp_path / "r")))

    [unpriced] = plan.prices.unpriced
    assert unpriced.trials == 2
    assert unpriced.problem == suite.configurations[0].problem.name
    assert unpriced.cause == "a method of somebody's own fails"
    assert {t.method.name for t in plan.missing if plan.estimate(t) is None} == {"raises"}
    assert plan.total(plan.missing) is None
    assert plan.duration(2) is None
    assert plan.as_json(gpus_per_trial=0.25, slots=2)["unpriced"] == [unpriced._asdict()]


def test_files_that_are_not_there_leave_their_problem_without_a_price(monkeypatch, suite_of):
    def absent(*_):
        raise DataError("the table is not there")

    monkeypatch.setattr("evenhand.execution.samples.load_source", absent)
    trials = list(suite_of("erm", seeds=2).trials.values())
    found = price(trials, use_gpu=False)
    assert found.seconds == {}
    assert [(u.trials, u.cause) for u in found.unpriced] == [(2, "the table is not there")]


def test_a_record_goes_before_a_price_and_a_price_before_records_of_other_methods(
    suite_of, tmp_path
):
    from tests.execution.test_plan import finished

    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", seeds=2)
    erm, la = (
        next(t for t in suite.trials.values() if t.method.name == n and t.seed == 0)
        for n in ("erm", "la")
    )
    store.write(finished(erm, 1000.0))
    assert make_plan(suite, store).estimate(la) == 1000.0

    plan = with_prices(make_plan(suite, store))
    assert plan.estimate(la) == plan.prices.seconds[la.key] < 1000.0
    assert plan.estimate(erm) == 1000.0
    assert {t.method.name for t in plan.missing if t.key in plan.prices.seconds} == {"la"}


def test_weights_are_not_fetched_for_a_price():
    trial = trial_of("quickstart", "erm")
    settings = {"model": "resnet18.tv_in1k", "pretrained": True}
    backbone = REGISTRY.part("backbone", "timm", settings)
    recipe = trial.recipe.model_copy(update={"backbone": backbone, "epochs": 1, "batch": 8})
    found = price([trial.model_copy(update={"recipe": recipe})], use_gpu=False)
    assert len(found.seconds) == 1, found.unpriced


def test_a_plan_in_python_has_prices_on_request(tmp_path):
    suite = eh.open_suite("quickstart", only="method=erm,seed=0..1")
    plan = eh.plan(suite, tmp_path / "r", price=True)
    seconds = plan.total(plan.missing)
    assert seconds == pytest.approx(sum(plan.prices.seconds.values()))
    assert plan.duration(2) == pytest.approx(seconds / 2)


def test_post_hoc_trials_are_priced_by_their_fit():
    trial = next(t for t in open_suite("objectives_digits").trials.values() if t.posthoc)
    assert 0 < Pricing.on(use_gpu=False).seconds(trial) < 60


def test_counts_by_class_alone_are_split_over_groups_of_equal_size():
    from evenhand.execution.samples import by_group

    counts: TrainingCounts = np.array([[100], [7]])
    assert by_group(counts, 2).tolist() == [[50, 50], [3, 3]]
    assert by_group(counts, 1).tolist() == [[100], [7]]
