"""The files of a report: a page, LaTeX tables, CSV, Markdown and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evenhand.declared.visible_text import visible
from evenhand_reports.formats.own_files import Subject, check_folder, write_files

if TYPE_CHECKING:
    from evenhand_reports.board.leaderboard import Leaderboard

TABLES = "tables"
"""Name of the folder of the LaTeX tables."""


OPTIONAL = ("fronts", "across", "printed")
"""Files for other programs that only some suites have."""


@dataclass(frozen=True)
class ReportFiles:
    """Paths of the files of a report."""

    html: Path
    tables: Path
    """The folder of the LaTeX tables."""

    csv: Path
    comparisons: Path
    """The declared comparisons in long form."""

    markdown: Path
    parquet: Path
    fronts: Path | None = None
    """Hypervolumes in long form; None for a suite without fronts."""

    trials: Path | None = None
    """One line for each trial × split × checkpoint rule × metric."""

    curves: Path | None = None
    """One line for each trial × series × epoch."""

    across: Path | None = None
    """Average ranks and means over problems; None for a suite of one problem."""
    printed: Path | None = None
    """Verdicts on printed numbers by table; None where no row has a printed number."""


def write(board: Leaderboard, out: Path, *, command: str = "") -> ReportFiles:
    """Write all files of a report under `out`; the page shows `command` as its origin.

    The files of the suite's last report in this folder are replaced or removed. Raises
    `ReportError` where a file cannot be written, and before anything is written where the folder
    has files that no report has written, or a report that this one may not replace: of another
    suite or edition, or of the whole suite of which the board is a part.
    """
    # Imported here, because plotly and pyarrow take longer to import than a small report to write.
    from evenhand_reports.formats import exported, html, latex, long_form

    texts = _texts(board)
    optional = {name: out / f"{name}.csv" for name in OPTIONAL if f"{name}.csv" in texts}
    files = ReportFiles(
        html=out / "index.html",
        tables=out / TABLES,
        csv=out / "leaderboard.csv",
        comparisons=out / "comparisons.csv",
        markdown=out / "leaderboard.md",
        parquet=out / "leaderboard.parquet",
        trials=out / "trials.parquet",
        curves=out / "curves.parquet",
        **optional,
    )
    # The page's own script has control characters, and its texts are made visible one by one.
    page = html.render(board, command=command).encode()
    pages = {
        files.html.name: page,
        **encoded(texts),
        files.parquet.name: long_form.parquet_bytes(board),
        "trials.parquet": exported.trials_parquet(board),
        "curves.parquet": exported.curves_parquet(board),
    }
    tables = encoded(latex.files(board))
    subject = _subject(board)
    check_folder(out, subject, list(pages))
    check_folder(files.tables, subject, list(tables))
    write_files(out, subject, pages)
    write_files(files.tables, subject, tables)
    return files


def _texts(board: Leaderboard) -> dict[str, str]:
    """The files for other programs and for Markdown, by name; those without a line are left out."""
    from evenhand_reports.formats import (
        across_csv,
        comparison_lines,
        hypervolumes,
        long_form,
        markdown,
        printed_tables,
    )

    texts = {
        "leaderboard.csv": long_form.csv_text(board),
        "comparisons.csv": comparison_lines.csv_text(board),
        "leaderboard.md": markdown.render(board),
        "fronts.csv": hypervolumes.csv_text(board),
        "across.csv": across_csv.csv_text(board),
        "printed.csv": printed_tables.csv_text(board),
    }
    return {name: text for name, text in texts.items() if text}


def write_tables(board: Leaderboard, folder: Path) -> None:
    """Write the LaTeX tables into a folder, with the rules and errors of `write`."""
    from evenhand_reports.formats import latex

    write_files(folder, _subject(board), encoded(latex.files(board)))


def _subject(board: Leaderboard) -> Subject:
    return Subject(board.suite.suite, board.edition, board.only, board.changes)


def encoded(texts: Mapping[str, str]) -> dict[str, bytes]:
    """The texts in UTF-8, with Unix line ends on every system and signs for control characters."""
    return {name: visible(text).encode() for name, text in texts.items()}
