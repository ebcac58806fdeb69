"""A leaderboard that shows itself and writes itself to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evenhand.errors import ReportError
from evenhand.suite.resolve import Suite

if TYPE_CHECKING:
    import pandas as pd

    from evenhand_reports.board.leaderboard import Leaderboard, Records
    from evenhand_reports.formats.files import Written

TERMINAL_WIDTH = 80


@dataclass(frozen=True, repr=False)
class Board:
    """The leaderboard of a suite: rows ranked with ties, tests, and what is missing.

    In a notebook it shows itself as tables, printed as text of 80 columns.
    """

    leaderboard: Leaderboard
    """The data, without layout."""

    @classmethod
    def of(cls, suite: Suite, store: Records) -> Self:
        """Read the suite's records from a store and rank them.

        Raises `ReportError` where there is none.
        """
        from evenhand_reports.board import leaderboard

        return cls(leaderboard.build(suite, store))

    @property
    def answer(self) -> str:
        """The leaderboard's answer in one sentence."""
        from evenhand_reports.wording.summary import answer

        return answer(self.leaderboard)

    def to_html(self, path: str | Path, *, command: str = "") -> Path:
        """Write the page, one file that opens from disk; returns its path.

        command is the command line that made it, which the page shows. Raises `ReportError` where
        the file cannot be written.
        """
        from evenhand_reports.formats import html

        return _written(Path(path), {"": html.render(self.leaderboard, command=command)})

    def to_latex(self, folder: str | Path) -> Path:
        """Write the tables for a paper, `*.tex` with booktabs, into a folder; returns its path.

        `standalone.tex` compiles by itself. Raises `ReportError` where a file cannot be written.
        """
        from evenhand_reports.formats import latex

        return _written(Path(folder), latex.files(self.leaderboard))

    def to_markdown(self) -> str:
        """The leaderboard as Markdown, for a README or a pull request."""
        from evenhand_reports.formats import markdown

        return markdown.render(self.leaderboard)

    def to_frame(self) -> pd.DataFrame:
        """One row for each estimate: row × problem × metric × checkpoint rule, with its interval.

        The columns are those of `leaderboard.csv`; scores are fractions.
        """
        import pandas as pd

        from evenhand_reports.formats import long_form

        return pd.DataFrame(list(long_form.lines(self.leaderboard)))

    def write(self, folder: str | Path, *, command: str = "") -> Written:
        """Write the page, the tables, CSV, Markdown and Parquet into a folder.

        Raises `ReportError` where they cannot be written.
        """
        from evenhand_reports.formats import files

        return files.write(self.leaderboard, Path(folder), command=command)

    def __rich__(self) -> Any:
        from evenhand_reports.formats import terminal

        return terminal.render(self.leaderboard)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=TERMINAL_WIDTH, color_system=None, highlight=False)
        with console.capture() as captured:
            console.print(self)
        return captured.get()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from evenhand_reports.formats import notebook

        return notebook.render(self.leaderboard)


def _written(path: Path, texts: dict[str, str]) -> Path:
    """Write texts to files in a folder, or one without a name to the path itself."""
    try:
        for name, text in texts.items():
            target = path / name if name else path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ReportError(f"{path}: the report cannot be written: {error.strerror}") from error
    return path
