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
    gone = Process.this().model_copy(update={"started": "1"})
    for key, process in zip(keys, (elsewhere, elsewhere, gone), strict=True):
        assert store.leases.take(Lease(key=key, run="one", user="kim", process=process))

    printed = evenhand("status", suite, "--results", str(tmp_path / "r"))
    assert "2 trials are trained by kim@node7, process 12\n   erm on " in printed
    assert f"1 trial was left by kim@{gone.host}, process {gone.pid}\n" in printed

    out = evenhand("status", suite, "--results", str(tmp_path / "r"), "--json")
    told = json.loads(out)["running"]
    assert [(one["key"], one["host"], one["ended"]) for one in told] == [
        (keys[0], "node7", False),
        (keys[1], "node7", False),
        (keys[2], gone.host, True),
    ]
