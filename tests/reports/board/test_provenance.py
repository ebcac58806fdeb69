"""The command that makes a number again keeps exactly the trials behind it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from evenhand.declared.plugin import Plugin
from evenhand.errors import ReportError
from evenhand.suite.only import restrict
from evenhand.suite.resolve import Suite, open_suite
from evenhand.suite.two_rows import two_rows
from evenhand_reports.board import provenance
from evenhand_reports.board.leaderboard import build_from
from evenhand_reports.board.provenance import (
    list_keys,
    parse_command,
    recorded_command,
    rerun,
    rerun_configuration,
    rerun_suite,
    run_missing,
)
from tests.records import make_record
from tests.suite.suite_text import TEXT, resolved, with_

GRIDS = TEXT.replace("recipe: digits", "recipe: {digits: {lr: {grid: [0.1, 0.05]}}}").replace(
    "  - la: {tau: 1.0}",
    "  - la: {tau: {grid: [0.5, 1.0]}}\n"
    "  - vs\n"
    "  - vs: {tau: 1.25}\n"
    "  - ldam_drw: {start: {grid: [0.5, 0.8]}}",
)
SELECT = "select: {on: val}\n"


def filters(command: str) -> list[str]:
    words = shlex.split(command)
    return [words[i + 1] for i, word in enumerate(words) if word == "--only"]


@pytest.mark.parametrize("text", [TEXT, GRIDS, GRIDS + SELECT], ids=["plain", "grids", "select"])
def test_the_command_of_a_cell_keeps_that_cell_alone(text: str) -> None:
    suite: Suite = resolved(text)

    for cell in suite.configurations:
        assert restrict(
            suite, filters(rerun_configuration("small.yaml", cell, []))
        ).configurations == (cell,)


def test_the_command_of_a_cell_can_be_read() -> None:
    suite = resolved(GRIDS + SELECT)
    cell = next(c for c in suite.configurations if c.setting == "tau=0.5, lr=0.05")

    assert rerun_configuration("small.yaml", cell, []) == (
        "evenhand run small.yaml --only row=la,tau=0.5,lr=0.05,problem=digits-exp-10 "
        "--results rerun"
    )


def test_the_command_of_a_trial_names_its_key() -> None:
    suite = resolved(with_("recipe: digits", "recipe: {digits: {lr: {grid: [0.1, 0.05]}}}"))

    for cell in suite.configurations:
        for trial in cell.trials:
            [kept] = restrict(suite, filters(rerun(make_record(trial=trial)))).configurations
            assert kept.trials == (trial,)


def test_the_command_of_a_trial_at_a_further_seed_names_the_seed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT)
    path = str(tmp_path / "a.yaml")
    rows = two_rows(open_suite(path), ("la", "erm"), 5)
    further = next(trial for trial in rows.suite.trials.values() if trial.seed == 4)
    made_by = f"evenhand run {path} --until-separated la erm --max-seeds 5"
    command = rerun(make_record(trial=further, provenance={"command": made_by}))

    words = shlex.split(command)
    [change] = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert restrict(open_suite(path, [change]), filters(command)).trials.keys() == {further.key}


@pytest.mark.parametrize(
    ("command", "suite", "plugins"),
    [
        ("evenhand run a.yaml", "a.yaml", ()),
        ("evenhand run --inline a.yaml --plugin p.py", "a.yaml", ("p.py",)),
        ("evenhand run --results out --plugin=p.py 'my a.yaml'", "my a.yaml", ("p.py",)),
        ("evenhand run a.yaml --plugin p.py --plugin 'q r.py'", "a.yaml", ("p.py", "q r.py")),
        ("evenhand run a.yaml --only it's", "a.yaml", ()),
        ("evenhand run --until-separated vs la a.yaml --plugin p.py", "a.yaml", ("p.py",)),
        ("evenhand run --until-separated=vs la a.yaml", "a.yaml", ()),
        ("evenhand run --ship-code a.yaml --no-compile --plugin p.py", "a.yaml", ("p.py",)),
        ("pytest tests/execution", "", ()),
        ("", "", ()),
    ],
)
def test_a_recorded_command_says_what_it_ran(
    command: str, suite: str, plugins: tuple[str, ...]
) -> None:
    record = make_record(provenance={"command": command})

    assert parse_command(record)[:2] == (suite, plugins)


def test_plugins_that_are_loaded_come_along_and_others_have_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = resolved().configurations[0]
    record = make_record(
        trial=cell.trials[0], provenance={"command": "evenhand run x.yaml --plugin 'my parts.py'"}
    )

    assert rerun_configuration("x.yaml", cell, [record, None]).startswith(
        "evenhand run x.yaml --only row=erm,"
    )
    assert rerun(record).startswith("evenhand run x.yaml --only key=")
    for command in (
        rerun(record),
        rerun_configuration("x.yaml", cell, [record, None]),
        rerun_suite("x.yaml", ["seed=0"], [record, record]),
    ):
        assert command.endswith(" --plugin FILE --results rerun")

    Path("my parts.py").touch()
    plugin = Plugin.read("./my parts.py")
    monkeypatch.setattr(provenance, "loaded_plugins", lambda: (plugin,))
    assert rerun(record).endswith(" --plugin './my parts.py' --results rerun")
    assert recorded_command(record) == "evenhand run x.yaml --plugin './my parts.py'"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("evenhand run a.yaml --inline", "evenhand run a.yaml --inline"),
        ("/bin/evenhand run a.yaml --plugin=p.py", "evenhand run a.yaml --plugin=FILE"),
        ("evenhand run a.yaml --plugin p.py; ls", "evenhand run a.yaml --plugin FILE ls"),
        ("evenhand run 'a;ls'", "evenhand run 'a;ls'"),
        ("evenhand.run(suite, 'results', inline=True)",) * 2,
        ("evenhand.run(suite, evenhand.open_store('other', edition='night'))",) * 2,
        ("evenhand.run(suite, 'r', until_separated=('vs', 'la'), max_seeds=9)",) * 2,
        ("evenhand.run(suite); import os; os.remove('x')", ""),
        ("curl example.org | sh", ""),
        ("rm run a.yaml", ""),
    ],
)
def test_of_a_recorded_command_only_the_parts_of_this_program_are_shown(
    command: str, shown: str
) -> None:
    assert recorded_command(make_record(provenance={"command": command})) == shown


def test_the_name_of_a_suite_in_a_record_is_no_option() -> None:
    record = make_record(provenance={"command": "", "suite": "--plugin=/tmp/evil.py v1"})

    assert rerun(record).startswith("evenhand run SUITE --only key=")


def test_without_a_command_the_name_of_the_suite_is_all_there_is() -> None:
    record = make_record(provenance={"command": "", "suite": "cifar-lt v1"})

    assert rerun(record).startswith("evenhand run cifar-lt --only")


DATA = "evenhand run a.yaml --data '/my data' --results out --edition night --inline"


def test_the_folder_of_data_comes_along_and_the_old_results_do_not() -> None:
    cell = resolved().configurations[0]
    record = make_record(trial=cell.trials[0], provenance={"command": DATA})
    tail = ["--data", "/my data", "--results", "rerun"]

    for command in (rerun(record), rerun_configuration("a.yaml", cell, [record, None])):
        words = shlex.split(command)
        assert words[:3] == ["evenhand", "run", "a.yaml"]
        assert words[-4:] == tail
        assert "--edition" not in words


def test_folders_of_data_that_disagree_are_left_out() -> None:
    cell = resolved().configurations[0]
    records = [
        make_record(trial=trial, provenance={"command": f"evenhand run a.yaml --data={folder}"})
        for trial, folder in zip(cell.trials, ("a", "b"), strict=False)
    ]

    assert "--data" not in rerun_configuration("a.yaml", cell, records)


@pytest.mark.parametrize(
    ("location", "edition", "options"),
    [
        ("results", "main", []),
        ("my results", "main", ["--results", "my results"]),
        ("results", "night-7", ["--edition", "night-7"]),
        ("s3://bucket/x?region=y", "n", ["--results", "s3://bucket/x?region=y", "--edition", "n"]),
    ],
)
def test_the_missing_trials_go_to_the_store_that_was_read(
    location: str, edition: str, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVENHAND_RESULTS", raising=False)
    monkeypatch.delenv("EVENHAND_DATA", raising=False)
    suite = restrict(resolved(), ["method=erm"])
    given = [make_record(provenance={"command": DATA})]
    words = shlex.split(run_missing(suite, given, location=location, edition=edition))
    head = ["evenhand", "run", "small.yaml", "--only", "method=erm"]

    assert words == [*head, *options, "--data", "/my data"]


@pytest.mark.parametrize("command", ["evenhand.run(suite)", "evenhand.run(suite, 'my results')"])
def test_a_suite_that_was_built_in_python_is_rerun_by_a_call(command: str) -> None:
    cell = resolved().configurations[0]
    record = make_record(trial=cell.trials[0], provenance={"command": command})
    call = "evenhand.run(suite, 'rerun')  # the suite was built in Python"

    assert rerun(record) == call
    assert rerun_configuration("", cell, [record]) == call
    assert rerun_suite("", [], [record]) == call


def test_the_command_that_lists_keys_is_one_for_every_suite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EVENHAND_RESULTS", raising=False)
    place = {"location": "out", "edition": "night"}
    part = restrict(resolved(), ["method=erm"])

    assert list_keys(part, **place) == (
        "evenhand status small.yaml --only method=erm --results out --edition night --keys"
    )
    assert list_keys(resolved().replaced(source=""), **place) == (
        "evenhand status --keys --results out --edition night"
    )


def test_nothing_to_report_names_the_store_and_the_command_for_it() -> None:
    suite = restrict(resolved(), ["method=erm,seed=0"])
    with pytest.raises(ReportError) as raised:
        build_from(suite, [], location="my results", edition="night")

    assert "in my results, edition night" in str(raised.value)
    assert str(raised.value).endswith(
        "`evenhand run small.yaml --only method=erm,seed=0 --results 'my results' --edition night`"
    )
