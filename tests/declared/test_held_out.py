"""Which runs of a method train on held-out images."""

from __future__ import annotations

import pytest

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.held_out import leaves_held_out, trained_on, trains_on_held_out
from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import REGISTRY
from evenhand.losses.vector_scaling import VectorScaling

PLAIN = Stage(VectorScaling())


def make(name, **settings):
    return REGISTRY.make("method", REGISTRY.part("method", name, settings))


def images(method):
    return [stage.train_on for stage in method.stages]


def test_a_recipe_gives_all_images_to_runs_that_learn_nothing_on_held_out_images():
    assert images(trained_on(make("ldam_drw"), "all")) == ["all", "all"]
    assert images(trained_on(make("ldam_drw"), None)) == ["train", "train"]


def test_a_search_keeps_its_held_out_images():
    alone = make("autobalance", retrain_on="train")
    assert images(trained_on(alone, "all")) == ["train", "train", "all"]
    assert images(trained_on(make("csl"), "all")) == ["train"]


def test_a_head_that_is_fitted_on_held_out_images_keeps_them():
    assert images(trained_on(make("dfr", split="val"), "all")) == ["train"]
    assert images(trained_on(make("dfr", split="train"), "all")) == ["all"]


def test_held_out_images_choose_for_networks_that_were_not_trained_on_them():
    assert leaves_held_out(make("erm")) and leaves_held_out(make("cs_svm"))
    assert leaves_held_out(make("autobalance", retrain_on="train"))
    assert not leaves_held_out(make("dfr", split="val"))
    assert trains_on_held_out(make("autobalance")) and not leaves_held_out(make("autobalance"))


def test_a_stage_does_not_learn_on_images_that_it_trains_on():
    with pytest.raises(AssertionError, match="judged by"):
        Method(Stage(VectorScaling(), outer=Hypergradient(), train_on="all"))


def test_the_stages_of_a_run_train_on_the_same_images():
    with pytest.raises(AssertionError, match="one set of images"):
        Method(Stage(VectorScaling(), until=0.5), Stage(VectorScaling(), train_on="all"))
    Method(PLAIN, Stage(VectorScaling(), restart=True, train_on="all"))
