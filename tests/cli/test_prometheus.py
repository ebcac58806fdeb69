"""The Prometheus text file: its format is that of the text exposition format, version 0.0.4."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evenhand.cli.look import Look
from evenhand.cli.prometheus import lines, write_file
from evenhand.errors import StoreError
from evenhand.execution.plan import make_plan
from evenhand.store import Store
from evenhand.store.activity import Activity
from evenhand.store.leases import Lease
from evenhand.store.process import Process
from evenhand.suite.resolve import open_suite
from tests.records import make_record

LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(
    rf"evenhand_[a-z_]+\{{{LABEL}(?:,{LABEL})*\}} (?:\+Inf|\d+(?:\.\d+)?(?:e[+-]\d+)?)"
)
HOSTILE = 'a"b\\c\n\x1b[31m{x="y"} 1\r# TYPE'


@pytest.fixture
def look(tmp_path) -> Look:
    """A look with a hostile name in each label that a record or a lease fills."""
    store = Store.open(tmp_path / "r")
    plan = make_plan(open_suite("quickstart"), store)
    trial = plan.missing[0]
    activity = Activity(
        seconds=5, epoch=1, epochs=4, gpu=HOSTILE, gpu_use=0.5, gpu_memory_gib=1, gpu_total_gib=2
    )
    process = Process(host=HOSTILE, machine="another", pid=1)
    twin = process.model_copy(update={"host": HOSTILE.replace("\x1b", "␛"), "pid": 2})
    leases = {
        each.key: Lease(key=each.key, run="r", process=of, activity=activity)
        for each, of in zip(plan.missing, (process, twin), strict=False)
    }
    store.write(make_record(trial=trial))
    return Look(plan, {HOSTILE: ["erm"], "b": ["la", "vs"]}, leases, per_hour=360.0)


def test_every_line_is_a_comment_or_a_sample(look):
    text = "".join(lines(look))
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        assert line.startswith(("# HELP evenhand_", "# TYPE evenhand_")) or SAMPLE.fullmatch(line)
    assert "\r" not in text
    assert "\x1b" not in text


def test_no_two_samples_have_one_name(look):
    names = [line.rpartition(" ")[0] for line in "".join(lines(look)).split("\n")]
    samples = [name for name in names if name.startswith("evenhand")]
    assert len(set(samples)) == len(samples)


def test_the_samples_are_those_of_the_look(look):
    text = "".join(lines(look))
    assert 'evenhand_trials{suite="quickstart",edition="main",status="missing"} 30\n' in text
    assert 'status="running"} 2\n' in text
    assert 'cause="b"} 2\n' in text
    assert 'evenhand_throughput_trials_per_second{suite="quickstart",edition="main"} 0.1\n' in text
    assert re.search(r"evenhand_gpu_memory_bytes\{.*\} 2147483648\.0\n", text)
    assert re.search(r'evenhand_time_left_seconds\{.*bound="low"\} \d+', text)


def test_a_file_is_replaced_as_a_whole_and_can_be_read_by_the_collector(look, tmp_path):
    file = tmp_path / "evenhand.prom"
    file.write_text("the look before")
    write_file(file, look)
    assert file.read_text() == "".join(lines(look))
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir() if path.name != "r"] == ["evenhand.prom"]


def test_a_file_that_cannot_be_written_is_refused_and_leaves_nothing(look, tmp_path):
    with pytest.raises(StoreError, match="the file cannot be written: No such file"):
        write_file(Path(tmp_path / "none/evenhand.prom"), look)
    folder = tmp_path / "folder"
    (folder / "evenhand.prom").mkdir(parents=True)
    with pytest.raises(StoreError, match="Is a directory"):
        write_file(folder / "evenhand.prom", look)
    assert [path.name for path in folder.iterdir()] == ["evenhand.prom"]
