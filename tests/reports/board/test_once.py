"""Values that are computed once for each board."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evenhand.suite.declaration import SuiteDeclaration
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.once import once
from evenhand_reports.formats import latex, tex_frame


def test_a_function_is_computed_once_for_each_board(small: Leaderboard) -> None:
    calls: list[Leaderboard] = []

    @once
    def rows(board: Leaderboard) -> tuple[str, ...]:
        """The rows."""
        calls.append(board)
        return tuple(board.rows)

    part = replace(small, rows={"erm": "ERM"})

    assert [rows(small), rows(small)] == [tuple(small.rows)] * 2
    assert [rows(part), rows(part)] == [("erm",)] * 2
    assert len(calls) == 2
    assert rows.__doc__ == "The rows."


def test_all_tables_read_the_commands_of_the_records_once(
    small: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    rerun_suite = tex_frame.rerun_suite

    def counted(source: str, *given: object) -> str:
        calls.append(source)
        return rerun_suite(source, *given)  # type: ignore[arg-type]  # passed on as they are

    monkeypatch.setattr(tex_frame, "rerun_suite", counted)
    files = latex.files(replace(small))

    assert len(files) > 5
    assert len(calls) == 1


def test_the_order_on_a_problem_is_sorted_once(
    small: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, calls = replace(small), list[str]()
    primary_on = SuiteDeclaration.primary_on

    def counted(suite: SuiteDeclaration, problem: str) -> str:
        calls.append(problem)
        return primary_on(suite, problem)

    monkeypatch.setattr(SuiteDeclaration, "primary_on", counted)
    first = board.on(board.problems[0])
    first.clear()

    assert [r.row for r in board.on(board.problems[0])]
    assert sorted(calls) == sorted(board.problems)
