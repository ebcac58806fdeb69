"""The leaderboard of a suite for notebooks and scripts, with methods that show and write it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evenhand.suite.resolve import Suite

if TYPE_CHECKING:
    import pandas as pd

    from evenhand_reports.board.leaderboard import Leaderboard
    from evenhand_reports.board.record_source import Records
    from evenhand_reports.formats.files import ReportFiles


@dataclass(frozen=True, repr=False)
class Board:
    """The leaderboard of a suite: rows by their means, with tests and gaps.

    A notebook shows it as HTML tables; `print` shows it as text of 80 columns.

    >>> import tempfile
    >>> import evenhand as eh
    >>> suite, folder = eh.open_suite("quickstart", only="method=erm,seed=0"), tempfile.mkdtemp()
    >>> after = eh.run(suite, folder, inline=True)
    >>> board = eh.leaderboard(suite, folder)
    >>> board.to_html(folder + "/index.html").name
    'index.html'
    """

    leaderboard: Leaderboard
    """The data, without layout."""

    @classmethod
    def of(cls, suite: Suite, store: Records) -> Self:
        """Read the suite's records from a store and rank its rows.

        Raises `ReportError` where the store has no record of the suite.
        """
        from evenhand_reports.board import leaderboard

        return cls(leaderboard.build(suite, store))

    @property
    def answer(self) -> str:
        """The suite's finding in words, as the report states it."""
        from evenhand_reports.wording.answer import answer

        return answer(self.leaderboard)

    @property
    def failure(self) -> str:
        """The reason why no row has a score, with the causes; "" where a row has one."""
        from evenhand_reports.wording.summary import failure

        return failure(self.leaderboard)

    def to_html(self, path: str | Path, *, command: str = "") -> Path:
        """Write the page, one file that opens from disk, and return its path.

        The page shows `command` as its origin. Raises `ReportError` where the file cannot be
        written.
        """
        from evenhand_reports.formats import html
        from evenhand_reports.formats.own_files import write_file

        page = Path(path)
        write_file(page, html.render(self.leaderboard, command=command).encode())
        return page

    def to_latex(self, folder: str | Path) -> Path:
        """Write the tables for a paper, `*.tex` with booktabs, into a folder and return its path.

        `standalone.tex` compiles by itself. The tables that this suite's last report wrote into the
        folder are replaced or removed. Raises `ReportError` where a file cannot be written, or
        where the folder has files that `write` would not replace.
        """
        from evenhand_reports.formats import files

        tables = Path(folder)
        files.write_tables(self.leaderboard, tables)
        return tables

    def to_markdown(self) -> str:
        """The leaderboard as Markdown, for a README or a pull request."""
        from evenhand_reports.formats import markdown

        return markdown.render(self.leaderboard)

    def to_frame(self) -> pd.DataFrame:
        """One row for each estimate: row × problem × metric × checkpoint rule, with its interval.

        The columns are those of `leaderboard.csv`; scores are fractions, NLL is in nats.
        """
        import pandas as pd

        from evenhand_reports.formats import long_form

        return pd.DataFrame(list(long_form.lines(self.leaderboard)))

    def printed_frame(self) -> pd.DataFrame:
        """One row for each table that the suite's papers print, with the counts of its verdicts.

        The columns are those of `printed.csv`. `to_frame` has the verdict on each number.
        """
        import pandas as pd

        from evenhand_reports.formats import printed_tables

        return pd.DataFrame(list(printed_tables.lines(self.leaderboard)))

    def write(self, folder: str | Path, *, command: str = "") -> ReportFiles:
        """Write the page, the tables, CSV, Markdown and Parquet into a folder.

        The files of this suite's last report in the folder are replaced or removed, as a file
        `report.json` lists them. Raises `ReportError` where a file cannot be written or is in the
        way that no report has written, and where the folder has a report of another suite or
        edition, or of the whole suite of which this board is a part.
        """
        from evenhand_reports.formats import files

        return files.write(self.leaderboard, Path(folder), command=command)

    def export(self, path: str | Path) -> Path:
        """Write the table that the file is named after and return its path.

        `trials.csv`, `curves.parquet`, `leaderboard.json`, `comparisons.csv`: every table has the
        three formats. A file that is there is replaced. Raises `ReportError` for another name, and
        where the file cannot be written.
        """
        from evenhand_reports.formats import exported

        file = Path(path)
        exported.export(self.leaderboard, file)
        return file

    def __rich__(self) -> Any:
        from evenhand_reports.formats import terminal

        return terminal.render(self.leaderboard)

    def __str__(self) -> str:
        from evenhand_reports.formats.plain_text import plain_text

        return plain_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from evenhand_reports.formats import notebook

        return notebook.render(self.leaderboard)
