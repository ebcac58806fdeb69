"""Commands in messages work when they are copied, and names are printed as they are."""

from __future__ import annotations

import json
import shlex

import pytest
from typer.main import get_command

from evenhand.api import open_suite
from evenhand.cli.app import app
from evenhand.cli.output import console, print_table
from evenhand.errors import StoreError
from evenhand.suite.commands import Place, python_call, source_command, store_command, suite_command
from tests.cli.test_commands import PARTS, SUITE, evenhand

PLACE = ("--results", "my results", "--edition", "night-1")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with one suite in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("EVENHAND_RESULTS", "EVENHAND_DATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "my suite.yaml").write_text(SUITE)
    return tmp_path


def suite(command: str, *arguments: str, code: int = 0) -> str:
    return evenhand(command, "my suite.yaml", "--plugin", PARTS, *arguments, code=code)


def hints(text: str) -> list[list[str]]:
    """The commands between backticks."""
    return [shlex.split(part) for part in text.split("`")[1::2] if part.startswith("evenhand ")]


def test_the_hint_after_failures_repeats_the_options(here):
    only = ("--only", "method=raises,seed=0..1")
    said = suite("run", "--inline", *PLACE, *only, code=1)
    again = suite("run", "--inline", *PLACE, *only, code=1)
    assert "2 failed" in said
    [command] = hints(again)
    words = ("evenhand", "run", "my suite.yaml", *only, "--plugin", PARTS, *PLACE)
    assert command == [*words, "--inline", "--retry-failed"]
    assert json.loads(evenhand("plan", *words[2:], "--retry-failed", "--json"))["missing"] == 2


def test_a_command_that_runs_names_the_cluster_and_one_that_reads_does_not():
    opened, place = open_suite("quickstart"), Place(cluster=("--address", "h:6379", "--ship-code"))
    assert suite_command("run", opened, "--retry-failed", place=place) == (
        "evenhand run quickstart --address h:6379 --ship-code --retry-failed"
    )
    assert suite_command("status", opened, place=place) == "evenhand status quickstart"


def test_commands_on_two_rows_name_them_where_the_command_takes_them():
    opened, place = open_suite("quickstart"), Place(separated=("vs", "my la", 9))
    rows = "--until-separated vs 'my la' --max-seeds 9"
    assert suite_command("plan", opened, "--price", place=place) == (
        f"evenhand plan quickstart {rows} --price"
    )
    assert suite_command("status", opened, place=place) == "evenhand status quickstart"
    assert python_call("run", place=place) == (
        "evenhand.run(suite, until_separated=('vs', 'my la'), max_seeds=9)"
    )


def test_options_that_the_environment_gives_are_not_repeated(here, monkeypatch):
    opened = open_suite("quickstart")
    place = Place("elsewhere", "main", "my data")
    assert suite_command("run", opened, place=place) == (
        "evenhand run quickstart --results elsewhere --data 'my data'"
    )
    monkeypatch.setenv("EVENHAND_RESULTS", "elsewhere")
    monkeypatch.setenv("EVENHAND_DATA", "my data")
    assert suite_command("run", opened, place=place) == "evenhand run quickstart"
    assert store_command("show", "ab", place=Place("results")) == (
        "evenhand show ab --results results"
    )


def test_a_suite_that_was_built_in_python_has_a_call_in_python():
    built = open_suite("quickstart").replaced(source="")
    assert suite_command("run", built) == "evenhand.run(suite)"
    place = Place("other", "night-1")
    assert suite_command("status", built, place=place) == (
        "evenhand.plan(suite, evenhand.open_store('other', edition='night-1'))"
    )
    assert suite_command("run", built, place=Place("other")) == "evenhand.run(suite, 'other')"
    place = Place("other", data="my data")
    assert suite_command("run", built, "--inline", "--retry-failed", place=place) == (
        "evenhand.run(suite, 'other', data='my data', inline=True, retry_failed=True)"
    )
    assert suite_command("plan", built, place=place) == "evenhand.plan(suite, 'other')"


def test_a_command_has_the_folder_of_data_where_it_takes_one():
    commands = get_command(app).commands
    place = Place(data="my data")
    for verb in ("run", "plan", "validate", "status", "report"):
        takes = any("--data" in option.opts for option in commands[verb].params)
        command = suite_command(verb, open_suite("quickstart"), place=place)
        assert command.endswith(" --data 'my data'") == takes, verb


def test_filters_stay_in_the_commands_of_a_part_of_a_suite():
    part = open_suite("quickstart", only=["method=erm,seed=0", "row=vs"])
    words = shlex.split(suite_command("run", part))
    assert open_suite(words[2], only=words[4:7:2]).trials == part.trials


def test_an_unknown_key_names_the_command_that_lists_the_keys(here):
    with pytest.raises(StoreError) as raised:
        evenhand("show", "abc", *PLACE)
    assert hints(str(raised.value)) == [["evenhand", "status", "--keys", *PLACE]]
    evenhand(*hints(str(raised.value))[0][1:])


ROWS = """
  - la: {tau: 1.0, as: "CSL [every=4]"}
  - la: {tau: 2.0, as: "CSL [every=8]"}
  - la: {tau: 3.0, as: ":smile: [/red] [bold]"}
  - raises: {as: "a row whose name has sixty characters, which is a long name"}
"""


@pytest.fixture
def named(here):
    """The suite with rows whose names look like markup."""
    text = SUITE.replace("[erm, la, raises]", "\n  - erm" + ROWS).replace("seeds: 2", "seeds: 1")
    (here / "my suite.yaml").write_text(text)
    return here


@pytest.mark.parametrize("command", ["plan", "status", "run"])
def test_names_with_brackets_are_printed_as_they_are(named, command):
    suite("run", "--inline", code=1)
    said = suite(command, code=0 if command == "plan" else 1)
    if command != "run":
        for name in ("CSL [every=4]", "CSL [every=8]", ":smile: [/red] [bold]"):
            assert name in said
    keys = suite("status", "--keys", code=1)
    assert "CSL [every=8] on blobs-exp-4-n40, seed 0" in keys


def test_causes_and_lines_name_the_row(named):
    row = "a row whose name has sixty characters, which is a long name"
    said = suite("run", "--inline", code=1)
    assert f"{row} on blobs-exp-4-n40, seed 0: failed: RuntimeError" in said
    [trials] = json.loads(suite("status", "--json", code=1))["failures"].values()
    assert trials == [f"{row} on blobs-exp-4-n40, seed 0"]


def test_three_rows_of_one_method_are_told_apart(here):
    rows = "".join(f'\n  - raises: {{recipe: {{epochs: {n}}}, as: "b{n}"}}' for n in (1, 2, 3))
    text = SUITE.replace("[erm, la, raises]", f"\n  - erm{rows}").replace("seeds: 2", "seeds: 1")
    (here / "my suite.yaml").write_text(text)
    said = suite("run", "--inline", code=1)
    for n in (1, 2, 3):
        assert f"b{n} on blobs-exp-4-n40, seed 0: failed" in said
    [trials] = json.loads(suite("status", "--json", code=1))["failures"].values()
    assert trials == [f"b{n} on blobs-exp-4-n40, seed 0" for n in (1, 2, 3)]


LONG = "x" * 28 + " " + "y" * 31


def printed(capsys, monkeypatch, columns: int, names: list[str], n: int) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    headings = ["", *(f"cifar10-exp-{i}00" for i in range(n))]
    print_table(headings, [[name, *["4/5 1 failed"] * n] for name in names], red="failed")
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [40, 80, 120, 300])
@pytest.mark.parametrize("n", [1, 3, 8])
def test_a_long_name_is_never_a_column_of_single_characters(capsys, monkeypatch, columns, n):
    lines = printed(capsys, monkeypatch, columns, [LONG, "[b]", "名前" * 30], n)
    # Only the rest of a folded name may be short.
    assert sum(len(line.strip()) < 3 for line in lines) <= 3
    assert len(lines) <= 3 * (n + 3) + 1
    text = "".join(line.replace(" ", "") for line in lines)
    assert text.count("4/51failed") == 3 * n
    assert "[b]" in text


def test_a_table_that_fits_stays_a_table(capsys, monkeypatch):
    lines = printed(capsys, monkeypatch, 80, ["erm", "la"], 2)
    assert [line.split() for line in lines] == [
        ["cifar10-exp-000", "cifar10-exp-100"],
        ["erm", "4/5", "1", "failed", "4/5", "1", "failed"],
        ["la", "4/5", "1", "failed", "4/5", "1", "failed"],
    ]


def test_consoles_read_no_markup_and_no_emoji(capsys):
    console().print("[bold]a[/bold] :smile: [/x]")
    assert capsys.readouterr().out == "[bold]a[/bold] :smile: [/x]\n"


def test_the_exit_code_is_1_where_trials_failed_and_0_elsewhere(here):
    good, bad = ("--only", "method=erm"), ("--only", "method=raises")
    suite("status", code=0)
    suite("run", "--inline", *good, code=0)
    suite("run", "--inline", *good, code=0)
    suite("status", *good, code=0)
    suite("run", "--inline", *bad, code=1)
    for arguments in ((), ("--json",), ("--keys",)):
        suite("status", *bad, *arguments, code=1)
        suite("status", *good, *arguments, code=0)
        evenhand("status", *arguments, code=1)
    for arguments in ((), ("--json",)):
        suite("run", "--inline", *bad, *arguments, code=1)


def test_a_blocked_trial_is_named_by_its_row_with_commands_that_work(here):
    rows = '\n  - erm\n  - la: {as: "student [x]", teacher: raises}'
    text = SUITE.replace("[erm, la, raises]", rows).replace("seeds: 2", "seeds: 1")
    (here / "my suite.yaml").write_text(text)
    said = suite("run", "--inline", *PLACE, code=1)
    for command in ("plan", "status", "run"):
        said = suite(command, *PLACE, code=0 if command == "plan" else 1)
        assert "blocked: student [x] on blobs-exp-4-n40, seed 0: it reads from raises on" in said
        show, again = hints(said.partition("blocked: ")[2])
        assert show[1] == "show"
        assert show[3:] == [*PLACE]
        assert "a method of somebody's own fails" in evenhand(*show[1:])
        assert again[-1] == "--retry-failed"
        assert json.loads(evenhand("plan", *again[2:], "--json"))["missing"] == 2


def test_no_command_in_a_message_has_the_keys_of_a_bucket():
    url, bare = "s3://KEY:HIDDEN@bucket/data?region=eu-west-1", "s3://bucket/data?region=eu-west-1"
    place = Place(data=url)
    words = shlex.split(suite_command("run", open_suite("quickstart"), place=place))
    assert words == ["evenhand", "run", "quickstart", "--data", bare]
    changed = source_command("run", "mine.yaml", only=(), plugins=(), changes=[f"data={url}"])
    assert shlex.split(changed) == ["evenhand", "run", "mine.yaml", "--set", f"data={bare}"]
    assert python_call("run", place=place) == f"evenhand.run(suite, data={bare!r})"
