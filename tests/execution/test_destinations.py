"""Records that cannot be read or written: their trials do not train, and all others do."""

from __future__ import annotations

import pytest

from evenhand import api
from evenhand.declared.record import Exit
from evenhand.errors import StoreError, Unwritable
from evenhand.execution.execute import Execution, empty_record
from evenhand.execution.inline import run_inline
from evenhand.execution.plan import make_plan
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store


def later_version(store, trial, folder):
    """Write a failed record of a trial as a later version of Evenhand would."""
    store.write(empty_record(trial, Execution(), Exit(status="failed", cause="why")))
    file = folder / "main" / trial.key / "record.json"
    file.write_bytes(file.read_bytes().replace(b'"format":1', b'"format":2'))
    return file, file.read_bytes()


def test_a_record_of_a_later_version_is_refused_before_anything_trains(suite_of, tmp_path):
    suite, store = suite_of("erm", "la", seeds=1), Store.open(tmp_path)
    first, _ = suite.trials.values()
    file, before = later_version(store, first, tmp_path)
    events = []
    with pytest.raises(StoreError, match="is of a later version of Evenhand: its format is 2") as e:
        api.run(suite, store, inline=True, on_event=events.append)
    assert str(file) in str(e.value)
    assert str(e.value).endswith("upgrade Evenhand, or use another edition: --edition NAME")
    assert events == []
    assert file.read_bytes() == before
    assert [blocked.trial for blocked in make_plan(suite, store).blocked] == [first]


def test_a_record_of_a_later_version_in_no_trial_of_the_suite_is_none_of_its_business(
    suite_of, tmp_path
):
    store = Store.open(tmp_path)
    [stranger] = suite_of("vs", seeds=1).trials.values()
    later_version(store, stranger, tmp_path)
    after = api.run(suite_of("erm", seeds=1), store, inline=True)
    assert len(after.done) == 1
    assert [fault.kind for fault in after.faults] == ["newer"]


def test_a_trial_whose_record_has_no_place_is_blocked_and_the_others_run(suite_of, tmp_path):
    suite, store = suite_of("erm", "la", "{tau_norm: {tau: 0}}", seeds=1), Store.open(tmp_path)
    erm = next(t for t in suite.trials.values() if t.method.name == "erm" and not t.posthoc)
    # A file in the place of its folder, and the trial that reads from it.
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / erm.key).write_text("mine")
    trained = []
    after = api.run(
        suite, store, inline=True, on_event=lambda e: trained.append(e) if e.epochs else None
    )
    assert [trial.method.name for trial in after.done] == ["la"]
    assert {event.key for event in trained} == {after.done[0].key}
    assert {blocked.trial.key for blocked in after.blocked} == suite.trials.keys() - {
        after.done[0].key
    }
    assert all("not the folder of a record" in blocked.cause for blocked in after.blocked)


def test_a_folder_in_which_nothing_can_be_written_is_found_before_the_training(
    suite_of, tmp_path, monkeypatch
):
    suite, store = suite_of("erm", "la", seeds=1), Store.open(tmp_path)
    first, second = suite.trials.values()
    monkeypatch.setattr(Store, "unwritable", lambda self, keys: {first.key: "permission denied"})
    after = api.run(suite, store, inline=True)
    assert [trial.key for trial in after.done] == [second.key]
    [blocked] = after.blocked
    assert (blocked.trial.key, blocked.cause, blocked.parent) == (
        first.key,
        "permission denied",
        "",
    )


@pytest.mark.parametrize("pack", [1, 2])
def test_a_record_that_cannot_be_written_in_the_end_does_not_end_the_run(suite_of, tmp_path, pack):
    suite = suite_of("erm", "la", seeds=1)
    first, second = suite.trials.values()

    class Refusing(Store):
        def write(self, record, attachments=(), tell=None):
            if record.key == first.key:
                raise Unwritable("permission denied")
            return super().write(record, dict(attachments))

    store, starts = Refusing.open(tmp_path), []
    tracker = RunTracker(lambda event: starts.append(event.key) if event.epochs else None)
    plan = make_plan(suite, store)
    after = run_plan(plan, Execution(pack=pack), store, tracker, run_inline)
    assert [trial.key for trial in after.done] == [second.key]
    assert [(b.trial.key, b.cause) for b in after.blocked] == [(first.key, "permission denied")]
    assert tracker.starts == {first.key: 1, second.key: 1}


def test_a_store_that_can_take_no_record_ends_the_run(suite_of, tmp_path):
    class Full(Store):
        def write(self, record, attachments=(), tell=None):
            raise StoreError("no space left on device")

    store = Full.open(tmp_path)
    plan = make_plan(suite_of("erm", "la", seeds=1), store)
    with pytest.raises(StoreError, match="no space left"):
        run_plan(plan, Execution(), store, RunTracker(lambda _: None), run_inline)
