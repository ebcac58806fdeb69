"""Trials that share a process leave the records of trials that do not."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from evenhand.declared.base import Part
from evenhand.errors import StoreError
from evenhand.execution import packs
from evenhand.execution.events import started_event
from evenhand.execution.execute import Execution, run_trial
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import make_packs, run_pack
from evenhand.execution.plan import make_plan
from evenhand.execution.preflight import load_data
from evenhand.execution.ray_tune import on_ray
from evenhand.execution.resources import Resources
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store
from tests.execution.test_execute import execution
from tests.train.trials import RESNET, make

FIELDS = {"evaluations", "curves", "data", "exit"}


def left(store, **fields):
    return {r.key: r.model_dump_json(include=FIELDS, **fields) for r in store.records()}


def test_like_trials_are_packed_in_their_order():
    quick = [make(name, seed=s) for name in ("erm", "vs") for s in (0, 1)]
    long = [make(seed=s, epochs=9) for s in (0, 1)]
    mixed = [quick[0], long[0], *quick[1:], long[1]]
    assert make_packs(mixed, 1) == [(trial,) for trial in mixed]
    assert make_packs(mixed, 3) == [tuple(quick[:3]), tuple(long), (quick[3],)]


def test_what_may_draw_numbers_shares_its_process_with_none():
    timm = Part(name="timm", settings={"model": "resnet18", "pretrained": False})
    trials = [make(seed=s, backbone=timm) for s in range(3)]
    assert [len(pack) for pack in make_packs(trials, 3)] == [1, 1, 1]
    ours = [make(seed=s) for s in range(3)]
    of_plugin = {"method": ours[0].method.model_copy(update={"code": "0f"})}
    assert [len(p) for p in make_packs([t.model_copy(update=of_plugin) for t in ours], 3)] == [
        1,
        1,
        1,
    ]
    assert [len(p) for p in make_packs(ours, 3, alone={ours[1].key})] == [2, 1]


@pytest.mark.parametrize(
    "fields", [RESNET, RESNET | {"deterministic": True, "sam": [0.1]}], ids=len
)
def test_a_pack_leaves_what_single_trials_leave(tmp_path, fields):
    trials = [make(n, seed=s, epochs=4, **fields) for n in ("erm", "ldam_drw") for s in (0, 1)]
    one_by_one, together = Store.open(tmp_path / "one"), Store.open(tmp_path / "all")
    run_inline(trials, execution(trials[0]), one_by_one, lambda _: None)
    run_inline(trials, execution(trials[0], pack=4), together, lambda _: None)
    assert len(left(together)) == 4
    assert left(together) == left(one_by_one)


def test_a_pack_survives_trials_that_fail(tmp_path):
    pack = (make(), make(lr=1e38), make(ratio=1000))
    run_pack(pack, execution(pack[0]), store := Store.open(tmp_path), lambda _: None)
    ends = {r.key: r.exit.status for r in store.records()}
    assert [ends[t.key] for t in pack] == ["done", "diverged", "failed"]


def test_a_store_that_fails_ends_the_whole_pack(tmp_path):
    class Full(Store):
        def write(self, record, attachments=(), tell=None):
            if record.trial.seed == 0:
                raise StoreError("no space left")
            super().write(record)

    pack = (make(seed=0, epochs=1), make(seed=1, epochs=100_000))
    with pytest.raises(StoreError, match="no space left"):
        run_pack(pack, execution(pack[0]), store := Full.open(tmp_path), lambda _: None)
    assert [r.exit.status for r in store.records()] == ["interrupted"]


def test_a_store_that_fails_is_told_before_the_trials_that_were_interrupted(tmp_path, monkeypatch):
    pack, both = (make(seed=0), make(seed=1)), threading.Barrier(2)

    def ends(trial, *_):
        both.wait(timeout=60)
        raise KeyboardInterrupt if trial == pack[0] else StoreError("no space left")

    monkeypatch.setattr(packs, "run_trial", ends)
    with pytest.raises((StoreError, KeyboardInterrupt), match="no space left"):
        run_pack(pack, execution(pack[0]), Store.open(tmp_path), lambda _: None)


def test_events_of_a_pack_come_one_at_a_time(tmp_path):
    trials = [make(seed=s, epochs=30) for s in range(4)]
    inside, seen = threading.Lock(), []

    def sink(event):
        assert inside.acquire(blocking=False)
        seen.append(event.kind)
        inside.release()

    run_pack(tuple(trials), execution(trials[0]), Store.open(tmp_path), sink)
    assert seen.count("started") == seen.count("ended") == 4


def test_a_pack_that_is_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    trials = tuple(make(seed=s, epochs=60, **RESNET) for s in range(2))
    store, whole = Store.open(tmp_path / "stopped"), Store.open(tmp_path / "whole")
    began = threading.Event()

    def interrupted(futures, **how):
        began.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr("evenhand.execution.packs.wait", interrupted)
    told = execution(trials[0])
    with pytest.raises(KeyboardInterrupt):
        run_pack(trials, told, store, lambda e: began.set() if e.kind == "progress" else None)
    assert {r.exit.status for r in store.records()} == {"interrupted"}
    monkeypatch.undo()

    for place in (store, whole):
        run_pack(trials, told, place, lambda _: None)
    assert left(store) == left(whole)
    assert all(r.provenance.resumed_after_epoch is not None for r in store.records())


def test_trials_that_resume_leave_the_fresh_ones_beside_them_alone(tmp_path):
    """Generators that are put back for one must not feed the weights of another."""
    trials = tuple(make(seed=s, epochs=40, batch=32, **RESNET) for s in range(4))
    told = execution(trials[0], save_every=0.0)
    mixed, whole = Store.open(tmp_path / "mixed"), Store.open(tmp_path / "whole")
    for trial in trials[:2]:
        run_trial(trial, replace(told, time_limit=0.05), mixed, lambda _: None)
    told = replace(told, save_every=60.0)
    again = replace(told, attempts={trial.key: 1 for trial in trials[:2]})
    events = []
    run_pack(trials, again, mixed, events.append)
    run_pack(trials, told, whole, lambda _: None)
    assert left(mixed) == left(whole)
    resumed = [mixed.read(t.key).provenance.resumed_after_epoch is not None for t in trials]
    assert resumed == [True, True, False, False]
    told = {(e.key, e.resumed) for e in events if e.kind == "progress"}
    assert told == {(t.key, mixed.read(t.key).provenance.resumed_after_epoch) for t in trials}


def test_a_stop_ends_every_trial_of_a_pack_with_its_state(tmp_path):
    trials = tuple(make(seed=s, epochs=10**6) for s in (0, 1))
    store, stop, running = Store.open(tmp_path), threading.Event(), set()

    def stop_both(event):
        running.add(event.key)
        if len(running) == len(trials):
            stop.set()

    run_pack(trials, execution(trials[0], stop=stop, time_limit=60.0), store, stop_both)
    assert [r.exit.status for r in store.records()] == ["interrupted"] * 2
    assert all(store.load_state(trial.key) for trial in trials)


def test_a_pack_on_ray_leaves_the_same(tmp_path):
    trials = [make(name, seed=s, **RESNET) for name in ("erm", "vs") for s in range(2)]
    store, inline = Store.open(tmp_path / "ray"), Store.open(tmp_path / "inline")
    told = execution(trials[0], pack=3)
    with on_ray(trials, told, store, print, address=None, resources=Resources(0.5)) as runner:
        runner(trials, told, store, print)
    run_inline(trials, execution(trials[0]), inline, lambda _: None)
    assert left(store) == left(inline)
    assert {r.provenance.pack for r in store.records()} == {3}


def test_what_was_lost_together_is_started_again_alone(suite_of, parts, tmp_path):
    suite, store = suite_of("erm", seeds=4), Store.open(tmp_path)
    problems = [configuration.problem for configuration in suite.configurations]
    told, rounds = Execution(sources=load_data(problems, [0]).sources, pack=2), []

    def runner(trials, execution, store, sink):
        made = make_packs(trials, execution.pack, alone=execution.alone)
        rounds.append([len(pack) for pack in made])
        for trial in made[0]:
            sink(started_event(trial))
        if len(rounds) > 1:
            run_inline(trials, execution, store, sink)

    run_plan(make_plan(suite, store), told, store, RunTracker(print), runner)
    assert rounds == [[2, 2], [1, 1, 2]]
    assert len(store.records()) == 4


def test_the_gpu_memory_of_a_trial_is_known_where_it_has_the_process_to_itself(
    suite_of, tmp_path, monkeypatch
):
    monkeypatch.setattr("evenhand.train.process.reserved_gpu_memory_gib", lambda _: 3.0)
    [trial] = suite_of("erm", seeds=1).trials.values()
    store, told = Store.open(tmp_path), []
    for size in (1, 2):
        sent = []
        run_trial(trial, Execution(pack=size, attempts={trial.key: size}), store, sent.append)
        told.append(sent[-1].gpu_memory_gib)
        assert store.heads()[trial.key].gpu_memory_gib == told[-1]
    assert told == [3.0, None]


def test_a_signal_that_another_thread_takes_wakes_the_main_thread():
    release = threading.Event()

    def take_the_signal():
        # The main thread waits for this one by now.
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        release.wait(30)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(take_the_signal)
        with pytest.raises(KeyboardInterrupt):
            packs._wait([running])
        assert running.running()
        release.set()
