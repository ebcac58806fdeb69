"""What a terminal of 80 columns shows."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console, RenderableType

from evenhand.declared.record import Provenance
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats import terminal, trial
from tests.records import make_record
from tests.reports.golden import check


def text_of(shown: RenderableType, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, force_terminal=False).print(shown)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


@pytest.mark.parametrize("name", ["small", "torn"])
def test_the_leaderboard_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    board: Leaderboard = request.getfixturevalue(name)

    check(f"terminal-{name}.txt", text_of(terminal.render(board)))


def test_it_fits_80_columns(small: Leaderboard, torn: Leaderboard) -> None:
    for board in (small, torn):
        assert max(map(len, text_of(terminal.render(board)).splitlines())) <= 80


def test_a_trial_is_shown_as_it_was() -> None:
    record = make_record(method="vs", settings={"tau": 1.25, "gamma": 0.3}, seed=3, accuracy=0.71)

    check("trial.txt", text_of(trial.render(record)))


def test_a_trial_that_diverged_says_where() -> None:
    text = text_of(trial.render(make_record(status="diverged")))

    assert "diverged, loss is not finite, epoch 2, step 17" in text
    assert "epoch" not in text.split("fingerprint")[1]


def test_the_curves_of_a_trial_are_a_table_that_fits_80_columns() -> None:
    record = make_record(accuracy=0.7)
    names = ["val_balanced_group_accuracy", "test_balanced_group_accuracy", "val_loss"]
    curves = {"epoch": [float(e) for e in range(1, 201)], "lr": [0.1] * 200}
    curves["train_loss"] = [1234.5678] * 200
    more = {name: [0.5] * 200 for name in names}
    text = text_of(trial.render(record.model_copy(update={"curves": curves | more})))
    table = text.split("with printed numbers.")[1].split("time ")[0]

    assert [line.split()[0] for line in table.splitlines()[-10:] if line.strip()] == [
        "1", "29", "58", "86", "115", "143", "172", "200",
    ]  # fmt: skip
    assert table.splitlines()[-3].split() == ["200", "0.1", "1234.5678", "50.00", "50.00", "0.5000"]
    assert max(map(len, text.splitlines())) <= 80


def test_what_was_not_finite_in_a_curve_is_a_dash() -> None:
    short = {"epoch": [1.0, 2.0], "lr": [0.1, 0.1], "train_loss": [2.3, None]}
    record = make_record(status="diverged").model_copy(update={"curves": short})

    assert re.search(r"^ +2 +0.1 +–$", text_of(trial.render(record)), re.MULTILINE)


def test_a_record_with_little_in_it_can_be_shown() -> None:
    record = make_record(status="failed").model_copy(
        update={"data": None, "provenance": Provenance()}
    )

    assert "unknown" in text_of(trial.render(record))


def test_square_brackets_are_text_and_not_markup() -> None:
    record = make_record(method="vs", settings={"name": "[bold]x[/bold]"})

    assert "[bold]x[/bold]" in text_of(trial.render(record))
