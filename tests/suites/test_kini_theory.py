"""The suites of kini2021label on theory: the numbers are those of theory, trials lie near it."""

from __future__ import annotations

import re

import pytest
import torch

from evenhand.data.splits import load_source, make_splits
from evenhand.declared.registry import REGISTRY
from evenhand.metrics import score
from evenhand.suite.resolve import open_suite
from evenhand.theory.gaussian_mixture import cost_sensitive
from evenhand.train.engine import train

LARGEST = 10.0
"""The greatest δ that the suites have, for where it has no bound."""


def best_delta(problem):
    """δ* of theory without an intercept, on the means of the problem."""
    settings = problem.dataset.settings
    whole = REGISTRY.make("dataset", problem.dataset)
    means = whole.redraw.__self__.means[::-1, 0, : settings["features"]]
    gamma = settings["features"] / settings["n"]
    svm = cost_sensitive(means, settings["pi"], gamma, intercept=False)
    return min(svm.best_delta, LARGEST)


@pytest.mark.parametrize("name", ["kini2021_fig2", "kini2021_fig2_curves"])
def test_the_deltas_of_a_suite_are_those_of_theory(name):
    cells = open_suite(name).configurations
    expected = {c.problem.name: best_delta(c.problem) for c in cells}
    scaled = {"CS-SVM": "delta", "CDT": "ratio", "VS, shifted": "ratio", "VS, weighted": "ratio"}
    seen = 0
    for cell in cells:
        if cell.row in scaled:
            given = cell.method.settings[scaled[cell.row]]
            assert given == pytest.approx(expected[cell.problem.name], abs=1e-3), cell.problem.name
            seen += 1
    assert seen >= len(expected) * 2


def test_no_line_through_the_origin_separates_what_fig2_below_holds():
    cells = open_suite("kini2021_fig2_below").configurations
    assert max(cell.problem.dataset.settings["features"] for cell in cells) == 45
    assert all(cell.recipe.backbone.settings["intercept"] is False for cell in cells)


@pytest.mark.parametrize("name", ["kini2021_fig3", "kini2021_fig3_groups"])
def test_a_trial_of_fig3_lies_near_theory(name):
    """One draw of 400 examples, by the engine; the bound is what single draws scatter by."""
    cell = next(c for c in open_suite(name).configurations if re.search("-d200-", c.problem.name))
    trial = cell.trials[0]
    data = make_splits(trial.problem, load_source(trial.problem), seed=0, vary=trial.vary)
    found = train(trial, data, device=torch.device("cpu"))
    counts = next(e for e in found.evaluations if (e.split, e.rule) == ("test", "last")).counts
    theory = REGISTRY.get("dataset", trial.problem.dataset.name).facts["theory"](
        trial.problem.dataset.settings, trial.method.name, trial.method.settings
    )
    for metric in ("balanced_error", "train_weighted_error"):
        value = score(metric, counts, data.counts)
        assert value == pytest.approx(theory[metric], abs=0.06), metric
