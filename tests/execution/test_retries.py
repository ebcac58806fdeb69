from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest
import torch

import evenhand
from evenhand.cli.display import Tally
from evenhand.declared.record import Exit
from evenhand.errors import BackboneError, EndedEarly
from evenhand.execution.claims import Claim, Claimant, claim
from evenhand.execution.events import Event, ended_event, started_event
from evenhand.execution.execute import STOPPED, Execution, empty_record, run_trial
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import make_packs, run_claimed
from evenhand.execution.places import RunPlace
from evenhand.execution.plan import make_plan
from evenhand.execution.preflight import check_networks
from evenhand.execution.raised import is_out_of_gpu_memory
from evenhand.execution.retries import LOST, MAX_STARTS, RunTracker, run_plan
from evenhand.execution.rounds import IN_VAIN, OutOfMemory, Rounds
from evenhand.execution.saving import resumable
from evenhand.execution.usage import Granted
from evenhand.store import Store
from evenhand.store.leases import Lease
from evenhand.store.process import Process
from evenhand.suite.resolve import open_suite


def evaluations(store: Store) -> dict[str, str]:
    return {r.key: r.model_dump_json(include={"evaluations", "curves"}) for r in store.records()}


def test_a_run_leaves_one_record_a_trial_and_a_second_run_has_nothing_to_do(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la")

    after = run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), run_inline)

    assert len(after.done) == len(suite.trials) == 4
    assert not after.missing
    assert not after.failed
    assert not make_plan(suite, store).missing


def test_one_seed_more_runs_exactly_the_new_trials(suite_of, tmp_path):
    store, events = Store.open(tmp_path / "r"), []
    run_plan(
        make_plan(suite_of("erm", "la"), store), Execution(), store, RunTracker(print), run_inline
    )

    longer = suite_of("erm", "la", seeds=3)
    run_plan(make_plan(longer, store), Execution(), store, RunTracker(events.append), run_inline)

    started_seeds = [e.trial for e in events if e.kind == "started"]
    assert len(started_seeds) == 2
    assert all(text.endswith("seed 2") for text in started_seeds)


def test_records_are_equal_in_any_order_even_after_a_trial_that_changes_its_process(
    suite_of, tmp_path
):
    suite = suite_of("erm", "pollutes", "la", "diverges")
    trials = list(suite.trials.values())
    forward, backward = Store.open(tmp_path / "f"), Store.open(tmp_path / "b")

    run_inline(trials, Execution(), forward, print)
    run_inline(trials[::-1], Execution(), backward, print)

    assert len(evaluations(forward)) == 8
    assert evaluations(forward) == evaluations(backward)


def test_what_a_method_raises_becomes_a_record_that_says_so(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "raises", "diverges", seeds=1)

    after = run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), run_inline)

    by_method = {r.trial.method.name: r for r in store.records()}
    assert (len(after.done), len(after.failed), len(after.missing)) == (1, 2, 0)
    assert by_method["raises"].exit.cause == "RuntimeError: a method of somebody's own fails"
    assert "in bind" in by_method["raises"].exit.traceback
    assert by_method["diverges"].exit.status == "diverged"
    assert by_method["diverges"].exit.step == 1


def test_failed_trials_run_again_only_when_asked(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("raises", seeds=1)
    run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), run_inline)

    assert not make_plan(suite, store).missing
    again = make_plan(suite, store, retry_failed=True)
    assert len(again.missing) == 1
    run_plan(again, Execution(), store, RunTracker(print), run_inline)
    assert store.records()[0].attempts == 2


def test_a_runner_that_comes_back_early_is_called_again(suite_of, tmp_path):
    store, suite, calls = Store.open(tmp_path / "r"), suite_of("erm", "la", seeds=1), []

    def one_at_a_time(trials, execution, store, sink):
        calls.append(len(trials))
        run_trial(trials[0], execution, store, sink)

    after = run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), one_at_a_time)

    assert calls == [2, 1]
    assert len(after.done) == 2


def test_a_trial_whose_process_always_dies_is_given_up_and_recorded(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=1)

    def dies(trials, execution, store, sink):
        for trial in trials:
            sink(started_event(trial))

    watch = RunTracker(print)
    after = run_plan(make_plan(suite, store), Execution(), store, watch, dies)

    [record] = store.records()
    assert len(after.failed) == 1
    assert record.exit.cause == LOST
    assert sum(watch.starts.values()) == MAX_STARTS


def test_a_runner_that_ends_early_goes_on_while_it_gets_anywhere(suite_of, tmp_path):
    # More trials than rounds may end in vain.
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", seeds=2)

    def out_of_memory(trials, execution, store, sink):
        run_trial(trials[0], execution, store, sink)
        raise EndedEarly("a worker was killed")

    after = run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), out_of_memory)
    assert len(after.done) == 4 > IN_VAIN


def test_an_end_whose_event_was_lost_is_told_from_the_store(suite_of, tmp_path):
    store, suite, events = Store.open(tmp_path / "r"), suite_of("erm", "raises"), []

    def deaf(trials, execution, store, sink):
        run_inline(trials, execution, store, lambda _: None)

    tracker = RunTracker(events.append)
    run_plan(make_plan(suite, store), Execution(), store, tracker, deaf)
    assert sorted(e.key for e in events if e.kind == "ended") == sorted(suite.trials)
    assert tracker.failures == 2


def test_a_runner_that_starts_nothing_says_why(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=1)

    def broken(*_):
        raise EndedEarly("no room for a worker")

    with pytest.raises(EndedEarly, match="no room"):
        run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), broken)


def test_rounds_that_do_nothing_end_with_what_to_do(suite_of, tmp_path):
    store, suite, calls = Store.open(tmp_path / "r"), suite_of("erm", "la", seeds=1), []

    def idle(*_):
        calls.append(None)
        assert len(calls) < 20

    with pytest.raises(EndedEarly, match=r"2 trials did not run: .* in a row .*\n.*\n.* to resume"):
        run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), idle)
    assert len(calls) == IN_VAIN


@pytest.mark.parametrize("sign", ["held", "lease"])
def test_a_round_in_which_something_happens_to_a_trial_is_not_in_vain(suite_of, tmp_path, sign):
    store, calls = Store.open(tmp_path / "r"), []
    suite = suite_of("erm", seeds=1)

    def slow(trials, execution, store, sink):
        """A trial is held by another run, or begins and takes its event with it when it is lost."""
        calls.append(None)
        if len(calls) > IN_VAIN + 1:
            run_inline(trials, execution, store, sink)
        elif sign == "held":
            sink(Event("held", trials[0].key))
        else:
            before = store.leases.of(trials[0].key)
            lease = execution.claimant.lease(trials[0].key)
            store.leases.take(lease.model_copy(update={"lost_nodes": len(calls)}), over=before)

    after = run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), slow)
    assert len(after.done) == 1


def test_a_trial_whose_whole_node_was_lost_runs_again(suite_of, tmp_path):
    store, suite, whole = Store.open(tmp_path / "r"), suite_of("erm", seeds=1), []

    def small_nodes(trials, execution, store, sink):
        whole.append(execution.whole_node)
        if len(whole) > 2:
            run_inline(trials, execution, store, sink)
            return
        sink(started_event(trials[0]))
        if not execution.whole_node:
            raise OutOfMemory("a node ran out of memory", actor="", memory="")

    after = run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), small_nodes)
    assert len(after.done) == 1
    assert whole == [False, True, False]


def test_ctrl_c_keeps_what_is_done_and_marks_what_ran(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", "vs", seeds=1)

    def interrupt_at_the_second(event: Event) -> None:
        if event.kind == "progress" and event.trial.startswith("la"):
            raise KeyboardInterrupt

    plan = make_plan(suite, store)
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, Execution(), store, RunTracker(interrupt_at_the_second), run_inline)

    by_method = {r.trial.method.name: r.exit.status for r in store.records()}
    assert by_method == {"erm": "done", "la": "interrupted"}
    rest = make_plan(suite, store)
    assert [t.method.name for t in rest.missing] == ["la", "vs"]
    after = run_plan(rest, Execution(), store, RunTracker(print), run_inline)
    assert len(after.done) == 3


def test_a_record_that_was_written_while_stopping_wins_over_the_mark(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=1)

    def finishes_unseen(trials, execution, store, sink):
        sink(started_event(trials[0]))
        store.write(empty_record(trials[0], execution, Exit(status="done")))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), finishes_unseen)

    assert [r.exit.status for r in store.records()] == ["done"]


def test_more_failures_than_allowed_stop_the_run(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("raises", "erm", seeds=3)

    watch = RunTracker(print, max_failures=1)
    with pytest.raises(KeyboardInterrupt):
        run_plan(make_plan(suite, store), Execution(), store, watch, run_inline)

    assert watch.too_many_failures
    assert watch.failures == 2


def test_every_running_trial_is_marked_when_failures_stop_the_run(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", "vs", seeds=2)

    def many_at_once(trials, execution, store, sink):
        for trial in trials:
            sink(started_event(trial))
        failed = empty_record(trials[0], execution, Exit(status="failed", cause="why"))
        store.write(failed)
        sink(ended_event(failed))
        # Where a real runner would be waiting for its workers.
        time.sleep(1)

    watch = RunTracker(print, max_failures=0)
    with pytest.raises(KeyboardInterrupt):
        run_plan(make_plan(suite, store), Execution(), store, watch, many_at_once)

    statuses = sorted(record.exit.status for record in store.records())
    assert statuses == ["failed"] + ["interrupted"] * 5


def test_trials_that_never_got_a_turn_are_told_with_the_reason(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", "vs", seeds=2)

    def starts_and_ends(trials, execution, store, sink):
        sink(started_event(trials[0]))
        raise EndedEarly("the cluster is too busy")

    with pytest.raises(EndedEarly, match="6 trials did not run: the cluster is too busy"):
        run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), starts_and_ends)


def test_a_trial_that_takes_all_memory_runs_once_more_alone_and_the_others_go_on(
    suite_of, tmp_path
):
    store, suite, notes, alone = Store.open(tmp_path / "r"), suite_of("erm", "la", "vs"), [], []
    greedy = next(key for key, trial in suite.trials.items() if trial.method.name == "la")

    def killed_by_the_memory_monitor(trials, execution, store, sink):
        alone.extend([trial.key for trial in trials] if execution.whole_node else [])
        for trial in trials:
            claimant = replace(execution.claimant, actor=trial.key)
            if trial.key == greedy:
                sink(started_event(trial))
                store.leases.take(claimant.lease(trial.key))
                raise OutOfMemory("killed", actor=greedy, memory="15 GB / 16 GB")
            run_claimed(trial, replace(execution, claimant=claimant), store, sink)

    tracker = RunTracker(lambda event: notes.append(event.cause) if event.kind == "note" else None)
    plan = make_plan(suite, store)
    after = run_plan(plan, Execution(), store, tracker, killed_by_the_memory_monitor)

    assert len(after.done) == 5
    assert alone == [greedy]
    assert store.read(greedy).exit.cause == (
        "ran out of memory, with a whole node to itself (15 GB / 16 GB)"
    )
    assert [note for note in notes if "alone on a node" in note]
    assert not store.leases.all()


def on_shares(trials, execution, store, sink):
    """Give each trial a quarter of a GPU, and a whole one to those that need it."""
    for trial in trials:
        share = 1.0 if trial.key in execution.whole_gpu else 0.25
        run_claimed(trial, replace(execution, gpu_fraction=share), store, sink)


def test_a_trial_that_needs_more_than_its_share_of_a_gpu_runs_again_on_a_whole_one(
    suite_of, tmp_path, monkeypatch
):
    store, suite, events, shares = Store.open(tmp_path / "r"), suite_of("erm", "la"), [], []

    def device_of(*, gpu_fraction, **_):
        shares.append(gpu_fraction)
        if len(shares) == 2:
            # As torch raises it, also where a method raises an error of its own after it.
            try:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            except RuntimeError as error:
                raise ValueError("no loss") from error
        return torch.device("cpu")

    monkeypatch.setattr("evenhand.execution.execute.device_of", device_of)
    tracker = RunTracker(events.append, max_failures=0)
    after = run_plan(make_plan(suite, store), Execution(), store, tracker, on_shares)

    assert shares == [0.25] * 4 + [1.0]
    assert (len(after.done), {r.attempts for r in store.records()}) == (4, {1})
    [again] = [event for event in events if event.kind == "again"]
    [note] = [event.cause for event in events if event.kind == "note"]
    assert note == (
        f"{again.trial} ran out of the memory of its share of a GPU (0.25); "
        "it runs again on a whole GPU"
    )
    assert tracker.running == {}
    assert not store.leases.all()


def test_starts_on_its_share_of_a_gpu_do_not_count_against_a_trial_on_a_whole_one():
    tracker = RunTracker(lambda _: None)
    for kind in ("started", "started", "started", "again"):
        tracker(Event(kind, "a", "erm"))
    assert tracker.starts["a"] < MAX_STARTS


def test_a_trial_of_a_pack_that_ran_out_of_gpu_memory_runs_alone(suite_of, tmp_path, monkeypatch):
    store, suite, events, sizes = Store.open(tmp_path / "r"), suite_of("erm", "la"), [], []

    def in_packs(trials, execution, store, sink):
        sizes.extend(len(p) for p in make_packs(trials, 4, alone=execution.alone))
        run_inline(trials, execution, store, sink)

    def device_of(**_):
        if not events or not any(event.kind == "again" for event in events):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return torch.device("cpu")

    monkeypatch.setattr("evenhand.execution.execute.device_of", device_of)
    execution = Execution(pack=4)
    after = run_plan(make_plan(suite, store), execution, store, RunTracker(events.append), in_packs)

    assert len(after.done) == 4
    assert sizes[0] == 4
    assert set(sizes[1:]) == {1}
    [note, *_] = [event.cause for event in events if event.kind == "note"]
    assert "ran out of the memory of its share of a GPU (0.25)" in note


def test_a_trial_that_needs_more_than_a_whole_gpu_fails_with_that_cause(suite_of, tmp_path):
    store, suite, events = Store.open(tmp_path / "r"), suite_of("takes_all_gpu_memory", seeds=1), []
    tracker = RunTracker(events.append)
    run_plan(make_plan(suite, store), Execution(), store, tracker, on_shares)

    [record] = store.records()
    assert record.exit.cause == (
        "ran out of the memory of a whole GPU: "
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    )
    assert [event.kind for event in events].count("started") == 2


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("CUDA out of memory"), False),
        (MemoryError(), False),
    ],
)
def test_errors_of_gpu_memory_are_told_from_others(error, is_memory):
    assert is_out_of_gpu_memory(error) is is_memory


def test_two_runs_share_the_trials_of_one_store(suite_of, tmp_path):
    suite, root = suite_of("erm", "la", "vs", seeds=4), tmp_path / "r"
    events: list[Event] = []

    def drive():
        store = Store.open(root)
        run_plan(make_plan(suite, store), Execution(), store, RunTracker(events.append), run_inline)

    drivers = [threading.Thread(target=drive) for _ in range(3)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()

    started = Counter(event.key for event in events if event.kind == "started")
    assert started == dict.fromkeys(suite.trials, 1)
    assert {r.attempts for r in Store.open(root).records()} == {1}
    assert not Store.open(root).leases.all()


def test_a_trial_of_a_run_that_gives_no_sign_of_life_is_taken_over(suite_of, tmp_path, monkeypatch):
    store, suite, notes = Store.open(tmp_path / "r"), suite_of("erm", seeds=1), []
    monkeypatch.setattr("evenhand.execution.rounds.LOOK_SECONDS", 0.05)
    [key] = suite.trials
    elsewhere = Process(host="node7", machine="another", pid=12)
    store.leases.take(Lease(key=key, run="other", user="kim", process=elsewhere))
    rounds = Rounds(Execution(), store, RunTracker(notes.append), run_inline)
    rounds.watch.seconds = 0.2
    rounds.run(list(suite.trials.values()))

    assert "1 trial is trained by another run (kim@node7, process 12)" in notes[0].cause
    assert store.read(key).exit.status == "done"
    assert not store.leases.all()


def test_a_trial_that_ended_its_process_three_times_is_not_started_again(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=1)
    [key] = suite.trials
    gone = Process.this().model_copy(update={"started": "1"})
    left = Lease(key=key, run="other", process=gone, starts=MAX_STARTS)
    store.leases.take(left)
    run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), run_inline)
    assert store.read(key).exit.cause == LOST

    # One that had saved its state, and one whose nodes were lost, go on.
    for before, is_lost in ((left.model_copy(update={"starts": 0}), False), (left, True)):
        store.leases.take(before)
        claimant = replace(Claimant(), is_lost=lambda _, is_lost=is_lost: is_lost)
        found = claim(key, claimant, store.leases)
        assert isinstance(found, Claim)
        store.leases.release(found.lease)


def test_a_lease_that_was_not_given_back_after_its_record_holds_nobody_up(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=2)
    first, second = suite.trials.values()
    run_inline([first], Execution(), store, print)
    elsewhere = Lease(key=first.key, run="killed", process=Process(host="n2", pid=7), attempt=1)
    store.leases.take(elsewhere)
    # The next attempt takes it over at once, and its start is the first one.
    found = claim(first.key, Claimant(), store.leases, attempts=1)
    assert isinstance(found, Claim)
    assert (found.lease.attempt, found.lease.starts) == (2, 1)
    store.leases.release(found.lease)

    # A run removes it, and leaves those whose record is still to come.
    store.leases.take(elsewhere)
    others = Lease(key="0a" * 16, run="other", process=Process(host="n2", pid=8), attempt=1)
    store.leases.take(others)
    run_plan(make_plan(suite, store), Execution(), store, RunTracker(print), run_inline)
    assert store.read(second.key).exit.status == "done"
    assert list(store.leases.all()) == [others.key]


def test_events_that_come_after_the_end_of_a_trial_change_nothing():
    seen: list[Event] = []
    tally = Tally("quick", 2)
    tracker = RunTracker(lambda event: (seen.append(event), tally.see(event)))
    tracker(Event("started", "a", epochs=1))
    tracker(Event("ended", "a", status="done"))
    for late in (Event("started", "a"), Event("progress", "a", epoch=1), Event("ended", "a")):
        tracker(late)
    # A trial that another process has taken over runs here no more.
    tracker(Event("started", "b", epochs=1))
    tracker(Event("held", "b"))
    assert (tally.done, tally.running, tracker.running) == (1, {}, {})
    assert [event.kind for event in seen] == ["started", "ended", "started", "held"]


def test_a_store_that_is_away_at_a_stop_leaves_the_stop(suite_of, tmp_path):
    store, suite, seen = Store.open(tmp_path / "r"), suite_of("erm", seeds=1), []

    def stopped(trials, execution, store, sink):
        sink(Event("started", trials[0].key))
        shutil.rmtree(tmp_path / "r")
        raise KeyboardInterrupt

    plan = make_plan(suite, store)
    store.check_writable()
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, Execution(), store, RunTracker(seen.append), stopped)
    assert "not the results folder that the run began with" in seen[-1].cause


def test_a_saved_state_ends_the_count_of_starts_and_of_lost_nodes(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    [trial] = suite_of("erm", seeds=1).trials.values()
    gone = Process.this().model_copy(update={"started": "1"})
    store.leases.take(Lease(key=trial.key, run="other", process=gone, starts=2, lost_nodes=2))
    found = claim(trial.key, Claimant(), store.leases)
    assert isinstance(found, Claim)

    resumable(trial, {}, 0.0, store, print, claim=found).write(b"state")

    lease = store.leases.of(trial.key)
    assert (lease.starts, lease.lost_nodes) == (0, 0)
    assert store.load_state(trial.key) == b"state"


def test_a_network_that_does_not_fit_is_refused_before_any_trial(suite_file):
    path = suite_file("erm", seeds=1)
    for backbone, said in (
        ("{timm: {model: resnett18}}", "resnet18"),
        ("{timm: {model: vit_tiny_patch16_224}}", "4"),
    ):
        text = path.read_text().replace(
            "recipe: quick", f"recipe: {{quick: {{backbone: {backbone}}}}}"
        )
        path.with_name("other.yaml").write_text(text)
        suite = open_suite(str(path.with_name("other.yaml")))
        with pytest.raises(BackboneError, match=rf"^erm on blobs-exp-4-n40: (.|\n)*{said}"):
            check_networks(suite, list(suite.trials.values()), {})


def test_a_diverged_trial_keeps_what_it_had(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("diverges", seeds=1)
    run_inline(list(suite.trials.values()), Execution(), store, print)

    [record] = store.records()
    assert record.cost.parameters == 4 * 4 * 3 + 3
    assert record.cost.peak_memory_gib is not None
    assert record.evaluations == ()


def test_events_are_plain_data(suite_of):
    [trial] = suite_of("erm", seeds=1).trials.values()

    assert started_event(trial).as_json() == {
        "kind": "started",
        "key": trial.key,
        "trial": "erm on blobs-exp-4-n40, seed 0",
        "epochs": 3,
    }
    record = empty_record(trial, Execution(), Exit(status="failed", cause="why"))
    assert ended_event(record).as_json()["cause"] == "why"


def test_interrupted_trials_have_their_record_before_the_cluster_is_left(
    suite_of, tmp_path, monkeypatch
):
    suite, store, left = suite_of("erm", "la", seeds=1), Store.open(tmp_path), []

    def interrupted(trials, execution, store, sink):
        for trial in trials:
            sink(started_event(trial))
        # The process of one trial has written the record, and its event is lost.
        end = Exit(status="interrupted", cause="by its own process")
        store.write(empty_record(trials[0], execution, end), {})
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def connected(*_):
        try:
            yield RunPlace(interrupted, 1, Granted())
        finally:
            left.extend((r.exit.status, r.exit.cause) for r in store.records())

    monkeypatch.setattr("evenhand.execution.start._run_place", connected)
    with pytest.raises(KeyboardInterrupt):
        evenhand.run(suite, store)
    causes = {"by its own process", STOPPED}
    assert sorted(left) == sorted(("interrupted", cause) for cause in causes)
    assert sorted((r.exit.status, r.exit.cause) for r in store.records()) == sorted(left)
