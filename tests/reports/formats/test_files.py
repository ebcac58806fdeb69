"""All files of a report, and how little it takes to import what writes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import evenhand_reports
from evenhand.errors import ReportError
from evenhand_reports.board.leaderboard import Leaderboard

LIGHT = """
import sys, evenhand_reports
heavy = {'scipy', 'pandas', 'plotly', 'jinja2', 'pyarrow', 'torch', 'ray'} & set(sys.modules)
assert not heavy, heavy
"""

NO_TORCH = """
import sys
from evenhand_reports.formats import html, latex, markdown, terminal, long_form, trial
from evenhand_reports.board import leaderboard
from evenhand_reports.papers import published
from evenhand.metrics import better
better('balanced_accuracy')
heavy = {'torch', 'ray', 'timm', 'torchvision'} & set(sys.modules)
assert not heavy, heavy
"""


def test_every_file_is_there(small: Leaderboard, tmp_path: Path) -> None:
    written = evenhand_reports.write(small, tmp_path / "out")

    for path in (
        written.html,
        written.csv,
        written.comparisons,
        written.markdown,
        written.parquet,
        written.across,
        written.trials,
        written.curves,
    ):
        assert path is not None
        assert path.stat().st_size > 0
    assert {path.name for path in written.tables.iterdir()} == {
        "across-problems.tex",
        "leaderboard.tex",
        "macros.tex",
        "standalone.tex",
        "report.json",
        *(
            f"{kind}-cifar10-{p}-100.tex"
            for kind in ("problem", "metrics", "comparisons")
            for p in ("exp", "step")
        ),
    }


def test_writing_twice_gives_the_same_bytes(small: Leaderboard, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        evenhand_reports.write(small, tmp_path / folder)

    for path in (tmp_path / "a").rglob("*.*"):
        again = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == again.read_bytes(), path.name


def test_a_folder_that_cannot_be_written_is_an_error(small: Leaderboard, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ReportError, match="cannot be written"):
        evenhand_reports.write(small, tmp_path / "file")


@pytest.mark.parametrize("code", [LIGHT, NO_TORCH], ids=["light", "no torch"])
def test_importing_is_light(code: str) -> None:
    root = Path(evenhand_reports.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False, timeout=60)
    assert done.returncode == 0
