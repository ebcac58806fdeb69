"""Runs that train on training and held-out images together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.data.images import Images
from evenhand.data.splits import ProblemData
from evenhand.train.engine import Monitor, TrainOptions, _run_epoch, train
from evenhand.train.graphs import eager_step
from evenhand.train.initial_state import begin
from evenhand.train.resume import Resumable
from evenhand.train.transitions import begin_stage
from tests.data.samples import make_source
from tests.train.trials import CPU, RESNET, data_of, make, run

SOURCE = make_source([40, 36, 32, 28])
SETTINGS = {"learn": "l", "la_init": True, "lr": 0.0, "every": 2, "batches": 2, "warmup": 0.5}
"""A search that changes nothing: the loss stays logit adjustment with τ = 1."""


def union(data):
    """The splits of a problem that had all these images for training from the start."""
    parts = [data.train, data.val]
    train = Images(*(np.concatenate([getattr(p, k) for p in parts]) for k in FIELDS))
    counts = np.array([[int((train.labels == label).sum())] for label in range(4)])
    return ProblemData(train, None, data.test, counts, data.summary)


FIELDS = ("pixels", "labels", "groups")


def trained(trial, data, *, epochs, begins=0):
    """A training that begins at an epoch with fresh generators, after some epochs."""
    training = begin(trial, data, CPU)
    training.epoch = begins + 1
    monitor = Monitor(TrainOptions(), float("inf"), Resumable(), lambda _: None)
    for training.epoch in range(begins + 1, begins + epochs + 1):
        begin_stage(training)
        _run_epoch(training, eager_step, monitor)
        training.position = 0
    return training


def weights_of(training):
    return torch.cat([t.flatten().double() for t in training.model.state_dict().values()])


@pytest.mark.parametrize("fields", [{}, RESNET], ids=["linear", "resnet"])
def test_a_retraining_on_all_images_is_a_plain_run_on_their_union(fields):
    """The prior of the loss is that of the search, which is why the plain run has it by hand."""
    searched = make("autobalance", SETTINGS, **fields)
    data = data_of(searched, SOURCE)
    retrained = trained(searched, data, epochs=2, begins=2)
    found = begin(make("la", {"tau": 1.0}, **fields), data, CPU).stages[0].loss
    plain = begin(make("la", {"tau": 1.0}, **fields), union(data), CPU)
    plain.stages[0].loss = found
    monitor = Monitor(TrainOptions(), float("inf"), Resumable(), lambda _: None)
    for plain.epoch in (1, 2):
        _run_epoch(plain, eager_step, monitor)
        plain.position = 0

    torch.testing.assert_close(weights_of(retrained), weights_of(plain), rtol=1e-4, atol=1e-6)
    alone = trained(
        make("autobalance", SETTINGS | {"retrain_on": "train"}, **fields), data, epochs=2, begins=2
    )
    assert (weights_of(alone) - weights_of(plain)).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["erm", "la", "ldam_drw", "resample", "dro"])
def test_a_recipe_that_trains_on_all_images_is_a_plain_run_on_their_union(name):
    fields = {"epochs": 5, "backbone": RESNET["backbone"]}
    data = data_of(make(name, **fields), SOURCE)
    pooled = train(make(name, train_on="all", **fields), data, device=CPU)
    plain = train(make(name, **fields), union(data), device=CPU)

    assert pooled.curves == plain.curves
    assert pooled.evaluations == plain.evaluations


def test_held_out_images_choose_no_epoch_of_a_run_that_trained_on_them():
    outcome = run(make("autobalance", SETTINGS), SOURCE)
    assert {(e.split, e.rule) for e in outcome.evaluations} == {
        ("test", "last"),
        ("test", "best-test"),
    }
    searched, retrained = np.split(np.array(outcome.curves["val_balanced_accuracy"], float), 2)
    assert not np.isnan(searched).any() and np.isnan(retrained).all()


def test_they_choose_where_the_retraining_leaves_them_out():
    outcome = run(make("autobalance", SETTINGS | {"retrain_on": "train"}), SOURCE)
    assert {(e.split, e.rule) for e in outcome.evaluations} >= {
        ("val", "last"),
        ("val", "best-val"),
    }


def test_a_fixed_loss_has_the_class_frequencies_of_all_images():
    data = data_of(make("madao"), SOURCE)
    first, _, again = begin(make("madao", **RESNET), data, CPU).stages
    for stage, counts in ((first, data.counts), (again, union(data).counts)):
        n = counts[:, 0]
        weights = stage.loss.row_weights(torch.arange(4)).numpy()
        np.testing.assert_allclose(weights / weights[0], n[0] / n, rtol=1e-6)


def test_training_scores_are_those_of_the_images_that_the_run_trains_on():
    fields = {"evaluate_train": True, "best_by": "accuracy"}
    data = data_of(make(), SOURCE)
    outcome = train(make(train_on="all", **fields), data, device=CPU)
    labels = union(data).train.labels
    share = np.bincount(labels) / len(labels)
    by_class = [outcome.curves[f"train_recall_{label}"][-1] for label in range(4)]
    assert outcome.curves["train_accuracy"][-1] == pytest.approx(share @ by_class, rel=1e-4)


def test_a_student_reads_the_logits_of_the_training_images_alone():
    trial = make(train_on="all")
    data = data_of(trial, SOURCE)
    options = TrainOptions(keeps=frozenset({"train_logits"}))
    kept = train(trial, data, device=CPU, options=options).kept["train_logits"]["train_logits"]
    assert kept.shape == (len(data.train), 4)
