"""The long form: one number a line, the same in CSV and Parquet, and never NaN."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass

import pyarrow.parquet as pq
import pytest

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats import long_form, markdown
from tests.reports.golden import check


def test_every_metric_and_rule_of_every_standing_is_a_line(small: Leaderboard) -> None:
    lines = list(long_form.lines(small))

    assert len(lines) == 3 * 2 * 2 * 3
    assert {line.split for line in lines} == {"test"}
    assert all(line.complete and line.n == 5 for line in lines)


def test_csv_and_parquet_hold_the_same(torn: Leaderboard) -> None:
    typed = pq.read_table(io.BytesIO(long_form.parquet_bytes(torn))).to_pylist()
    plain = list(csv.DictReader(io.StringIO(long_form.csv_text(torn))))

    written = [{k: "" if v is None else str(v) for k, v in row.items()} for row in typed]
    assert written == plain


def test_nan_is_nowhere(torn: Leaderboard) -> None:
    for line in long_form.lines(torn):
        values = (v for v in vars(line).values() if isinstance(v, float))
        assert all(math.isfinite(value) for value in values)
    assert "nan" not in long_form.csv_text(torn).lower()


def test_an_incomplete_line_says_so_and_has_no_rank(torn: Leaderboard) -> None:
    [line] = [
        line
        for line in long_form.lines(torn)
        if (line.row, line.problem, line.metric, line.rule, line.split)
        == ("erm", "cifar10-exp-100", "balanced_accuracy", "last", "test")
    ]

    assert (line.complete, line.rank, line.n, line.seeds) == (False, None, 3, 5)
    assert len(line.keys.split()) == 3


def test_validation_scores_of_all_settings_are_there(torn: Leaderboard) -> None:
    lines = [line for line in long_form.lines(torn) if line.split == "val" and line.row == "la"]

    assert [(line.setting, line.chosen) for line in lines if line.problem.endswith("step-100")] == [
        ("tau=1", True),
        ("tau=2", False),
    ]


def test_differences_are_in_the_units_of_the_scores(small: Leaderboard) -> None:
    line = next(line for line in long_form.lines(small) if line.row == "vs" and line.rank)

    assert line.difference_to_baseline == pytest.approx(0.07, abs=0.01)


@pytest.mark.parametrize("name", ["small", "torn"])
def test_markdown_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    check(f"leaderboard-{name}.md", markdown.render(request.getfixturevalue(name)))


def test_markdown_escapes_what_would_break_its_table() -> None:
    assert markdown.escape("a|b *c* <script>\n_d_") == r"a\|b \*c\* \<script\> \_d\_"


def test_a_markdown_row_has_a_cell_for_every_heading(small: Leaderboard) -> None:
    text = markdown.render(small)
    tables = [t for t in re.split(r"\n(?!\|)", text) if "\n|" in t]

    for each in tables:
        assert len({line.count("|") for line in each.splitlines() if line.startswith("|")}) == 1
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table[0].split(" | ")[4:7] == ["Δ to best (p)", "Δ to ERM (p)", "n"]
    assert table[2].split(" | ")[6] == "5"


@dataclass(frozen=True)
class Cell:
    """A line of one text and one number."""

    text: str
    number: float


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1"])
def test_a_text_of_the_csv_file_is_no_formula_of_a_spreadsheet(text: str) -> None:
    [_, line] = csv.reader(io.StringIO(long_form.csv_of(Cell, [Cell(text, -0.5)]), newline=""))

    assert line == [f"'{text}", "-0.5"]


def test_other_texts_of_the_csv_file_stay_as_they_are() -> None:
    assert long_form.csv_of(Cell, [Cell("vs(tau=1)", 0.5)]) == "text,number\nvs(tau=1),0.5\n"
