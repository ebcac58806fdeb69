"""Descriptions of a user's own files by `validate`, `plan` and `run`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evenhand.cli.app import app
from evenhand.cli.start import main

SUITE = """
suite: birds
question: What was read?
data: .
problems:
  - table: {path: birds.csv, label: species%s}
recipe: {features-linear: {epochs: 1}}
seeds: 2
methods: [erm]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    species = [("ant", "bee", "cat")[i % 3] for i in range(n)]
    table = pd.DataFrame({"species": species, "f1": rng.normal(size=n), "f2": rng.normal(size=n)})
    return table.assign(split=["train"] * 40 + ["test"] * 20)


def command(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def write(table: pd.DataFrame, settings: str = "") -> None:
    table.to_csv("birds.csv", index=False)
    Path("birds.yaml").write_text(SUITE % settings)


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_columns_sizes_and_duplicates_are_said_before_anything_trains(here, verb):
    table = frame()
    copied = pd.concat([table, table[:7].assign(split="test")])
    write(copied)

    said = command(verb, "birds.yaml")

    assert "3 classes; 40 training, 0 validation and 27 test examples" in said
    assert "features 2 columns: f1, f2" in said
    assert "species (label), split (split)" in said
    assert "7 of 27 test examples are also in the training split" in said


def test_the_plan_gives_the_same_as_json(here):
    write(frame())

    [(name, data)] = json.loads(CliRunner().invoke(app, ["plan", "birds.yaml", "--json"]).output)[
        "data"
    ].items()

    assert name == "table-birds"
    assert data["reading"]["features"] == ["f1", "f2"]
    assert (data["n_test"], data["shared"]) == (20, [])


def test_duplicates_are_said_by_the_run_before_its_first_trial(here):
    table = frame()
    write(pd.concat([table, table[:7].assign(split="test")]))

    said = CliRunner().invoke(app, ["run", "birds.yaml", "--inline"]).output

    note = said.index("table-birds: 7 of 27 test examples are also in the training split")
    assert note < said.index("erm on table-birds, seed 0: done")


def test_the_number_of_folds_is_said(here):
    write(frame().drop(columns="split"), ", split: {folds: 5}")

    assert "5-fold cross-validation: the seed chooses the test fold" in command(
        "validate", "birds.yaml"
    )


def test_every_seed_is_checked_where_the_training_split_decides_the_columns(
    here, monkeypatch, capsys
):
    table = frame().drop(columns="split").assign(f2=np.nan)
    table.loc[:1, "f2"] = [1.0, 2.0]
    write(table, ", split: {test: 0.1}, impute: mean, val: {fraction: 0.5}")
    suite = Path("birds.yaml").read_text().replace("seeds: 2", "seeds: 12")
    Path("birds.yaml").write_text(suite)
    monkeypatch.setattr("sys.argv", ["evenhand", "validate", "birds.yaml"])

    with pytest.raises(SystemExit, match="2"):
        main()

    assert "f2" in capsys.readouterr().err


def test_a_suite_is_valid_without_its_files(here):
    write(frame())
    Path("birds.csv").unlink()

    assert "not read: birds.csv does not exist on this machine" in command("validate", "birds.yaml")


def test_files_that_do_not_fit_are_refused_by_validate(here, monkeypatch, capsys):
    table = frame()
    write(table[(table.species != "cat") | (table.split != "test")])
    monkeypatch.setattr("sys.argv", ["evenhand", "validate", "birds.yaml"])

    with pytest.raises(SystemExit, match="2"):
        main()

    assert "1 of 3 classes have no example in the split test\n  cat: train 13, test 0" in (
        capsys.readouterr().err
    )
