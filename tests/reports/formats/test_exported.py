"""Tables for other programs: the frames of the Python API in three formats, and in the report."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import evenhand_reports
from evenhand.errors import ReportError
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.board.suite_trials import SuiteTrials
from evenhand_reports.formats import exported, long_form
from evenhand_reports.formats.curves import curves_table
from evenhand_reports.formats.frame import trials_frame
from tests.records import make_record
from tests.reports.suites import make_suite


@pytest.fixture
def diverged() -> Leaderboard:
    """A trial that is done, one with a loss that was not finite, and one without a record."""
    suite = make_suite(["ERM"], seeds=3)
    done, other, _ = suite.trials.values()
    record = make_record(trial=other)
    losses = [1.5, None, *record.curves["train_loss"][2:]]
    broken = record.model_copy(
        update={
            "exit": record.exit.model_copy(update={"status": "diverged", "cause": "loss"}),
            "curves": {"epoch": record.curves["epoch"], "train_loss": losses},
        }
    )
    return build_from(suite, [make_record(trial=done), broken])


@pytest.mark.parametrize("name", exported.KINDS)
def test_the_three_formats_hold_the_same(name: str, torn: Leaderboard, tmp_path: Path) -> None:
    for ending in exported.FORMATS:
        exported.export(torn, tmp_path / "new" / f"{name}{ending}")

    typed = pq.read_table(tmp_path / "new" / f"{name}.parquet").to_pylist()
    with (tmp_path / "new" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        plain = list(csv.DictReader(file))
    assert typed
    assert json.loads((tmp_path / "new" / f"{name}.json").read_text("utf-8")) == typed
    assert plain == [
        {k: "" if v is None else str(long_form.inert(v)) for k, v in row.items()} for row in typed
    ]


def test_a_report_has_the_trials_and_curves_and_owns_the_files(
    torn: Leaderboard, tmp_path: Path
) -> None:
    written = evenhand_reports.write(torn, tmp_path)
    evenhand_reports.write(torn, tmp_path)

    assert written.trials is not None
    assert written.curves is not None
    owned = json.loads((tmp_path / "report.json").read_text())["files"]
    assert {"trials.parquet", "curves.parquet"} <= {*owned}
    trials, curves = pq.read_table(written.trials), pq.read_table(written.curves)
    assert trials.equals(exported.trials_table(torn))
    assert curves.to_pylist() == curves_table(SuiteTrials.of(torn)).to_pylist()


def test_the_report_and_the_export_of_the_leaderboard_are_the_same(
    torn: Leaderboard, tmp_path: Path
) -> None:
    written = evenhand_reports.write(torn, tmp_path / "report")
    for name in ("leaderboard.csv", "leaderboard.parquet", "comparisons.csv"):
        exported.export(torn, tmp_path / name)

        assert (tmp_path / name).read_bytes() == written.html.with_name(name).read_bytes()


def test_every_trial_is_in_the_table_of_trials(diverged: Leaderboard) -> None:
    frame = trials_frame(SuiteTrials.of(diverged))

    assert dict(frame.groupby("seed")["status"].first()) == {0: "done", 1: "diverged", 2: "missing"}
    assert frame.query("status != 'done'")["value"].isna().all()
    assert frame.query("seed == 0")["value"].notna().all()


def test_every_epoch_of_every_series_is_in_the_table_of_curves(diverged: Leaderboard) -> None:
    frame = curves_table(SuiteTrials.of(diverged)).to_pandas()
    records = {record.trial.seed: record for record in diverged.records.values()}

    assert not frame.duplicated(["key", "series", "epoch"]).any()
    for seed, record in records.items():
        of = frame[frame["seed"] == seed]
        assert set(of["series"]) == record.curves.keys() - {"epoch"}
        assert set(of["key"]) == {record.key}
        assert set(of["status"]) == {record.exit.status}
        for name, part in of.groupby("series", observed=True):
            expected = np.array(record.curves[name], dtype=float)
            np.testing.assert_array_equal(part["value"], expected)
            assert list(part["epoch"]) == record.curves["epoch"]
    assert set(frame["seed"]) == {0, 1}


def test_a_series_that_was_not_finite_is_null(diverged: Leaderboard, tmp_path: Path) -> None:
    exported.export(diverged, tmp_path / "curves.json")

    lines = json.loads((tmp_path / "curves.json").read_text())
    losses = [line["value"] for line in lines if line["seed"] == 1]
    assert losses[:2] == [1.5, None]


def test_curves_of_many_trials_are_whole_across_batches(
    torn: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = curves_table(SuiteTrials.of(torn))
    monkeypatch.setattr("evenhand_reports.formats.curves.AT_ONCE", 2)

    parts = curves_table(SuiteTrials.of(torn))

    assert len(parts["value"].chunks) > 1
    pd.testing.assert_frame_equal(parts.to_pandas(), whole.to_pandas())


def test_a_store_without_curves_has_an_empty_table(torn: Leaderboard) -> None:
    bare = {key: record.model_copy(update={"curves": {}}) for key, record in torn.records.items()}

    assert curves_table(SuiteTrials.of(replace(torn, records=bare))).num_rows == 0
    assert exported.curves_parquet(replace(torn, records=bare))


def test_settings_of_several_types_become_texts() -> None:
    suite = make_suite({"VS": [{"tau": 1.0}], "LA": [{"tau": 2}]}, seeds=2)
    mixed = make_suite({"VS": [{"map": "linear"}], "LA": [{"map": True}]}, seeds=2)

    numbers, texts = (
        exported.trials_table(build_from(s, [make_record(trial=t) for t in s.trials.values()]))
        for s in (suite, mixed)
    )

    assert set(numbers["method.tau"].to_pylist()) == {1.0, 2.0}
    assert set(texts["method.map"].to_pylist()) == {"linear", "True"}


def test_a_title_that_begins_like_a_formula_is_inert_in_csv_alone(
    small: Leaderboard, tmp_path: Path
) -> None:
    first, *others = small.configurations
    odd = replace(small, configurations=(replace(first, title="=1+1"), *others))
    for name in ("trials.csv", "curves.csv", "trials.json"):
        exported.export(odd, tmp_path / name)

    for name in ("trials.csv", "curves.csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            titles = {line["title"] for line in csv.DictReader(file)}
        assert "'=1+1" in titles
        assert "=1+1" not in titles
    assert '"=1+1"' in (tmp_path / "trials.json").read_text()


@pytest.mark.parametrize("name", ["trials.xlsx", "scores.csv", "trials", ".csv"])
def test_another_name_is_an_error_with_the_names_that_exist(
    name: str, small: Leaderboard, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=r"(?s)no table and format.*trials, curves.*trials\.csv"):
        exported.export(small, tmp_path / name)
    assert not list(tmp_path.iterdir())
