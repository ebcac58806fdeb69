from __future__ import annotations

import json

import pytest

from evenhand.store import Store
from evenhand.store.leases import Lease
from evenhand.store.process import Process
from evenhand.suite.resolve import open_suite
from tests.cli.test_commands import evenhand


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(
        """suite: small
question: Does it run?
problems: [digits: {profile: exp, ratio: 4}]
val: {per_class: 10}
recipe: {digits: {epochs: 1, schedule: constant}}
seeds: 3
methods: [erm]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""
    )
    return str(path)


def test_status_names_the_process_that_trains_each_trial(suite, tmp_path):
    store, keys = Store.open(tmp_path / "r"), sorted(open_suite(suite).trials)
    elsewhere = Process(host="node7", machine="another", pid=12)
    second = elsewhere.model_copy(update={"pid": 13})
    gone = Process.this().model_copy(update={"started": "1"})
    for key, process in zip(keys, (elsewhere, second, gone), strict=True):
        assert store.leases.take(Lease(key=key, run="one", user="kim", process=process))

    printed = evenhand("status", suite, "--results", str(tmp_path / "r"))
    assert "2 trials are trained by kim@node7, processes 12, 13\n   erm on " in printed
    assert f"1 trial was left by kim@{gone.host}, process {gone.pid}\n" in printed

    out = evenhand("status", suite, "--results", str(tmp_path / "r"), "--json")
    told = json.loads(out)["running"]
    assert [(one["key"], one["host"], one["ended"]) for one in told] == [
        (keys[0], "node7", False),
        (keys[1], "node7", False),
        (keys[2], gone.host, True),
    ]


def test_status_counts_the_interrupted_among_the_missing_trials(suite, tmp_path):
    store, results = Store.open(tmp_path / "r"), str(tmp_path / "r")
    evenhand("run", suite, "--results", results, "--inline")
    key = min(store.heads())
    record = store.read(key)
    end = record.exit.model_copy(update={"status": "interrupted"})
    store.replace(record.model_copy(update={"exit": end}))
    assert "2 of 3 done, 1 missing (1 interrupted), 0 failed" in evenhand(
        "status", suite, "--results", results
    )
