"""The suites of Li et al. (2021) against the protocol of the text."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.held_out import trained_on
from evenhand.declared.registry import REGISTRY
from evenhand.declared.split_counts import DataCounts, split_counts
from evenhand.suite.resolve import open_suite

CIFAR10 = DataCounts(np.full((10, 1), 5000), np.full((10, 1), 1000), tuple("abcdefghij"))


def splits_of(name):
    trials = [t for t in open_suite(name).trials.values() if t.problem.dataset.name == "cifar10"]
    problems = {trial.problem.name: trial.problem for trial in trials}
    return [split_counts(problem, CIFAR10) for problem in problems.values()]


def images_of(trial):
    """The images that each run of a trial trains on."""
    method = trained_on(REGISTRY.make("method", trial.method), trial.recipe.train_on)
    return [run[0].train_on for run in method.stages_by_run()]


def test_figure_4_has_one_training_set_and_long_tailed_held_out_sets_of_five_sizes():
    found = splits_of("li2021_fig4")
    sizes = np.array([split.train[:, 0] for split in found])
    assert (sizes == sizes[0]).all() and (sizes[0, 0], sizes[0, -1]) == (4000, 40)
    assert [int(split.val.sum()) for split in found] == [42, 100, 496, 993, 2479]
    for split in found:
        held_out = split.val[:, 0]
        assert (np.diff(held_out) <= 0).all() and held_out[0] >= 10 * held_out[-1]


@pytest.mark.parametrize("name", ["li2021_table1", "li2021_table3", "li2021_fig5"])
def test_fixed_losses_and_retrainings_have_all_training_images(name):
    found = {(trial.method.name, *images_of(trial)) for trial in open_suite(name).trials.values()}
    for method, *runs in found:
        assert runs == (["train", "all"] if method == "autobalance" else ["all"]), method


@pytest.mark.parametrize("name", ["li2021_table1", "li2021_table2", "li2021_fig3"])
def test_cifar_100_warms_up_for_ten_epochs_and_cifar_10_for_five(name):
    for trial in open_suite(name).trials.values():
        expected = 10 if trial.problem.dataset.name == "cifar100" else 5
        assert round(trial.recipe.warmup * trial.recipe.epochs) == expected
