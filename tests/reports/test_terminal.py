"""What a terminal of 80 columns shows."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from harness.spec.record import Provenance
from reports import terminal, trial
from reports.leaderboard import Leaderboard
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
    assert "evenhand run suites/cifar-lt.yaml --only" in text


def test_a_record_with_little_in_it_can_be_shown() -> None:
    record = make_record(status="failed").model_copy(
        update={"data": None, "provenance": Provenance()}
    )

    assert "unknown" in text_of(trial.render(record))


def test_square_brackets_are_text_and_not_markup() -> None:
    record = make_record(method="vs", settings={"name": "[bold]x[/bold]"})

    assert "[bold]x[/bold]" in text_of(trial.render(record))
