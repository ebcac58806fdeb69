"""What `plan`, `run` and `status` print about the records that they use, and do not use."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from evenhand.api import open_store, open_suite
from evenhand.declared import trial as trials
from evenhand.execution.neighbours import find_neighbours
from evenhand.execution.plan import make_plan
from evenhand.store import neighbours
from evenhand.store.local import LocalFiles
from tests.cli.test_commands import evenhand
from tests.records import make_record

PLUGIN = """
from evenhand import Method, Stage, losses, method
from helper import tau


@method()
def mine() -> Method:
    return Method(Stage(losses.la(tau())))
"""
SUITE = """
suite: small
question: Does it run?
problems: [digits: {profile: exp, ratio: 4}]
val: {per_class: 10}
recipe: {digits: {epochs: 1, schedule: constant}}
seeds: 3
methods: [erm, mine]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a suite, a plugin and a module of the plugin."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("EVENHAND_RESULTS", "EVENHAND_DATA"):
        monkeypatch.delenv(name, raising=False)
    (folder / "small.yaml").write_text(SUITE)
    (folder / "mine.py").write_text(PLUGIN)
    (folder / "helper.py").write_text("def tau():\n    return 1.0\n")
    return folder


def opened():
    return open_suite("small.yaml", plugins="mine.py")


def fill(location="results", edition="main", *, status="done", suite=None):
    """A finished record of each trial of the suite."""
    store = open_store(location, edition)
    for trial in (suite or opened()).trials.values():
        store.write(make_record(trial=trial, status=status))


def plan(*arguments: str) -> str:
    return evenhand("plan", "small.yaml", "--plugin", "mine.py", *arguments)


def test_a_plan_names_the_trials_with_records_of_other_code(here):
    fill()
    assert "0 missing" in plan()
    (here / "helper.py").write_text("def tau():\n    return 2.0\n")
    said = plan()
    assert "3 done, 3 missing" in said
    assert (
        "3 trials have records of other code of the method `mine` (mine.py or what it imports "
        "changed); not compared"
    ) in said
    told = json.loads(plan("--json"))
    assert [stale["reasons"] for stale in told["stale"]] == [
        ["other code of the method `mine`"]
    ] * 3
    assert {stale["record"] for stale in told["stale"]} <= set(open_store().heads())
    (here / "helper.py").write_text("def tau():\n    # One.\n    return 1.0\n")
    assert "6 done, 0 missing" in plan()


def test_a_plan_names_records_of_another_version_of_a_part(here):
    fill()
    (here / "mine.py").write_text(PLUGIN.replace("@method()", "@method(version=2)"))
    assert (
        "3 trials have records of version 1 of the method `mine`; this one is version 2" in plan()
    )


def test_a_plan_names_records_of_another_engine(here, monkeypatch):
    suite = opened()
    older = {k: t.model_copy(update={"engine": 0}) for k, t in suite.trials.items()}
    for trial in older.values():
        open_store().write(make_record(trial=trial))
    assert trials.ENGINE_VERSION == 1
    said = plan()
    assert "6 trials have records of engine version 0; this one is version 1; not compared" in said
    assert "6 missing" in said


def test_a_failed_record_of_other_code_is_no_stale_record(here):
    fill(status="failed")
    (here / "helper.py").write_text("def tau():\n    return 2.0\n")
    assert "other code" not in plan()


def test_a_plan_in_python_lists_its_stale_trials(here):
    fill()
    (here / "helper.py").write_text("def tau():\n    return 2.0\n")
    made = make_plan(opened(), open_store())
    assert [stale.trial.method.name for stale in made.stale] == ["mine"] * 3
    assert "3 missing, 0 failed, 0 blocked (3 stale)" in repr(made)


PLACES = {
    "another edition": (
        ("results", "night-1"),
        [],
        "results (edition night-1) has records of 6 missing",
    ),
    "the edition as the store": (
        ("results", "main"),
        ["--results", "results/main"],
        "results (edition main) has records of 6 missing",
    ),
    "the folder above": (
        ("runs/results", "main"),
        ["--results", "runs"],
        "runs/results (edition main) has records of 6 missing",
    ),
    "a typing error": (
        ("results", "main"),
        ["--results", "resluts"],
        "results (edition main) has records of 6 missing",
    ),
    "the folder above the working directory": (
        ("../results", "main"),
        [],
        "../results (edition main) has records of 6 missing",
    ),
    "a folder below the working directory": (
        ("other/results", "main"),
        [],
        "other/results (edition main) has records of 6 missing",
    ),
    "an edition with a typing error in the folder": (
        ("results", "main"),
        ["--results", "results/mian"],
        "results (edition main) has records of 6 missing",
    ),
    "an edition with a typing error": (
        ("results", "main"),
        ["--edition", "mian"],
        "results (edition main) has records of 6 missing",
    ),
}


@pytest.mark.parametrize(("stored", "options", "said"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("command", ["plan", "status"])
def test_records_nearby_are_named_with_a_command_that_finds_them(
    here, command, stored, options, said
):
    fill(*stored)
    out = evenhand(command, "small.yaml", "--plugin", "mine.py", *options)
    [line] = [line for line in out.splitlines() if said in line]
    assert "store: " in out
    words = shlex.split(line.split("`")[1])
    assert words[:3] == ["evenhand", "plan", "small.yaml"]
    assert "6 done, 0 missing" in evenhand(*words[1:])


def test_old_records_nearby_are_counted_with_the_reason(here):
    fill("results", "night-1")
    (here / "helper.py").write_text("def tau():\n    return 2.0\n")
    open_store("results", "night-1").heads()  # writes the index
    opened()
    assert (
        "results (edition night-1) has records of 3 missing trials; 3 records of other code of the "
        "method `mine` (mine.py or what it imports changed), not compared"
    ) in plan()


def older(here, location="results", edition="night-1"):
    """Records of other code beside the store, with an index."""
    fill(location, edition)
    open_store(location, edition).heads()
    (here / "helper.py").write_text("def tau():\n    return 2.0\n")


@pytest.mark.parametrize("index", ["none", "format 3", "damaged", "one record"])
def test_old_records_nearby_are_found_where_the_index_lacks_them(here, index):
    older(here)
    path = here / "results/night-1/index.json"
    match index:
        case "none":
            path.unlink()
        case "format 3":
            path.write_text(path.read_text().replace('"format":8', '"format":6'))
        case "damaged":
            path.write_text(path.read_text()[:100])
        case "one record":
            whole = json.loads(path.read_text())
            path.write_text(json.dumps(whole | {"entries": whole["entries"][:1]}))
    before = path.read_text() if path.exists() else None
    assert "3 missing trials; 3 records of other code of the method `mine` (mine.py or" in plan()
    assert (path.read_text() if path.exists() else None) == before


def test_records_of_an_earlier_engine_nearby_are_found_without_an_index(here):
    for trial in opened().trials.values():
        earlier = trial.model_copy(update={"engine": 0})
        open_store("results", "night-1").write(make_record(trial=earlier))
    assert (
        "results (edition night-1) has 6 records of engine version 0; this one is version 1, not "
        "compared: `evenhand plan"
    ) in plan()


def test_of_many_records_without_an_index_the_number_of_unread_ones_is_printed(here, monkeypatch):
    older(here)
    monkeypatch.setattr(neighbours, "MOST_HEADS", 2)
    suite = opened()
    old = open_store("results", "night-1").heads().keys() - suite.trials.keys()
    (here / "results/night-1/index.json").unlink()
    (here / f"results/night-1/{min(old)}/record.json").write_text("torn")
    [found] = find_neighbours(make_plan(suite, open_store()))
    assert (found.trials, sum(found.stale.values()), found.unread) == (3, 1, 1)
    assert "1 further record that was not read: `evenhand plan" in plan()


def test_empty_editions_hide_no_old_records(here):
    older(here, edition="z")
    for i in range(25):
        (here / f"results/a{i:02d}").mkdir()
    assert "results (edition z) has records of 3 missing trials; 3 records of other" in plan()


def test_the_first_folders_are_the_first_by_name(here, monkeypatch):
    monkeypatch.setattr(neighbours, "MOST_FOLDERS", 3)
    for name in "hgfedcba":
        (here / f"results/{name}").mkdir(parents=True)
    found = [near.edition for near in neighbours.editions_near("results", "main")]
    assert found[:3] == ["a", "b", "c"]
    assert not {"d", "e", "f", "g", "h"} & set(found)


def test_folders_that_this_user_may_not_look_into_are_passed_over(here, monkeypatch):
    (here / "root").mkdir()
    stat = os.stat

    def of_another_user(path, **options):
        # Not by chmod: it does not stop root. A container has `/results` beside `/root`.
        if "root" in Path(path).parts[-2:-1]:
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", of_another_user)
    found = [near.location for near in neighbours.editions_near("results", "main")]
    assert "root" not in {Path(location).name for location in found}


def test_the_command_for_records_nearby_has_the_folder_of_data(here):
    fill("results", "night-1")
    (here / "my data").mkdir()
    said = plan("--data", "my data")
    assert shlex.split(said.split("`")[1])[-4:] == ["--edition", "night-1", "--data", "my data"]


@pytest.mark.parametrize("name", ["la", "teachers and parents"])
def test_teachers_without_a_row_are_priced_on_their_own(here, name):
    text = SUITE.replace("[erm, mine]", f'\n  - erm\n  - la: {{as: "{name}", teacher: vs}}')
    (here / "small.yaml").write_text(text)
    rows = [line.split() for line in plan().splitlines()]
    assert [*name.split(), "3", "0", "3", "0", "–", "unknown"] in rows
    assert ["teachers", "and", "parents", "3", "0", "3", "0", "–", "unknown"] in rows
    line = (
        "\nteachers and parents: 3 missing trials without a row, from which trials of rows read\n"
    )
    assert line in plan()
    assert line in evenhand("status", "small.yaml", "--plugin", "mine.py")
    assert "teachers and parents" not in plan("--only", "method=erm")


def test_the_status_of_an_empty_store_names_the_editions_nearby(here):
    fill("results", "night-1")
    said = evenhand("status", "--results", "resluts")
    assert "results (edition night-1)" not in said
    said = evenhand("status")
    assert "results (edition night-1) has 6 records: `evenhand status --edition night-1`" in said


def test_a_complete_store_has_no_line_on_neighbours(here):
    fill("results", "main")
    fill("results", "night-1")
    assert "night-1" not in plan()


def test_the_store_that_was_read_is_printed_with_its_size(here):
    assert f"store: results (edition main): 0 records; there is no folder {here}/results" in plan()
    fill()
    assert "store: results (edition main): 6 records\n" in plan()
    assert "store: results (edition main): 6 records\n" in evenhand("status")


def test_ten_thousand_folders_beside_a_store_are_looked_at_once_and_not_read(here, monkeypatch):
    suite, n, folder = opened(), 10_000, here / "results" / "night-1"
    fill("results", "night-1", suite=suite)
    for i in range(n):
        (folder / f"{i:032x}").mkdir()
    (folder / f"{0:032x}" / "record.json").write_text("of another suite")
    made, looks, reads = make_plan(suite, open_store()), [], []
    is_file, read = Path.is_file, LocalFiles.read
    monkeypatch.setattr(Path, "is_file", lambda path: looks.append(path) or is_file(path))
    monkeypatch.setattr(LocalFiles, "read", lambda *args: reads.append(args) or read(*args))

    [found] = find_neighbours(made)

    assert (found.edition, found.trials) == ("night-1", 6)
    assert len(looks) == len(set(looks)) == n + 6
    assert reads == []


def test_no_neighbour_is_written_to(here):
    fill("results", "night-1")
    before = sorted(path for path in Path("results").rglob("*"))
    plan()
    assert sorted(path for path in Path("results").rglob("*")) == before


def test_an_index_of_an_earlier_format_is_made_again(here):
    fill()
    heads = open_store().heads()
    index = here / "results/main/index.json"
    index.write_text(index.read_text().replace('"format":8', '"format":6'))
    assert open_store().heads() == heads
    assert '"format":8' in index.read_text()


def test_a_store_in_object_storage_is_not_searched(here):
    fill("results", "night-1")
    made = replace(make_plan(opened(), open_store()), location="s3://bucket/results")
    assert find_neighbours(made) == ()
