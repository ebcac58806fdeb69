"""AutoBalance's stages under both readings, and what a suite may ask of it."""

from __future__ import annotations

import pytest

from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError
from tests.suite.suite_text import resolved, with_


def make(name, **settings):
    return REGISTRY.make("method", REGISTRY.part("method", name, settings))


def test_it_warms_up_searches_and_begins_again_all_under_one_loss():
    method = make("autobalance")
    first, search, again = method.stages
    assert first.loss == search.loss == again.loss
    assert [bool(stage.outer) for stage in method.stages] == [False, True, False]
    assert [stage.restart for stage in method.stages] == [False, False, True]
    assert method.needs_validation


def test_the_text_searches_from_epoch_120_of_300_and_retrains_as_long():
    assert make("autobalance").first_epochs(300) == (0, 120, 300)
    assert make("autobalance").total_epochs(300) == 600


def test_the_code_retrains_for_200():
    assert make("autobalance_released").total_epochs(300) == 500


def test_the_text_starts_consistent_and_the_code_from_plain_cross_entropy():
    text, code = (make(name).stages[0].loss for name in ("autobalance", "autobalance_released"))
    assert (text.weights, text.multiplier) == ("balanced", "one")
    assert (code.weights, code.multiplier) == ("ones", "sigmoid")


def test_the_rates_and_what_happens_between_two_gradients_are_those_of_each():
    text, code = (make(name).stages[1].outer for name in ("autobalance", "autobalance_released"))
    assert (text.lr, text.coast, text.diverging, text.warmup) == (0.05, False, "rescale", 0.0)
    assert (code.lr, code.coast, code.diverging) == (0.01, True, "allow")
    assert round(300 * code.warmup) == 10 and (text.interval, code.interval) == (20, 20)
    assert (text.by_epoch, code.by_epoch) == (False, True)
    assert (text.objective, code.objective) == ("balanced", "batch_weighted")


def test_the_released_configurations_start_without_logit_adjustment():
    assert make("autobalance").stages[0].loss.la_init
    assert not make("autobalance_released").stages[0].loss.la_init


@pytest.mark.parametrize("name", ["autobalance", "autobalance_released", "madao", "pda"])
def test_the_retraining_has_training_and_held_out_images(name):
    assert [s.train_on for s in make(name).stages] == ["train", "train", "all"]
    alone = make(name, retrain_on="train")
    assert [s.train_on for s in alone.stages] == ["train", "train", "train"]


@pytest.mark.parametrize(
    ("learn", "symbols"),
    [
        ("l", ("l",)),
        ("delta", ("delta",)),
        ("both", ("l", "delta")),
        ("tau", ("tau",)),
        ("w", ("w",)),
    ],
)
def test_what_is_learned_is_named(learn, symbols):
    assert make("autobalance", learn=learn).stages[1].loss.learn == symbols


def test_the_defaults_take_what_the_text_says_of_cifar_10():
    settings = REGISTRY.part("method", "autobalance").settings
    given = {"every": 20, "terms": 5, "scale": 1.0, "batches": 10, "cluster": 1, "warmup": 0.4}
    assert given.items() <= settings.items()


def test_an_objective_of_groups_is_refused_where_there_are_none():
    text = with_("  - la: {tau: 1.0}\n", "  - autobalance: {objective: deo}\n")
    with pytest.raises(SpecError, match=r"objective 'deo'.* groups") as told:
        resolved(text.replace("val: none", "val: {per_class: 20}"))
    assert "write 'balanced'" in str(told.value)
