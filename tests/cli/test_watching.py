"""`evenhand status --watch`: looks at a suite that is run elsewhere, through the store alone."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import time

import pytest

from evenhand.cli.look import Watcher
from evenhand.cli.look_json import as_json
from evenhand.cli.look_screen import screen
from evenhand.cli.visible_console import VisibleConsole
from evenhand.errors import RunError, StoreError
from evenhand.store import Store
from evenhand.store.activity import Activity
from evenhand.store.leases import BEAT_SECONDS, Lease
from evenhand.store.process import Process
from evenhand.suite.resolve import open_suite
from tests.cli.processes import command, start
from tests.cli.test_commands import evenhand
from tests.records import make_record

SUITE = """suite: small
question: Does it run?
problems: [digits: {profile: exp, ratio: 4}]
recipe: {digits: {epochs: 1, schedule: constant}}
seeds: 40
methods: [erm, la]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""
H200 = Activity(
    epoch=12,
    epochs=30,
    seconds=61.0,
    device="NVIDIA H200",
    gpu="GPU-1",
    gpu_use=0.93,
    gpu_memory_gib=60.0,
    gpu_total_gib=140.0,
    cpu_cores=1.0,
    memory_gib=2.0,
)


@pytest.fixture
def trials(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SUITE)
    return list(open_suite("small.yaml").trials.values())


def trained(trial, host="node7", pid=12, activity=H200):
    process = Process(host=host, machine="another", pid=pid)
    return Lease(key=trial.key, run="one", user="kim", process=process, activity=activity)


def finish(store, trials, **fields):
    for trial in trials:
        store.write(make_record(trial=trial, **fields))


def spread(trials):
    """Let a minute be between the times of the records."""
    for i, trial in enumerate(trials):
        os.utime(f"results/main/{trial.key}/record.json", (1e9 + 60 * i, 1e9 + 60 * i))


def watcher(store=None):
    return Watcher(open_suite("small.yaml"), store or Store.open("results"))


def drawn(look, width, height=None):
    console = VisibleConsole(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(screen(look, width, height))
    return captured.get()


def test_a_look_has_the_nodes_with_each_gpu_and_each_process_once(trials):
    store = Store.open("results")
    other = H200.model_copy(update={"gpu": "GPU-2", "gpu_use": 0.5})
    held = [("node7", 1, H200), ("node7", 1, H200), ("node7", 2, other), ("node8", 1, None)]
    for trial, (host, pid, activity) in zip(trials, held, strict=False):
        store.leases.take(trained(trial, host, pid, activity))
    first, second = watcher().look().nodes
    assert (first.host, first.trials, first.devices) == ("node7", 3, ("NVIDIA H200",))
    assert [(gpu.gpu, gpu.gpu_use) for gpu in first.gpus] == [("GPU-1", 0.93), ("GPU-2", 0.5)]
    assert (first.cpu_cores, first.memory_gib) == (2.0, 4.0)
    assert (second.host, second.trials, second.gpus, second.cpu_cores) == ("node8", 1, (), None)


@pytest.mark.parametrize("width", [80, 160])
def test_the_screen_fits_its_width_and_has_every_part(trials, width):
    store = Store.open("results")
    finish(store, trials[:3], seconds=100.0)
    finish(store, trials[3:5], status="failed")
    spread(trials[:5])
    store.leases.take(trained(trials[5]))
    shown = drawn(watcher().look(), width)
    assert max(map(len, shown.splitlines())) <= width
    for part in (
        "small v1  3 of 80 done, 75 missing (1 running), 2 failed",
        "NVIDIA H200",
        "93%",
        "60 of 140 GiB",
        "12/30",
        "61.0 s",
        "node7",
        " left, ",
        "trials an hour",
        make_record(status="failed").exit.cause.partition("\n")[0][:40],
    ):
        assert part in shown, part


@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 24), (80, 12)])
def test_the_screen_fits_its_height_and_counts_what_it_leaves_out(trials, width, height):
    store = Store.open("results")
    for i, trial in enumerate(trials):
        store.leases.take(trained(trial, f"node{i % 20}", i))
    lines = drawn(watcher().look(), width, height).rstrip().splitlines()
    assert len(lines) <= height
    assert any("more" in line for line in lines)


def test_a_lease_whose_beats_stand_still_is_shown_as_silent_and_not_as_running(trials, monkeypatch):
    store, now = Store.open("results"), [1000.0]
    moving = store.leases.take(trained(trials[0]))
    store.leases.take(trained(trials[1]))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watching = watcher()
    for _ in range(8):
        look = watching.look()
        moving = store.leases.beat(moving)
        now[0] += BEAT_SECONDS
    assert look.silent == {trials[1].key}
    assert [row.running for row in look.rows] == [1, 0]
    assert "node7: no sign of life" in drawn(look, 80)


def test_a_trial_that_has_just_ended_leaves_its_slot_in_the_forecast(trials):
    store = Store.open("results")
    finish(store, trials[:2], seconds=100.0)
    held = [store.leases.take(trained(trial, pid=i)) for i, trial in enumerate(trials[2:4])]
    watching = watcher()
    before = watching.look().left
    store.leases.release(held[0])
    assert watching.look().left.high < 1.1 * before.high
    assert watching.look().left.high > 1.5 * before.high


def test_the_throughput_falls_while_nothing_ends(trials, monkeypatch):
    store, now = Store.open("results"), [1000.0]
    store.leases.take(trained(trials[9]))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watching, times = watcher(store), {trials[0].key: 0.0, trials[1].key: 60.0}
    monkeypatch.setattr(store, "times", lambda: times)
    # Nothing is known of the time since an end that was there before the first look.
    assert watching.look().per_hour == pytest.approx(60)
    times[trials[2].key] = 120.0
    assert watching.look().per_hour == pytest.approx(60)
    now[0] += 120
    assert watching.look().per_hour == pytest.approx(30)


def test_there_is_no_time_left_where_no_trial_is_trained(trials):
    finish(Store.open("results"), trials[:3])
    look = watcher().look()
    assert look.per_hour is None
    assert as_json(look)["left_seconds"] == {"low": None, "high": None}
    assert "no trial is being trained" in drawn(look, 80)


def test_a_single_look_has_the_range_and_the_facts_for_a_program(trials, tmp_path):
    store = Store.open("results")
    finish(store, trials[:4], seconds=100.0)
    finish(store, trials[4:5], status="failed")
    spread(trials[:5])
    store.leases.take(trained(trials[5]))
    shown = evenhand("status", "small.yaml", "--prometheus", "evenhand.prom", code=1)
    assert re.search(r"\n1 h .* to 3 h .* left, 60 trials an hour\n", shown)
    told = json.loads(evenhand("status", "small.yaml", "--json", code=1))
    assert 5000 < told["left_seconds"]["low"] < told["left_seconds"]["high"] < 12_000
    assert told["nodes"][0]["gpus"][0]["gpu_use"] == 0.93
    assert [(one["epoch"], one["epochs"], one["silent"]) for one in told["running"]] == [
        (12, 30, False)
    ]
    assert 'status="failed"} 1\n' in (tmp_path / "evenhand.prom").read_text()


def test_only_new_failures_are_read(trials, monkeypatch):
    store, read = Store.open("results"), []
    finish(store, trials[:2], status="failed")
    watching = watcher(store)
    records = store.records
    monkeypatch.setattr(store, "records", lambda keys: read.append(list(keys)) or records(read[-1]))
    watching.look()
    finish(Store.open("results"), trials[2:3], status="failed")
    assert sum(map(len, watching.look().causes.values())) == 3
    assert [len(keys) for keys in read] == [2, 1]


def test_a_watch_follows_the_suite_to_its_end(trials, monkeypatch):
    store, left = Store.open("results"), list(trials)

    def a_while(seconds):
        assert seconds == 60
        finish(store, left[:40], status="done" if len(left) > 40 else "failed")
        del left[:40]

    monkeypatch.setattr("evenhand.cli.watching.sleep", a_while)
    shown = evenhand("status", "small.yaml", "--watch", "--every", "1m", "--json", code=1)
    looks = [json.loads(line) for line in shown.splitlines()]
    assert [(look["done"], look["missing"], look["failed"]) for look in looks] == [
        (0, 80, 0),
        (40, 40, 0),
        (40, 0, 40),
    ]
    rows = [(row["row"], row["trials"], row["done"] + row["failed"]) for row in looks[-1]["rows"]]
    assert rows == [("erm", 40, 40), ("la", 40, 40)]


def test_a_watch_in_a_pipe_prints_a_block_for_each_look(trials, monkeypatch):
    monkeypatch.setattr(
        "evenhand.cli.watching.sleep", lambda _: finish(Store.open("results"), trials)
    )
    shown = evenhand("status", "small.yaml", "--watch")
    assert "0 of 80 done, 80 missing (0 running)" in shown
    assert "80 of 80 done, 0 missing (0 running)" in shown
    assert "\x1b" not in shown


def test_a_store_that_does_not_answer_for_a_while_ends_no_watch(trials, monkeypatch, capsys):
    finish(Store.open("results"), trials[1:])
    look, calls = Watcher.look, []

    def sometimes(self):
        calls.append(1)
        if len(calls) == 2:
            raise StoreError("results: it does not answer")
        if len(calls) == 3:
            finish(Store.open("results"), trials[:1])
        return look(self)

    monkeypatch.setattr(Watcher, "look", sometimes)
    monkeypatch.setattr("evenhand.cli.watching.sleep", lambda _: None)
    evenhand("status", "small.yaml", "--watch")
    assert len(calls) == 3


def test_the_first_look_at_a_store_that_cannot_be_read_ends_the_watch(trials, tmp_path):
    (tmp_path / "results").write_text("no folder")
    with pytest.raises(StoreError):
        evenhand("status", "small.yaml", "--watch")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--watch"], "--watch needs a suite"),
        (["--prometheus", "x.prom"], "--prometheus needs a suite"),
        (["small.yaml", "--prometheus", "small.yaml"], "write --prometheus small.prom"),
        (["small.yaml", "--watch", "--keys"], "--keys lists the trials once"),
        (["small.yaml", "--watch", "--every", "soon"], "--every 'soon' is no time"),
    ],
)
def test_options_that_do_not_go_together_are_refused(trials, arguments, message):
    with pytest.raises(RunError, match=message):
        evenhand("status", *arguments)


def test_ctrl_c_ends_a_watch_with_130_and_gives_the_terminal_back(trials, tmp_path):
    Store.open("results").leases.take(trained(trials[0]))
    ours, theirs = pty.openpty()
    # Rich asks the environment for the kind of terminal.
    asked = "import os; os.environ.update(TERM='xterm', COLUMNS='80', LINES='24')"
    arguments = command("status", "small.yaml", "--watch", "--every", "1s", before=asked)
    watch = start(arguments, tmp_path, stdin=theirs, stdout=theirs)
    os.close(theirs)
    seen, until = b"", time.monotonic() + 60
    while b"12/30" not in seen and time.monotonic() < until:
        seen += os.read(ours, 65536)
    assert b"\x1b[?1049h" in seen
    watch.send_signal(signal.SIGINT)
    while b"\x1b[?1049l" not in seen and time.monotonic() < until:
        seen += os.read(ours, 65536)
    assert b"\x1b[?1049l" in seen
    _, said = watch.communicate(timeout=30)
    assert watch.returncode == 130
    assert "a run goes on" in said
    os.close(ours)
