"""The command line as a person types it, in this process and without Ray."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from evenhand.cli.app import app
from evenhand.errors import EvenhandError
from evenhand.suite.declaration import shipped
from evenhand.suite.yaml_lines import read

PARTS = str(Path(__file__).parents[1] / "execution" / "parts.py")
SUITE = """
suite: small
question: Does it run?
problems:
  - blobs: {profile: exp, ratio: 4, n_max: 40}
val: {per_class: 10}
recipe: quick
seeds: 2
methods: [erm, la, raises]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


def evenhand(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and isinstance(result.exception, EvenhandError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with one suite in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "small.yaml").write_text(SUITE)
    return tmp_path


def small(*arguments: str, code: int = 0) -> str:
    command, *rest = arguments
    return evenhand(command, "small.yaml", "--plugin", PARTS, *rest, code=code)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("suites", "quickstart"),
        ("methods", "vs_tla_adrw"),
        ("datasets", "digits"),
        ("backbones", "cifar_resnet32"),
        ("metrics", "balanced_accuracy"),
        ("recipes", "digits"),
        ("profiles", "exp"),
        ("schedules", "cosine"),
        ("augmentations", "crop"),
    ],
)
def test_list_names_what_there_is(kind, name):
    assert name in evenhand("list", kind)
    rows = json.loads(evenhand("list", kind, "--json"))
    assert name in [row["name"] for row in rows]


def test_list_methods_tells_settings_with_defaults_and_the_source():
    rows = {row["name"]: row for row in json.loads(evenhand("list", "methods", "--json"))}
    assert rows["vs"]["settings"]["tau"] == {"type": "float", "required": False, "default": 1.0}
    assert rows["vs"]["cite"] == "kini2021label"
    assert rows["erm"]["aliases"] == ["ce"]


def test_a_plugin_lists_beside_our_own(here):
    assert "raises" in evenhand("list", "methods", "--plugin", PARTS)


def test_the_schema_accepts_every_shipped_suite_and_refuses_a_typo():
    schema = json.loads(evenhand("schema"))
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    for path in shipped().values():
        assert not list(check.iter_errors(read(path).data)), path
    broken = yaml.safe_load(SUITE) | {"methods": ["erm", {"vs": {"gama": 0.1}}]}
    broken["problems"], broken["recipe"] = ["digits"], "digits"
    assert [error.path[0] for error in check.iter_errors(broken)] == ["methods"]
    right = broken | {"methods": ["erm"]}
    assert [error.path[0] for error in check.iter_errors(right | {"baseline": 3})] == ["baseline"]
    for baseline in ("erm", "ce", "distilled-vs", "vs+post_shift", "the name of a row"):
        assert not list(check.iter_errors(right | {"baseline": baseline}))


def test_the_main_job_from_plan_to_leaderboard(here):
    plan = json.loads(small("plan", "--json"))
    wanted = {"trials": 6, "done": 0, "missing": 6, "failed": 0}
    assert {k: plan[k] for k in wanted} == wanted

    said = small("run", "--inline", code=1)
    assert "raises on blobs-exp-4-n40, seed 0: failed: RuntimeError" in said

    status = json.loads(small("status", "--json", code=1))
    assert (status["done"], status["missing"], status["failed"]) == (4, 0, 2)
    [(cause, trials)] = status["failures"].items()
    assert "a method of somebody's own fails" in cause
    assert len(trials) == 2
    assert "2/2" in small("status", code=1)

    assert "2 failed" in small("run", "--inline", code=1)
    assert json.loads(small("plan", "--json"))["failed"] == 2

    said = small("report")
    assert "ERM" in said
    assert (here / "report/small/index.html").is_file()
    assert (here / "report/small/tables/standalone.tex").is_file()

    said = small("export", "--to", "trials.csv", "--to", "out/curves.parquet")
    assert said.split() == ["trials.csv", "out/curves.parquet"]
    assert len((here / "trials.csv").read_text().splitlines()) > 6
    assert (here / "out/curves.parquet").is_file()

    assert "4 done, 2 failed" in evenhand("status", code=1)
    key = next(p.name for p in (here / "results/main").iterdir() if p.is_dir())
    assert key in evenhand("show", key[:10])
    assert json.loads(evenhand("show", key, "--json"))["key"] == key


def test_a_plan_of_many_rows_is_summed_up_by_method(here):
    taus = ", ".join(str(i / 100) for i in range(80))
    swept = SUITE.replace("[erm, la, raises]", f"[erm, la: {{tau: {{grid: [{taus}]}}}}]")
    (here / "small.yaml").write_text(swept)

    shown = small("plan")

    erm, la = (line.split() for line in shown.splitlines() if line.startswith(("erm", "la")))
    assert erm == ["erm", "2", "0", "2", "0", "–", "unknown"]
    assert la == ["la:", "80", "settings", "160", "0", "160", "0", "–", "unknown"]
    assert "81 rows in all; --json lists each" in shown
    assert len(json.loads(small("plan", "--json"))["methods"]) == 81


def test_only_keeps_a_part_of_a_suite_on_every_verb(here):
    only = ("--only", "method=la,seed=1")
    assert "= 1 trial" in small("validate", *only)
    assert json.loads(small("plan", "--json", *only))["trials"] == 1
    small("run", "--inline", *only)
    assert json.loads(small("plan", "--json"))["done"] == 1
    assert json.loads(small("status", "--json", *only))["done"] == 1
    small("report", "--only", "method=la")


def test_events_for_machines_are_one_json_value_a_line(here):
    lines = small("run", "--inline", "--json", "--only", "method=erm,seed=0").splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [e["kind"] for e in events]
    assert (*kinds[:3], *kinds[-2:]) == ("ready", "started", "progress", "ended", "over")
    assert events[0]["slots"] == 1
    assert events[-2]["status"] == "done"
    assert events[-1] == {"kind": "over", "done": 1, "failed": 0, "missing": 0, "blocked": 0}
    assert 0 <= events[2]["score"] <= 1


def test_a_run_stops_after_more_failures_than_allowed(here):
    small("run", "--inline", "--max-failures", "0", "--only", "method=raises", code=1)
    status = json.loads(small("status", "--json", code=1))
    assert (status["failed"], status["missing"]) == (1, 5)


def test_a_trial_over_its_time_limit_is_a_record_that_says_so(here):
    small("run", "--inline", "--time-limit", "0.000001s", "--only", "method=erm", code=1)
    [cause] = json.loads(small("status", "--json", code=1))["failures"]
    assert "time limit" in cause


def test_a_key_that_is_not_there_is_named(here):
    with pytest.raises(EvenhandError, match=r"no record .*'abc'"):
        evenhand("show", "abc")


def test_a_report_of_nothing_says_what_to_run(here):
    with pytest.raises(EvenhandError, match="evenhand run"):
        small("report")


def test_a_report_of_nothing_but_failures_is_written_and_exits_with_1(here):
    small("run", "--inline", "--only", "method=raises", code=1)
    result = CliRunner().invoke(
        app, ["report", "small.yaml", "--plugin", PARTS, "--only", "method=raises"]
    )

    assert result.exit_code == 1
    assert "no trial of small has a score: 2 failed" in result.stderr
    assert "a method of somebody's own fails" in result.stderr
    assert (here / "report/small-part/index.html").is_file()
    small("run", "--inline", "--only", "method=erm")
    small("report")


def test_a_part_and_another_edition_have_report_folders_of_their_own(here):
    small("run", "--inline", "--only", "method=erm")
    small("run", "--inline", "--only", "method=erm", "--edition", "night")
    small("report")
    small("report", "--only", "seed=0")
    small("report", "--edition", "night")
    small("report", "--edition", "night", "--only", "seed=0")

    names = {path.parent.name for path in here.glob("report/*/index.html")}
    assert names == {"small", "small-part", "small-night", "small-night-part"}
    with pytest.raises(EvenhandError, match=r"report/small: .*whole suite 'small'.*seed=0.*\n"):
        small("report", "--only", "seed=0", "--out", "report/small")


def test_a_report_folder_of_another_suite_is_refused(here):
    small("run", "--inline", "--only", "method=erm,seed=0")
    small("report", "--out", "out")
    text = (here / "small.yaml").read_text().replace("suite: small", "suite: other")
    (here / "other.yaml").write_text(text)
    with pytest.raises(EvenhandError, match=r"report of the suite 'small'.*'other'\n.*--out DIR"):
        evenhand("report", "other.yaml", "--plugin", PARTS, "--out", "out")


def test_a_suite_of_a_long_name_has_a_report_folder_of_a_short_one(here):
    text = (here / "small.yaml").read_text().replace("suite: small", f"suite: {'x' * 300}")
    (here / "small.yaml").write_text(text)
    small("run", "--inline", "--only", "method=erm,seed=0")
    small("report", "--only", "method=erm,seed=0")
    [folder] = (here / "report").iterdir()
    assert len(folder.name) == 80
