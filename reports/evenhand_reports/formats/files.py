"""Write a leaderboard as files: a page, LaTeX tables, CSV, Markdown and Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evenhand.errors import ReportError

if TYPE_CHECKING:
    from evenhand_reports.board.leaderboard import Leaderboard


@dataclass(frozen=True)
class Written:
    """Where the files are; `tables` is their folder.

    fronts  hypervolumes in long form; None for a suite without fronts
    """

    html: Path
    tables: Path
    csv: Path
    markdown: Path
    parquet: Path
    fronts: Path | None = None


def write(board: Leaderboard, out: Path, *, command: str = "") -> Written:
    """All files of a report under `out`; command is what made it, for its page.

    Raises `ReportError` where they cannot be written.
    """
    from evenhand_reports.formats import html, hypervolumes, latex, long_form, markdown

    tables, texts = out / "tables", latex.files(board)
    fronts = hypervolumes.csv_text(board)
    written = Written(
        html=out / "index.html",
        tables=tables,
        csv=out / "leaderboard.csv",
        markdown=out / "leaderboard.md",
        parquet=out / "leaderboard.parquet",
        fronts=out / "fronts.csv" if fronts else None,
    )
    try:
        tables.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _write(tables / name, text)
        _write(written.html, html.render(board, command=command))
        _write(written.csv, long_form.csv_text(board))
        if written.fronts:
            _write(written.fronts, fronts)
        _write(written.markdown, markdown.render(board))
        long_form.write_parquet(board, written.parquet)
    except OSError as error:
        raise ReportError(f"{out}: the report cannot be written: {error.strerror}") from error
    return written


def _write(path: Path, text: str) -> None:
    """UTF-8 with Unix line ends everywhere: the same records give the same bytes."""
    path.write_text(text, encoding="utf-8", newline="\n")
