"""One trial from its spec to its record, whatever becomes of it."""

from __future__ import annotations

import io
import math
import os
from itertools import count
from types import SimpleNamespace

import pytest
import torch

from evenhand.declared.record import Exit
from evenhand.errors import DataError
from evenhand.execution import preflight
from evenhand.execution.execute import Execution, run_trial
from evenhand.execution.preflight import load_data, source_key
from evenhand.store import Store
from evenhand.train.resume import Resumable
from tests.train.trials import SOURCE, make
from tests.train.trials import run as train_undisturbed

RECORDS = {"done", "failed", "diverged", "interrupted"}


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "results")


def execution(trial, **fields):
    return Execution(sources={source_key(trial.problem.dataset): SOURCE}, **fields)


def run(trial, store, **fields):
    """The record that is in the store, and the events that were told."""
    events = []
    record = run_trial(trial, execution(trial, **fields), store, events.append)
    kept = store.read(trial.key)
    assert kept == record
    assert record.exit.status in RECORDS
    assert math.isfinite(record.cost.seconds)
    assert record.cost.seconds > 0
    assert record.provenance.started <= record.provenance.finished
    assert [e.kind for e in events][:: len(events) - 1] == ["started", "ended"]
    assert events[-1].status == record.exit.status
    return record, events


def test_a_trial_that_ends_well_leaves_everything(store):
    trial = make(epochs=3)
    record, events = run(trial, store, suite="small", command="evenhand run small", threads=1)
    assert record.exit == Exit(status="done")
    assert len(record.evaluations) == 5
    assert record.curves["epoch"] == [1, 2, 3]
    assert record.data.classes == SOURCE.classes
    assert record.data.train_counts.shape == (4, 2)
    assert record.attempts == 1
    assert record.cost.train_seconds < record.cost.seconds
    assert (record.provenance.suite, record.provenance.command) == ("small", "evenhand run small")
    assert record.provenance.versions["torch"]
    assert next(e.epoch for e in events if e.kind == "progress") == 1


def test_a_trial_that_diverges_says_at_which_step(store):
    record, _ = run(make(lr=1e38), store)
    assert (record.exit.status, record.exit.step, record.exit.epoch) == ("diverged", 2, 1)
    assert "step 2, epoch 1" in record.exit.cause
    assert not record.evaluations
    assert not record.curves
    assert record.data.fingerprint


def test_a_trial_that_raises_keeps_its_traceback(store, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("made up")

    monkeypatch.setattr("evenhand.train.initial_state.bind", fail)
    record, _ = run(make(), store)
    assert record.exit.status == "failed"
    assert record.exit.cause == "ZeroDivisionError: made up"
    assert "in begin" in record.exit.traceback


class MuteError(Exception):
    """An error whose message cannot be made."""

    def __str__(self):
        raise RuntimeError("no text")


class MuteRuntimeError(MuteError, RuntimeError):
    """The same, of the class of CUDA's errors."""


def in_a_circle():
    """An error that is the cause of its own cause."""
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    return first


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (SystemExit(0), "SystemExit: 0"),
        (GeneratorExit(), "GeneratorExit: "),
        (MuteError(), "MuteError, whose message cannot be made: RuntimeError"),
        (MuteRuntimeError(), "MuteRuntimeError, whose message cannot be made: RuntimeError"),
        (in_a_circle(), "RuntimeError: first"),
        (ValueError("half a pair \ud800"), "ValueError: half a pair �"),
    ],
)
def test_whatever_a_trial_raises_is_its_record(store, monkeypatch, error, cause):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("evenhand.train.initial_state.bind", fail)
    record, _ = run(make(), store)
    assert (record.exit.status, record.exit.cause) == ("failed", cause)
    assert "in begin" in record.exit.traceback


def test_a_long_message_leaves_a_short_record_that_has_its_lines(store, monkeypatch):
    def fail(*_, **__):
        raise ValueError("x" * 1_000_000)

    monkeypatch.setattr("evenhand.train.initial_state.bind", fail)
    record, _ = run(make(), store)
    assert len(record.exit.cause) < 2_100
    assert "in begin" in record.exit.traceback
    assert len(record.exit.traceback) < 110_000


def test_a_mistake_of_the_user_needs_no_traceback(store):
    record, _ = run(make(ratio=1000), store)
    assert record.exit.status == "failed"
    assert record.exit.cause.startswith("made up-exp-1000: class c ")
    assert not record.exit.traceback


def test_the_cost_of_a_trial_has_no_time_in_which_its_process_was_stopped(store, monkeypatch):
    ticks = count(1)
    stopped = SimpleNamespace(seconds=lambda: next(ticks) * 1e-6)
    monkeypatch.setattr("evenhand.train.clock._clock", lambda: stopped)
    states = []
    monkeypatch.setattr(Store, "save_state", lambda _, __, content: states.append(content))
    record, _ = run(make(), store, save_every=0.0)
    cost = record.cost
    assert 0 < cost.train_seconds + cost.eval_seconds < cost.seconds < 0.01
    state = torch.load(io.BytesIO(states[-1]), weights_only=True)
    assert 0 < state["seconds"] < 0.01


def test_a_granted_gpu_without_cuda_is_not_replaced_by_the_cpu(store, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    record, _ = run(make(), store, needs_gpu=True)
    assert record.exit.status == "failed"
    assert "Ray granted a GPU on" in record.exit.cause
    assert "CUDA does not work there" in record.exit.cause
    assert not record.evaluations


def test_a_trial_that_takes_too_long_failed(store):
    record, _ = run(make(epochs=10_000), store, time_limit=0.01)
    assert record.exit.status == "failed"
    assert "0.01 s" in record.exit.cause
    assert record.cost.seconds < 30


def test_a_trial_that_was_granted_a_gpu_never_trains_on_a_cpu(store, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    record, _ = run(make(), store, needs_gpu=True)
    assert record.exit.status == "failed"
    assert record.exit.cause.startswith("Ray granted a GPU on ")
    assert "nvidia-smi" in record.exit.cause


def test_an_interrupt_is_recorded_and_goes_on(store, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("evenhand.train.engine.train_epoch", interrupt)
    trial, events = make(), []
    with pytest.raises(KeyboardInterrupt):
        run_trial(trial, execution(trial), store, events.append)
    record = store.read(trial.key)
    assert (record.exit.status, record.exit.cause) == ("interrupted", "the run was stopped")
    assert math.isfinite(record.cost.seconds)
    assert events[-1].kind == "ended"


def test_a_damaged_state_is_named_and_the_trial_begins_anew(store, tmp_path):
    whole, _ = run(make(epochs=3, batch=32), Store.open(tmp_path / "other"))
    trial, contents = make(epochs=3, batch=32), []
    saving = Resumable(write=contents.append, least_seconds=0)
    train_undisturbed(trial, saved=saving)
    store.save_state(trial.key, contents[-1])
    state = tmp_path / "results" / "main" / trial.key / "state.pt"
    flipped = bytearray(state.read_bytes())
    flipped[len(flipped) // 2] ^= 4
    state.write_bytes(flipped)

    record, events = run(trial, store)

    [note] = [event for event in events if event.kind == "note"]
    assert f"{trial.key}/state.pt: it is damaged" in note.cause
    assert note.cause.endswith("its checksum does not fit; the trial begins anew")
    assert record.provenance.resumed_after_epoch is None
    assert record.evaluations == whole.evaluations
    assert not state.exists()


def test_a_record_that_another_run_has_finished_stays(store):
    trial = make()
    first, _ = run(trial, store, suite="first")
    second, events = run(trial, store, suite="second")
    assert second == first
    assert second.provenance.suite == "first"
    assert events[-1].status == "done"


def test_attempts_count_those_before(store):
    trial = make()
    assert run(trial, store, attempts={trial.key: 2})[0].attempts == 3


def test_trials_after_a_diverged_one_are_as_if_it_had_not_been(store):
    trial = make(seed=1)
    first, _ = run(trial, store)
    run(make(lr=1e38), store)
    again, _ = run(trial, store, attempts={trial.key: 1})
    assert again.attempts == 2
    assert again.evaluations == first.evaluations
    assert again.curves == first.curves
    assert again.data == first.data


def test_sources_are_loaded_once_and_every_problem_is_tried(monkeypatch):
    loaded = []

    def load(problem):
        loaded.append(problem.name)
        return SOURCE

    monkeypatch.setattr(preflight, "load_source", load)
    problems = [make(ratio=r).problem for r in (2, 4, 8)]
    assert list(load_data(problems, [0]).sources) == [source_key(problems[0].dataset)]
    assert len(loaded) == 1
    with pytest.raises(DataError, match="-exp-1000: class c "):
        load_data([make(ratio=1000).problem], [0])


def test_a_record_names_the_process_it_was_made_in(store):
    record, _ = run(make(), store)
    assert record.provenance.host == os.uname().nodename
    assert record.provenance.device in ("cpu", "cuda")
