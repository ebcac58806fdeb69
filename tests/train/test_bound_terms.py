"""The terms of the bound that a trial logs are those of its network and of its loss in force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from evenhand.declared.recipe import Recipe
from evenhand.errors import SpecError
from evenhand.suite.resolve import Suite
from tests.data.samples import make_source
from tests.train.trials import data_of, make, result, run

SOURCE = make_source([40, 36, 32, 28])
LOGGED = {"evaluate_train": True, "bound_terms": True}


def trained(name, settings=None, **fields):
    return run(make(name, settings, **LOGGED, **fields), SOURCE)


def scores_of(model, data):
    """The smallest logit of the true class by class, from the network as it is."""
    pixels = data.train.pixels / 255
    x = (pixels - pixels.mean()) / pixels.std(ddof=1)
    with torch.no_grad():
        logits = model.eval()(torch.tensor(x.transpose(0, 3, 1, 2)).float()).double().numpy()
    labels = data.train.labels
    return [min(logits[labels == y, y]) for y in range(4)]


def test_terms_change_no_result():
    plain, logged = run(make("vs", evaluate_train=True), SOURCE), trained("vs")
    assert plain.evaluations == logged.evaluations
    added = logged.curves.keys() - plain.curves.keys()
    assert len(added) == 2 * 4 + 1
    assert plain.curves == {k: v for k, v in logged.curves.items() if k not in added}


def test_the_terms_are_those_of_the_network_and_the_loss(models):
    outcome = trained("vs", {"tau": 1.5, "gamma": 0.3}, epochs=3)
    data = data_of(make(), SOURCE)
    n = np.bincount(data.train.labels).tolist()
    scores, total = scores_of(models[0][1], data), 0.0
    beta = [(c / max(n)) ** 0.3 for c in n]
    raised = [
        math.exp(b * s + 1.5 * math.log(c / sum(n)))
        for b, s, c in zip(beta, scores, n, strict=True)
    ]
    for y in range(4):
        tilde = math.hypot(beta[y], sum(beta) - beta[y])
        mu = tilde * (1 - raised[y] / sum(raised))
        total += mu * math.sqrt(n[y] / sum(n))
        assert outcome.curves[f"train_min_score_{y}"][-1] == pytest.approx(scores[y], rel=1e-4)
        assert outcome.curves[f"train_lipschitz_{y}"][-1] == pytest.approx(mu, rel=1e-4)
    expected = total / (4 * min(n) / sum(n))
    assert outcome.curves["train_bound"][-1] == pytest.approx(expected, rel=1e-4)


def test_the_counts_are_those_of_all_images_that_are_trained_on():
    """Training and held-out images together, whose class frequencies are others."""
    trial = make("erm", **LOGGED, train_on="all")
    data = data_of(trial, SOURCE)
    n = np.bincount(data.train.labels) + np.bincount(data.val.labels)
    assert len(set(np.bincount(data.train.labels) / n)) > 1, "the priors differ"
    curves = run(trial, SOURCE).curves
    mu = np.array([curves[f"train_lipschitz_{y}"][-1] for y in range(4)])
    pi = n / n.sum()
    expected = (mu * np.sqrt(pi)).sum() / (4 * pi.min())
    assert curves["train_bound"][-1] == pytest.approx(expected, rel=1e-4)


def test_the_loss_in_force_is_that_of_the_stage():
    """Of four epochs the last has weights, (1 − b)/(1 − b^n) with the sum C."""
    curves = trained("erm_drw", epochs=4).curves
    n = np.bincount(data_of(make(), SOURCE).train.labels)
    raw = (1 - 0.9999) / (1 - 0.9999**n)
    for epoch, alpha in ((2, np.ones(4)), (3, 4 * raw / raw.sum())):
        raised = np.exp([curves[f"train_min_score_{y}"][epoch] for y in range(4)])
        expected = alpha * math.sqrt(1 + 9) * (1 - raised / raised.sum())
        logged = [curves[f"train_lipschitz_{y}"][epoch] for y in range(4)]
        np.testing.assert_allclose(logged, expected, rtol=1e-4)


def test_terms_are_the_same_in_a_second_run():
    assert result(trained("la")) == result(trained("la"))


def test_the_terms_need_the_training_images():
    with pytest.raises(ValueError, match="add `evaluate_train: true`"):
        Recipe.model_validate(make().recipe.model_dump() | {"bound_terms": True})


def suite(method, **changes):
    keys = {
        "suite": "bound",
        "question": "Which losses have a bound?",
        "problems": [{"digits": {"profile": "exp", "ratio": 10}}],
        "val": {"per_class": 20},
        "recipe": {"digits": LOGGED},
        "seeds": 1,
        "methods": ["la", method],
        "metrics": ["balanced_accuracy"],
        "primary": "balanced_accuracy",
        "baseline": "la",
    }
    return Suite(**(keys | changes))


@pytest.mark.parametrize("method", ["erm", "cb", "ldam_drw", "vs_tla_adrw", "cdt", "resample"])
def test_losses_of_the_family_have_a_bound(method):
    assert suite(method).trials


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("focal", "its loss Focal is not of that family"),
        ("equalized", "its loss Equalized is not of that family"),
        ({"dfr": {"split": "val"}}, "its last layer is solved for"),
        ("csl", "is not of that family"),
        ({"vs": {"teacher": "erm"}}, "its labels are a teacher's probabilities"),
    ],
)
def test_other_methods_have_none_and_the_reason_is_given(method, why):
    with pytest.raises(SpecError) as raised:
        suite(method)
    assert why in str(raised.value)
    assert "`recipe: {bound_terms: null}`" in str(raised.value)


def test_problems_with_groups_have_none():
    with pytest.raises(SpecError, match="the problem has groups"):
        suite("erm", problems=[{"digits_coloured": {"profile": "natural"}}])


def test_a_method_without_a_bound_can_leave_the_terms_out():
    trials = suite({"focal": {"recipe": {"bound_terms": None}}}).trials.values()
    assert {t.method.name: t.recipe.bound_terms for t in trials} == {"la": True, "focal": None}


@pytest.mark.parametrize("series", ["train_bound", "train_min_score_0", "train_lipschitz_minority"])
def test_series_of_the_bound_need_the_field(series):
    with pytest.raises(SpecError, match="add `evaluate_train: true, bound_terms: true`"):
        suite("erm", recipe="digits", figures=[{"curves": series}])
    assert suite("erm", figures=[{"curves": series}]).trials
