"""Runs of a method, as reports tell them."""

from __future__ import annotations

import pytest

from evenhand.declared.registry import REGISTRY
from evenhand_reports.figures import restarts
from tests.train.trials import make


def trial_of(name, settings=None, epochs=10):
    trial = make(epochs=epochs)
    return trial.model_copy(update={"method": REGISTRY.part("method", name, settings)})


def test_one_run_needs_no_words_and_no_break():
    assert restarts.describe_runs(trial_of("vs")) == ""
    assert restarts.with_breaks(trial_of("vs"), [1, 2], [0.1, 0.2], None) == [
        [1, 2],
        [0.1, 0.2],
        None,
    ]


def test_a_line_breaks_where_training_begins_anew():
    trial = trial_of("autobalance", {"search": 0.5})
    assert restarts.describe_runs(trial) == "5 epochs, then 10 from scratch"
    assert restarts.with_breaks(trial, [4, 5, 6], [0.1, 0.2, 0.3]) == [
        [4, 5, 5.5, 6],
        [0.1, 0.2, None, 0.3],
    ]


@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("crt", "of the last layer"),
        ("lws", "of the scale of the logits"),
        ("label_aware_smoothing", "of the last layer"),
        ("jtt", "from scratch"),
    ],
)
def test_a_run_that_keeps_the_weights_is_not_from_scratch(name, then):
    share = {"first" if name == "jtt" else "retrain": 0.5}
    assert restarts.describe_runs(trial_of(name, share)).endswith(f" {then}")


def test_a_method_that_trains_nothing_has_no_runs():
    assert restarts.describe_runs(trial_of("svm")) == ""
    assert restarts.with_breaks(trial_of("svm"), [1], [0.5]) == [[1], [0.5]]


def test_a_method_of_a_plugin_that_is_not_here_has_none_that_are_known():
    trial = make()
    gone = trial.method.model_copy(update={"name": "gone"})
    assert restarts.run_lengths(trial.model_copy(update={"method": gone})) == ()


def test_an_old_record_may_have_settings_that_its_method_has_no_more():
    trial = make()
    old = trial.method.model_copy(update={"settings": {"strength": 2.0}})
    assert restarts.run_lengths(trial.model_copy(update={"method": old})) == ()
