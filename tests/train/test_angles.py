"""The curve `angle`: between a network's line and one that is solved for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.data.splits import load_source, make_splits
from evenhand.declared.labels import Labels
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import STREAMS, Trial, Val
from evenhand.errors import DataError, Mistakes, SpecError
from evenhand.suite.problems import resolve_problem
from evenhand.suite.recipes import resolve_recipe
from evenhand.suite.requirements import check_angle
from evenhand.train.engine import train
from evenhand.train.initial_state import begin
from evenhand.train.transitions import solve_head
from tests.train.trials import CPU, make, run

SMALL = {"n": 60, "d": 80, "n_test": 100}
CS_SVM = {"cs_svm": {"delta": 3.0, "intercept": False}}


def trial_of(name, settings=None, *, epochs=400):
    problem = resolve_problem("gaussian_mixture", SMALL, Val())
    linear = {"linear": {"init": "zero", "intercept": False}}
    fields = {"epochs": epochs, "backbone": linear, "evaluate_every": 100, "angle_to": CS_SVM}
    recipe = resolve_recipe("mixture-gd", fields)
    return Trial(
        problem=problem,
        method=REGISTRY.part("method", name, settings),
        recipe=recipe,
        seed=0,
        vary=STREAMS,
    )


def ended(trial):
    data = make_splits(trial.problem, load_source(trial.problem), seed=0, vary=STREAMS)
    return train(trial, data, device=CPU).curves["angle"]


def test_gradient_descent_on_cdt_turns_towards_the_cost_sensitive_margin_and_erm_stays_away():
    towards, away = ended(trial_of("binary_vs", {"ratio": 3.0})), ended(trial_of("erm"))
    assert np.all(np.diff(towards) < 0)
    assert towards[-1] < away[-1]


def test_a_line_makes_no_angle_with_itself():
    assert ended(trial_of("cs_svm", {"delta": 3.0, "intercept": False})) == pytest.approx(
        [0.0], abs=1e-3
    )


def test_it_is_the_angle_of_the_two_lines_written_out(models):
    trial = trial_of("erm", epochs=100)
    data = make_splits(trial.problem, load_source(trial.problem), seed=0, vary=STREAMS)
    [found] = train(trial, data, device=CPU).curves["angle"]
    (_, trained) = models[0]
    method = REGISTRY.make("method", trial.recipe.angle_to)
    solved = solve_head(begin(trial, data, CPU), method.refit)
    with torch.no_grad():
        ours = (trained.head.weight[1] - trained.head.weight[0]).double().numpy()
    theirs = solved.weight[1] - solved.weight[0]
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert found == pytest.approx(np.degrees(np.arccos(cosine)), rel=1e-4)


def test_more_than_two_classes_have_no_such_line():
    part = REGISTRY.part("method", "cs_svm")
    with pytest.raises(DataError, match=r"angle_to: .* 4 classes"):
        run(make(angle_to=part))


def test_a_method_that_trains_is_no_line():
    with pytest.raises(SpecError, match="that method trains"):
        resolve_recipe("mixture-gd", {"angle_to": "erm"})


@pytest.mark.parametrize(
    ("recipe", "method", "what"),
    [
        ({"backbone": "mlp"}, "erm", "has a body"),
        ({}, "ldam", "its head is cosine"),
    ],
)
def test_two_lines_that_have_no_angle_are_refused_with_the_suite(recipe, method, what):
    mistakes = Mistakes()
    fields = {"angle_to": CS_SVM} | recipe
    check_angle(
        REGISTRY.part("method", method), resolve_recipe("mixture-gd", fields), None, mistakes
    )
    assert what in mistakes.found[0].what


def test_a_line_between_two_classes_is_refused_where_there_are_more():
    mistakes = Mistakes()
    recipe = resolve_recipe("mixture-gd", {"angle_to": CS_SVM})
    check_angle(REGISTRY.part("method", "erm"), recipe, Labels(None, 10, 1), mistakes)
    assert "two classes" in mistakes.found[0].what
