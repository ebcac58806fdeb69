"""Checks of the loaded data name the row, and metrics of groups need groups."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset
from evenhand.errors import BackboneError, SpecError
from evenhand.execution.preflight import check_data, check_networks, load_data
from evenhand.suite.resolve import Suite

KEYS = {
    "suite": "named",
    "question": "Which row is it?",
    "recipe": {"features-linear": {"epochs": 2}},
    "seeds": 1,
    "methods": ["erm", "la"],
    "metrics": ["balanced_accuracy"],
    "primary": "balanced_accuracy",
    "baseline": "erm",
}


@pytest.fixture
def made(unregistered):
    """Register data sets of which only the files give the labels."""

    @dataset(own_val="maybe")
    def plain(n_groups: int = 1, side: int = 0) -> Source:
        """Two classes."""
        labels = np.arange(40) % 2
        shape = (40, side, side, 3) if side else (40, 1, 1, 5)
        pixels = np.zeros(shape, np.uint8 if side else np.float32)
        images = Images(pixels, labels, np.arange(40) // 2 % n_groups)
        groups = tuple(f"g{g}" for g in range(n_groups)) if n_groups > 1 else ("all",)
        return Source(images, images, ("a", "b"), groups)


def checked(**changes):
    suite = Suite(**KEYS | {"problems": ["plain"]} | changes)
    trials = list(suite.trials.values())
    sources = load_data([trial.problem for trial in trials], [0]).sources
    check_data(suite, trials, sources)
    check_networks(suite, trials, sources)


def test_a_refusal_names_the_row(made):
    csl = {"maximize": "min_recall"}
    methods = ["erm", {"csl": {"as": "b1", **csl}}, {"csl": {"as": "b2", "every": 2, **csl}}]
    with pytest.raises(SpecError) as told:
        checked(methods=methods)
    first, second = [m.what for m in told.value.mistakes]
    assert first.startswith("b1 on plain: csl(")
    assert second.startswith("b2 on plain: csl(")


def test_features_that_a_row_augments_are_told_by_the_row(made):
    methods = ["erm", {"la": {"as": "my la", "recipe": {"augment": ["flip"]}}}]
    with pytest.raises(SpecError, match=r"^my la on plain: flip cannot augment features\n"):
        checked(methods=methods)


def test_a_network_that_does_not_fit_is_told_with_its_rows(made):
    backbone = {"timm": {"model": "convnext_atto", "pretrained": False}}
    with pytest.raises(BackboneError, match=r"^b1, la on plain-side8: 'convnext_atto'"):
        checked(
            problems=[{"plain": {"side": 8}}],
            methods=[{"erm": {"as": "b1"}}, "la"],
            recipe={"features-linear": {"epochs": 2, "backbone": backbone}},
        )


METRICS = ["balanced_accuracy", "worst_group_accuracy", "equalized_odds_gap"]


def test_metrics_of_groups_without_groups_are_refused_once_the_files_are_read(made):
    with pytest.raises(SpecError) as told:
        checked(metrics=METRICS)
    assert [m.what.partition(" ")[0] for m in told.value.mistakes] == METRICS[1:]
    assert all("no problem of this suite has groups" in m.what for m in told.value.mistakes)


def test_one_problem_with_groups_is_enough(made):
    checked(metrics=METRICS, problems=["plain", {"plain": {"n_groups": 2}}])


def test_a_gap_between_groups_cannot_rank_a_problem_without_groups(made):
    with pytest.raises(
        SpecError, match=r"primary = 'symmetric_deo' compares .* in plain\n"
    ) as told:
        checked(
            metrics=["symmetric_deo"],
            primary="symmetric_deo",
            problems=["plain", {"plain": {"n_groups": 2}}],
        )
    assert len(told.value.mistakes) == 1
