"""Metrics of logits in records: kept logits, later metrics, and methods without probabilities."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.special import log_softmax

import evenhand as eh
from evenhand.declared.record import RULES
from evenhand.declared.registry import REGISTRY
from evenhand.errors import MetricError, SpecError, Unwritable
from evenhand.execution.attachments import read_arrays, to_npz
from evenhand.execution.plan import make_plan
from evenhand.store import Store
from evenhand.suite.resolve import open_suite

OF_LOGITS = "metrics: [nll, balanced_accuracy]\nprimary: nll"


def named(path, metrics=OF_LOGITS):
    """The suite of a file with other metrics."""
    text = path.read_text().splitlines()
    kept = [line for line in text if not line.startswith(("metrics:", "primary:"))]
    path.write_text("\n".join([*kept, metrics]) + "\n")
    return open_suite(str(path))


def run(suite, store):
    return eh.run(suite, store, inline=True)


def nll_by_hand(arrays, epoch, split):
    logits, labels = arrays[f"{epoch}/{split}_logits"], arrays[f"{split}_labels"]
    chosen = log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]
    return -chosen.mean()


def test_a_suite_with_a_metric_of_logits_scores_every_rule_from_its_logits(suite_file, tmp_path):
    suite, store = named(suite_file("erm", seeds=1)), Store.open(tmp_path / "r")
    run(suite, store)
    [record] = store.records()
    arrays = read_arrays(store, record, "logits")
    assert {each.rule for each in record.evaluations} == set(RULES)
    for each in record.evaluations:
        expected = nll_by_hand(arrays, each.epoch, each.split)
        assert each.scores == {"nll": pytest.approx(expected, abs=1e-12)}
    frame = eh.to_frame(suite, store).query("metric == 'nll' and split == 'test'")
    assert frame.value.tolist() == [
        record.evaluation("test", rule).scores["nll"] for rule in frame["rule"]
    ]


def test_a_metric_of_logits_changes_no_key(suite_file):
    before = open_suite(str(suite_file("erm", "la"))).trials
    assert named(suite_file("erm", "la")).trials.keys() == before.keys()


def test_trials_without_logits_are_trained_again(suite_file, tmp_path):
    store = Store.open(tmp_path / "r")
    run(open_suite(str(suite_file("erm", seeds=1))), store)
    suite = named(suite_file("erm", seeds=1))
    plan = make_plan(suite, store)
    assert (len(plan.again), len(plan.missing), len(plan.unscored)) == (1, 1, 0)
    run(suite, store)
    [record] = store.records()
    assert record.attempts == 2
    assert record.evaluation("test", "last").scores["nll"] > 0


def test_a_later_metric_of_logits_needs_no_training(suite_file, tmp_path):
    store = Store.open(tmp_path / "r")
    run(named(suite_file("erm", "{erm: {posthoc: la_posthoc}}", seeds=1)), store)
    before = {record.key: record for record in store.records()}
    suite = named(
        suite_file("erm", "{erm: {posthoc: la_posthoc}}", seeds=1),
        "metrics: [brier]\nprimary: brier",
    )
    plan = make_plan(suite, store)
    trained = [trial for trial in suite.trials.values() if not trial.posthoc]
    assert ([t.key for t in plan.unscored], plan.again[0].posthoc.name) == (
        [trained[0].key],
        "la_posthoc",
    )
    after = run(suite, store)
    assert (len(after.done), len(after.unscored), len(after.missing)) == (2, 0, 0)
    record = store.read(trained[0].key)
    assert record.attempts == 1
    assert record.provenance == before[record.key].provenance
    assert set(record.evaluation("test", "last").scores) == {"nll", "brier"}


@pytest.mark.parametrize("lacking", [".*/test_logits", ".*/.*_logits"], ids=["one", "all"])
def test_logits_that_lack_an_array_count_as_not_kept(suite_file, tmp_path, lacking):
    suite, store = named(suite_file("erm", seeds=1)), Store.open(tmp_path / "r")
    run(suite, store)
    [before] = store.records()
    arrays = read_arrays(store, before, "logits")
    # As in records of earlier versions.
    store.replace(before.model_copy(update={"digests": {}}))
    kept = {name: array for name, array in arrays.items() if not re.fullmatch(lacking, name)}
    (tmp_path / "r" / "main" / before.key / "logits.npz").write_bytes(to_npz(kept))
    wider = named(suite_file("erm", seeds=1), "metrics: [nll, brier]\nprimary: nll")
    run(wider, store)
    [after] = store.records()
    assert after.attempts == 2
    assert None not in after.evaluation("test", "last").scores.values()
    assert after.evaluations[0].counts.tolist() == before.evaluations[0].counts.tolist()


def test_a_record_that_cannot_be_changed_gets_no_metric_and_the_others_do(suite_file, tmp_path):
    suite = named(suite_file("erm", "la", seeds=1))
    run(suite, Store.open(tmp_path / "r"))
    closed, other = suite.trials

    class Closed(Store):
        def replace(self, record):
            if record.key == closed:
                raise Unwritable("permission denied")
            super().replace(record)

    wider = named(suite_file("erm", "la", seeds=1), "metrics: [nll, brier]\nprimary: nll")
    notes = []
    after = eh.run(wider, Closed.open(tmp_path / "r"), inline=True, on_event=notes.append)
    assert [trial.key for trial in after.unscored] == [closed]
    assert [note.kind for note in notes] == ["note"]
    assert notes[0].cause.endswith(": permission denied")
    assert "brier" in Store.open(tmp_path / "r").read(other).scored


def test_a_record_of_another_version_of_the_metric_is_scored_anew(suite_file, tmp_path):
    suite, store = named(suite_file("erm", seeds=1)), Store.open(tmp_path / "r")
    run(suite, store)
    [record] = store.records()
    store.replace(record.model_copy(update={"scored": {"nll": "0"}}))
    assert len(make_plan(suite, store).unscored) == 1
    frame = eh.to_frame(suite, store).query("metric == 'nll'")
    assert frame.value.isna().all()


def test_logit_adjustment_after_training_has_the_probabilities_of_its_shifted_logits(
    suite_file, tmp_path
):
    suite = named(suite_file("erm", "{erm: {posthoc: la_posthoc}}", seeds=1))
    store = Store.open(tmp_path / "r")
    run(suite, store)
    [shifted] = [record for record in store.records() if record.trial.posthoc]
    arrays = read_arrays(store, store.read(shifted.trial.parent.key), "logits")
    last = shifted.evaluation("test", "last")
    n = shifted.data.train_counts.sum(1)
    logits = arrays[f"{last.epoch}/test_logits"] - np.log(n / n.sum())
    expected = nll_by_hand(arrays | {f"{last.epoch}/test_logits": logits}, last.epoch, "test")
    assert last.scores["nll"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("ldam", "the head gives cosines"),
        ("{erm: {posthoc: post_shift}}", "no logits"),
        ("{csl: {iterate: averaged, every: 1}}", "no logits"),
    ],
)
def test_a_method_without_class_probabilities_has_no_score_and_the_reason(
    suite_file, tmp_path, method, why
):
    suite = named(suite_file("erm", method, seeds=1))
    store = Store.open(tmp_path / "r")
    after = run(suite, store)
    assert (len(after.done), len(after.missing), len(after.unscored)) == (2, 0, 0)
    board = eh.leaderboard(suite, store).leaderboard
    [row] = [row for row in board.rows if row != "erm"]
    [problem] = board.problems
    score = board.results[row, problem].scores["nll", "last"]
    assert score.is_undefined
    assert why in score.undefined


@pytest.mark.parametrize("posthoc", [(), ("{ldam: {posthoc: la_posthoc}}",)], ids=["ldam", "both"])
def test_a_method_without_class_probabilities_is_not_trained_again_for_them(
    suite_file, tmp_path, posthoc
):
    store = Store.open(tmp_path / "r")
    run(open_suite(str(suite_file("ldam", *posthoc, seeds=1))), store)
    suite = named(suite_file("ldam", *posthoc, seeds=1))
    plan = make_plan(suite, store)
    assert (len(plan.missing), len(plan.unscored)) == (0, len(suite.trials))
    run(suite, store)
    for record in store.records():
        assert record.attempts == 1
        assert record.unscored.startswith("the head gives cosines")
        assert {score for each in record.evaluations for score in each.scores.values()} == {None}


def test_epochs_are_not_chosen_by_a_metric_of_logits(suite_file):
    path = suite_file("erm")
    path.write_text(path.read_text().replace("recipe: quick", "recipe: {quick: {best_by: nll}}"))
    with pytest.raises(SpecError, match="best_by = 'nll' is a metric of logits"):
        open_suite(str(path))


def test_a_metric_that_fails_loses_no_training(suite_file, tmp_path):
    @eh.metric(of="logits", better="lower")
    def breaks_here(outputs, train):
        """Raise an error of its own."""
        raise ZeroDivisionError("no such class")

    try:
        suite = named(suite_file("erm", seeds=1), "metrics: [breaks_here]\nprimary: breaks_here")
        store = Store.open(tmp_path / "r")
        after = run(suite, store)
        assert (len(after.done), len(after.unscored)) == (1, 1)
        with pytest.raises(MetricError, match=r"\d+: the metric breaks_here fails"):
            run(suite, store)
    finally:
        del REGISTRY._entries["metric"]["breaks_here"]
