"""Every command goes on beside records that it cannot read, and names each of them."""

from __future__ import annotations

import json
import os

import pytest

from evenhand.api import open_store, open_suite
from evenhand.errors import StoreError
from tests.cli.test_commands import evenhand
from tests.cli.test_reuse import here  # noqa: F401  a fixture
from tests.records import make_record

KINDS = ("pipe", "huge", "link", "contradiction", "deep")


@pytest.fixture
def odd(here):  # noqa: F811  the fixture
    """Keys of the suite's trials by what lies in the place of their records; "good" is whole."""
    trials = list(open_suite("small.yaml", plugins="mine.py").trials.values())
    store = open_store("results")
    keys = {}
    for kind, trial in zip(("good", *KINDS), trials, strict=True):
        record = make_record(trial=trial)
        store.write(record)
        keys[kind] = trial.key
    files = {kind: here / "results" / "main" / keys[kind] / "record.json" for kind in KINDS}
    whole = files["contradiction"].read_text()
    for kind in ("pipe", "huge"):
        files[kind].unlink()
    os.mkfifo(files["pipe"])
    with files["huge"].open("wb") as file:
        file.truncate(3_000_000_000)
    files["contradiction"].write_text(whole.replace('"shape":[1,10,10]', '"shape":[1,3,3]'))
    files["deep"].write_text('{"trial":' * 500_000)
    (here / "outside").mkdir()
    folder = files["link"].parent
    folder.rename(here / "elsewhere")
    folder.symlink_to(here / "outside")
    return keys


SUITE = ("small.yaml", "--plugin", "mine.py")


def faults_of(*command, code=0):
    return json.loads(evenhand(*command, "--json", code=code))["faults"]


def test_status_and_plan_name_each(odd):
    for faults in (
        faults_of("status"),
        faults_of("status", *SUITE, code=1),
        faults_of("plan", *SUITE),
    ):
        assert len(faults) == len(KINDS)
        for kind in KINDS:
            assert sum(odd[kind] in str(fault) for fault in faults) == 1
    shown = json.loads(evenhand("status", *SUITE, "--json", code=1))
    numbers = {name: shown[name] for name in ("done", "missing", "blocked")}
    assert numbers == {"done": 1, "missing": 2, "blocked": 3}


def test_show_names_the_fault_and_what_to_do(odd):
    for kind, right in (("pipe", "correct that"), ("contradiction", "run its suite again")):
        with pytest.raises(StoreError, match=right) as caught:
            evenhand("show", odd[kind])
        assert odd[kind] in str(caught.value)
    assert odd["good"] in evenhand("show", odd["good"], "--json")


def test_report_names_each(odd, here):  # noqa: F811  the fixture
    evenhand("report", *SUITE, "--out", "board")
    page = (here / "board" / "index.html").read_text()
    for kind in KINDS:
        assert odd[kind] in page


def test_run_trains_what_is_damaged_and_blocks_the_rest(odd, here):  # noqa: F811  the fixture
    printed = evenhand("run", *SUITE, "--inline", code=1)
    for kind in ("pipe", "huge", "link"):
        assert odd[kind] in printed
    assert "runs its trial" in printed
    assert list((here / "outside").iterdir()) == []
    shown = json.loads(evenhand("status", *SUITE, "--json", code=1))
    numbers = {name: shown[name] for name in ("done", "missing", "blocked")}
    assert numbers == {"done": 3, "missing": 0, "blocked": 3}
