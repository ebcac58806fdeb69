"""Notes on validation images and on the settings that were chosen with them."""

from __future__ import annotations

from typing import Any

import pytest

from evenhand.declared.trial import Val
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, markdown, terminal
from evenhand_reports.wording.footnotes import footnotes
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import around, make_suite, scored

HALVED: dict[str, Any] = {"val": Val(test_half=True)}
NOTE = "the validation images are one half of the data set's own test images"


def board_of(*problems: dict[str, Any]) -> Leaderboard:
    suite = make_suite(problems=problems)
    return build_from(suite, scored(suite, around({"erm": 0.65, "la": 0.7, "vs": 0.7})))


def flat(text: str) -> str:
    return " ".join(text.replace("&#39;", "'").split())


def test_half_of_the_test_images_as_validation_images_is_said_in_every_format() -> None:
    board = board_of(HALVED)
    tables = [text for text in latex.files(board).values() if r"\caption" in text]

    note = f"On all problems, {NOTE}"
    assert note in footnotes(board)[-1]
    assert note in flat(html.render(board))
    assert note in flat(markdown.render(board))
    assert note in flat(text_of(terminal.render(board)))
    assert len(tables) >= 3 and all(note in flat(table) for table in tables)


def test_where_some_problems_halve_their_test_images_they_are_named() -> None:
    board = board_of({}, HALVED, {"profile": "step"})

    assert f"On cifar10-exp-100-testhalf, {NOTE}" in footnotes(board)[-1]


@pytest.mark.parametrize("val", [Val(), Val(per_class=500), Val(fraction=0.1)], ids=str)
def test_other_validation_images_have_no_such_note(val: Val) -> None:
    assert not any(NOTE in note for note in footnotes(board_of({"val": val})))


@pytest.mark.parametrize(("taus", "is_noted"), [([1.0, 2.0], True), ([1.0], False)])
def test_a_choice_of_settings_is_noted_where_a_method_has_several(
    taus: list[float], is_noted: bool
) -> None:
    rows = {"ERM": [{}], "LA": [{"tau": tau} for tau in taus]}
    suite = make_suite(rows, select={})
    board = build_from(suite, scored(suite, around({"erm": 0.65, "la": 0.7})))

    noted = [note for note in footnotes(board) if "on validation data" in note]
    assert len(noted) == is_noted
    assert all(note.startswith("Where a method has several settings, one was") for note in noted)
