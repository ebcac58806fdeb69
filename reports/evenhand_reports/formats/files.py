"""The files of a report: a page, LaTeX tables, CSV, Markdown and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evenhand.errors import ReportError

if TYPE_CHECKING:
    from evenhand_reports.board.leaderboard import Leaderboard


@dataclass(frozen=True)
class ReportFiles:
    """Paths of the files of a report."""

    html: Path
    tables: Path
    """The folder of the LaTeX tables."""

    csv: Path
    markdown: Path
    parquet: Path
    fronts: Path | None = None
    """Hypervolumes in long form; None for a suite without fronts."""


def write(board: Leaderboard, out: Path, *, command: str = "") -> ReportFiles:
    """Write all files of a report under `out`; the page shows `command` as its origin.

    Raises `ReportError` where a file cannot be written.
    """
    # Imported here, because plotly and pyarrow take longer to import than a small report to write.
    from evenhand_reports.formats import html, hypervolumes, latex, long_form, markdown

    fronts = hypervolumes.csv_text(board)
    files = ReportFiles(
        html=out / "index.html",
        tables=out / "tables",
        csv=out / "leaderboard.csv",
        markdown=out / "leaderboard.md",
        parquet=out / "leaderboard.parquet",
        fronts=out / "fronts.csv" if fronts else None,
    )
    texts = {
        files.html: html.render(board, command=command),
        files.csv: long_form.csv_text(board),
        files.markdown: markdown.render(board),
        **{files.tables / name: text for name, text in latex.files(board).items()},
        **({files.fronts: fronts} if files.fronts else {}),
    }
    write_texts(texts)
    with _report_errors(files.parquet):
        long_form.write_parquet(board, files.parquet)
    return files


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write each text to its path. Raises `ReportError` where one cannot be written."""
    for path, text in texts.items():
        with _report_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unix line ends on every system: the same records give the same bytes.
            path.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def _report_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(f"{path}: the report cannot be written: {error.strerror}") from error
