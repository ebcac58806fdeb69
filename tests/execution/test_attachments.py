"""Trials that read from others: teachers and post-hoc methods, from the plan to the record."""

from __future__ import annotations

import io
import re
import shutil

import numpy as np
import pytest

from evenhand.declared.record import Exit
from evenhand.errors import RunError, StoreError
from evenhand.execution.attachments import (
    read_arrays,
    read_logits,
    teacher_probabilities,
    to_npz,
)
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.plan import make_plan
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store
from evenhand.suite.only import restrict
from evenhand.suite.resolve import open_suite

SHIFTED = "erm: {posthoc: la_posthoc}"
TAUGHT = "la: {teacher: erm}"


def finished(suite, store, **how):
    plan = make_plan(suite, store, **how)
    return run_plan(plan, Execution(), store, RunTracker(lambda _: None), run_inline)


def by_kind(plan):
    return {name: len(getattr(plan, name)) for name in ("done", "missing", "failed", "blocked")}


def test_who_is_read_from_runs_first(suite_of, tmp_path):
    plan = make_plan(
        suite_of("erm", "{la: {teacher: vs, posthoc: la_posthoc}}"), Store.open(tmp_path)
    )
    names = [[str(t).partition(" on ")[0] for t in trials] for trials in plan.generations]
    assert [len(trials) for trials in plan.generations] == [4, 2, 2]
    assert {name.partition("(")[0] for name in names[0]} == {"vs", "erm"}
    assert all("distilled from vs" in name for name in names[1])
    assert all("+ la_posthoc" in name for name in names[2])


def test_a_trial_whose_parent_is_done_waits_for_no_other(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", f"{{{SHIFTED}}}", seeds=1), store)
    suite = suite_of("vs", "{erm: {posthoc: tau_norm}}", "{vs: {posthoc: tau_norm}}", seeds=1)
    names = [[str(t).partition(" on ")[0] for t in g] for g in make_plan(suite, store).generations]
    assert [len(trials) for trials in names] == [2, 1]
    assert any(name.startswith("erm + tau_norm") for name in names[0])


def test_each_seed_has_its_own_teacher(suite_of, tmp_path):
    plan = make_plan(suite_of("erm", f"{{{TAUGHT}}}", seeds=3), Store.open(tmp_path))
    students = [t for t in plan.missing if t.teacher]
    assert [s.parent.seed for s in students] == [s.seed for s in students] == [0, 1, 2]
    assert len({s.parent.key for s in students}) == 3


def test_rows_share_the_network_that_they_read_from(suite_of, tmp_path):
    suite = suite_of("erm", f"{{{SHIFTED}}}", "{tau_norm: {tau: 0}}", f"{{{TAUGHT}}}", seeds=1)
    store = Store.open(tmp_path / "r")
    plan = make_plan(suite, store)
    assert len(plan.missing) == len(suite.trials) == 4
    assert [len(trials) for trials in plan.generations] == [1, 3]
    after = finished(suite, store)
    assert by_kind(after) == {"done": 4, "missing": 0, "failed": 0, "blocked": 0}
    [erm] = [r for r in store.records() if not r.trial.posthoc and not r.trial.teacher]
    assert erm.kept == ("logits", "train_logits")


def test_a_posthoc_method_of_no_effect_evaluates_as_its_parent(suite_of, tmp_path):
    suite, store = suite_of("erm", "{tau_norm: {tau: 0}}", seeds=1), Store.open(tmp_path / "r")
    finished(suite, store)
    erm, mapped = (
        store.read(configuration.trials[0].key) for configuration in suite.configurations
    )
    biased = read_arrays(store, erm, "logits")
    assert {e.rule for e in mapped.evaluations} == {"last", "best-val", "best-test"}
    assert mapped.data == erm.data
    for evaluation in mapped.evaluations:
        logits = biased[f"{evaluation.epoch}/{evaluation.split}_logits"]
        predicted = (logits - biased[f"{evaluation.epoch}/bias"]).argmax(1)
        labels = biased[f"{evaluation.split}_labels"]
        right = int((predicted == labels).sum())
        assert int(np.trace(evaluation.counts.sum(0))) == right


def test_a_network_that_kept_nothing_is_trained_again_for_whom_reads_it(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", seeds=1), store)
    before = store.records()[0]
    wider = suite_of("erm", f"{{{SHIFTED}}}", seeds=1)
    plan = make_plan(wider, store)
    assert by_kind(plan) == {"done": 0, "missing": 2, "failed": 0, "blocked": 0}
    assert [trial.key for trial in plan.again] == [before.key]
    after = finished(wider, store)
    assert by_kind(after) == {"done": 2, "missing": 0, "failed": 0, "blocked": 0}
    again = store.read(before.key)
    assert again.evaluations == before.evaluations
    assert again.attempts == 2


def test_an_attempt_that_ends_otherwise_leaves_a_done_record_as_it_is(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", seeds=1), store)
    [before] = store.records()
    store.write(before.model_copy(update={"exit": Exit(status="interrupted"), "attempts": 2}))
    assert store.records() == [before]


def test_what_was_kept_for_one_suite_stays_for_another(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", f"{{{SHIFTED}}}", seeds=1), store)
    finished(suite_of("erm", f"{{{TAUGHT}}}", seeds=1), store)
    [erm] = [r for r in store.records() if not r.trial.posthoc and not r.trial.teacher]
    assert (erm.kept, erm.attempts) == (("logits", "train_logits"), 2)
    plan = make_plan(suite_of("erm", f"{{{SHIFTED}}}", "tau_norm", seeds=1), store)
    assert [trial.posthoc.name for trial in plan.missing] == ["tau_norm"]


def test_a_part_of_a_suite_keeps_what_the_rest_reads(suite_of, tmp_path):
    store, whole = Store.open(tmp_path / "r"), suite_of("erm", f"{{{SHIFTED}}}", seeds=1)
    finished(restrict(whole, ["method=erm"]), store)
    assert [trial.posthoc.name for trial in make_plan(whole, store).missing] == ["la_posthoc"]


def test_a_suite_may_ask_for_what_another_will_read(suite_of, suite_file, tmp_path):
    path = suite_file("erm", seeds=1)
    path.write_text(path.read_text() + "keep: [logits]\n")
    store = Store.open(tmp_path / "r")
    finished(open_suite(str(path)), store)
    plan = make_plan(suite_of("erm", f"{{{SHIFTED}}}", seeds=1), store)
    assert [trial.posthoc.name for trial in plan.missing] == ["la_posthoc"]


@pytest.mark.parametrize("damage", ["gone", "one byte", "other numbers"])
def test_damaged_arrays_count_as_not_kept_and_their_trial_runs_again(suite_of, tmp_path, damage):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", "la", "{tau_norm: {tau: 0}}", f"{{{SHIFTED}}}", seeds=1), store)
    [erm] = [r for r in store.records() if not r.trial.posthoc and r.kept]
    file = tmp_path / "r" / "main" / erm.key / "logits.npz"
    whole = file.read_bytes()
    # The middle of the file is the end of a compressed array or the head of the next one.
    flipped = whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1])
    arrays = read_arrays(store, erm, "logits")
    # A whole archive, of which the counts are those of the record.
    other = to_npz({n: a * 1.01 if n.endswith("_logits") else a for n, a in arrays.items()})
    made = {"one byte": flipped + whole[len(whole) // 2 + 1 :], "other numbers": other}
    file.unlink() if damage == "gone" else file.write_bytes(made[damage])
    suite = suite_of("erm", "tau_norm", seeds=1)

    first = finished(suite, store)

    assert by_kind(first) == {"done": 0, "missing": 2, "failed": 0, "blocked": 0}
    [shifted] = [t for t in first.missing if t.posthoc]
    assert f"{erm.key}/logits.npz" in store.read(shifted.key).exit.cause
    assert by_kind(finished(suite, store)) == {"done": 2, "missing": 0, "failed": 0, "blocked": 0}
    assert file.read_bytes() == whole


def test_a_bias_of_another_epoch_that_an_older_version_kept_is_not_used(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", "{tau_norm: {tau: 0}}", seeds=1), store)
    [erm] = [r for r in store.records() if not r.trial.posthoc]
    names = {"bias": "head_bias", "weight_norms": "head_norms"}
    arrays = read_arrays(store, erm, "logits").items()
    old = {"/".join(names.get(part, part) for part in n.split("/")): a for n, a in arrays}
    (tmp_path / "r" / "main" / erm.key / "logits.npz").write_bytes(to_npz(old))
    store.replace(erm.model_copy(update={"digests": {}}))
    suite = suite_of("erm", "tau_norm", seeds=1)

    first = finished(suite, store)

    [shifted] = [t for t in first.missing if t.posthoc]
    assert "the last epoch's bias" in store.read(shifted.key).exit.cause
    assert by_kind(finished(suite, store)) == {"done": 2, "missing": 0, "failed": 0, "blocked": 0}


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x80\x04", "cut", "flipped"], ids=str)
def test_a_damaged_file_is_named_with_what_to_do(suite_of, tmp_path, damage):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", f"{{{SHIFTED}}}", seeds=1), store)
    [erm] = [r.key for r in store.records() if not r.trial.posthoc]
    file = tmp_path / "r" / "main" / erm / "logits.npz"
    whole = file.read_bytes()
    made = {"cut": whole[:2000], "flipped": whole[:300] + bytes(400) + whole[700:]}
    file.write_bytes(made.get(damage, damage))
    with pytest.raises(
        StoreError, match=f"{erm}/logits.npz: .* damaged.*\n  rerun the same command"
    ):
        read_arrays(store, store.read(erm), "logits")


def test_a_teacher_that_failed_blocks_its_students_and_says_why(suite_of, tmp_path):
    suite = suite_of("erm", "{la: {teacher: raises}}", seeds=1)
    store = Store.open(tmp_path / "r")
    after = finished(suite, store)
    assert by_kind(after) == {"done": 1, "missing": 0, "failed": 1, "blocked": 1}
    [blocked] = after.blocked
    assert "raises on blobs-exp-4-n40, seed 0, which has failed" in blocked.cause
    [failed] = after.failed
    assert failed.key[:8] in blocked.cause
    again = make_plan(suite, store, retry_failed=True)
    assert by_kind(again) == {"done": 1, "missing": 2, "failed": 0, "blocked": 0}


def test_what_is_done_needs_no_parent_any_more(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", f"{{{SHIFTED}}}", seeds=1), store)
    [erm] = [r.key for r in store.records() if not r.trial.posthoc]
    shutil.rmtree(tmp_path / "r" / "main" / erm)
    plan = make_plan(suite_of("la", f"{{{SHIFTED}}}", seeds=1), Store.open(tmp_path / "r"))
    assert [t.method.name for t in plan.missing] == ["la"]


def test_a_student_of_other_images_is_refused(suite_of, tmp_path):
    suite, store = suite_of("erm", f"{{{TAUGHT}}}", seeds=1), Store.open(tmp_path / "r")
    finished(suite, store)
    student = next(r for r in store.records() if r.trial.teacher)
    other = student.data.model_copy(update={"fingerprint": "another"})
    with pytest.raises(RunError, match=re.escape(str(student.trial.parent))):
        teacher_probabilities(student.trial, other, store)
    soft = teacher_probabilities(student.trial, student.data, store)
    np.testing.assert_allclose(soft.sum(1), 1, rtol=1e-5)


def test_arrays_come_back_from_their_file(tmp_path):
    with np.load(io.BytesIO(to_npz({"1/a": np.arange(3), "b": np.eye(2)}))) as found:
        assert found["1/a"].tolist() == [0, 1, 2]
        assert found["b"].shape == (2, 2)


def damaged(arrays, record, how):
    """The arrays of a record after one of the faults that a file on disk can have."""
    name = f"{record.evaluation('test', 'last').epoch}/test_logits"
    if how == "missing":
        return {key: array for key, array in arrays.items() if key != name}
    changed = {
        "short": {name: arrays[name][:-1]},
        "labels": {"test_labels": arrays["test_labels"][::-1].copy()},
        "of another network": {name: -arrays[name]},
        "not finite": {name: np.full_like(arrays[name], np.nan)},
        "no class": {"test_labels": arrays["test_labels"] - 1},
    }
    return {**arrays, **changed[how]}


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("missing", "it holds no array '3/test_logits'"),
        ("short", r"its array '3/test_logits' has the shape \[\d+, 3\], not \[\d+, 3\]"),
        ("labels", "of 60 test images at epoch 3 differ from the counts of the record"),
        ("of another network", "test images at epoch 3 differ from the counts of the record"),
        ("not finite", "holds numbers that are not finite"),
        ("no class", "60 of 60 test images at epoch 3 differ"),
    ],
)
def test_logits_of_another_record_are_refused(suite_of, tmp_path, how, fault):
    store = Store.open(tmp_path / "r")
    finished(suite_of("erm", f"{{{SHIFTED}}}", seeds=1), store)
    [erm] = [record for record in store.records() if not record.trial.posthoc]
    # As in records of earlier versions.
    erm = erm.model_copy(update={"digests": {}})
    arrays = read_logits(store, erm)
    file = tmp_path / "r" / "main" / erm.key / "logits.npz"
    file.write_bytes(to_npz(damaged(arrays, erm, how)))
    with pytest.raises(
        StoreError, match=rf"(?s){erm.key}/logits.npz: .*{fault}.*\n  rerun the same command"
    ):
        read_logits(store, erm)


@pytest.mark.parametrize("arrays", [{}, {"train_logits": np.zeros((7, 3))}], ids=["none", "short"])
def test_a_teachers_logits_of_other_images_are_refused(suite_of, tmp_path, arrays):
    suite, store = suite_of("erm", f"{{{TAUGHT}}}", seeds=1), Store.open(tmp_path / "r")
    finished(suite, store)
    student = next(record for record in store.records() if record.trial.teacher)
    teacher = store.read(student.trial.parent.key)
    store.replace(teacher.model_copy(update={"digests": {}}))
    file = tmp_path / "r" / "main" / student.trial.parent.key / "train_logits.npz"
    file.write_bytes(to_npz(arrays))
    with pytest.raises(StoreError, match=r"train_logits\.npz: it.* array 'train_logits'"):
        teacher_probabilities(student.trial, student.data, store)
