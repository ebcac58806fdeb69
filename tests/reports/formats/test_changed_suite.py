"""The report of a suite that `--set` has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evenhand.errors import ReportError
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats import files
from evenhand_reports.wording.footnotes import footnotes

CHANGES = ("problems.selection=null", "seeds=2")


def test_a_folder_has_the_report_of_one_set_of_changes(small: Leaderboard, tmp_path: Path) -> None:
    changed = replace(small, changes=CHANGES)
    files.write_tables(changed, tmp_path)
    files.write_tables(changed, tmp_path)
    with pytest.raises(ReportError, match="with no changes"):
        files.write_tables(small, tmp_path)


def test_the_footnotes_and_the_rerun_state_the_changes(small: Leaderboard, tmp_path: Path) -> None:
    changed = replace(small, changes=CHANGES)
    files.write_tables(changed, tmp_path)
    text = (tmp_path / "leaderboard.tex").read_text(encoding="utf-8")
    assert "--set problems.selection=null --set seeds=2" in text
    assert any("problems.selection=null and seeds=2" in note for note in footnotes(changed))
