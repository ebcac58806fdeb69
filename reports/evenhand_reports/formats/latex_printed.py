"""The cells of LaTeX tables with printed numbers, each with the mark of its verdict."""

from __future__ import annotations

from collections.abc import Callable

from evenhand_reports.board.results import Result
from evenhand_reports.formats.tex_text import escape
from evenhand_reports.papers.matching import PrintedNumbers, cited_text, quoted_text
from evenhand_reports.wording.printed_notes import marked

NUMBER_LETTERS = 24
"""Letters of printed numbers that fit into a line of a cell."""

WRAPPED = r"\parbox[t]{32mm}{\raggedleft %s\strut}"

NONE = "--"


def printed_by(printed: PrintedNumbers, paper: str) -> Callable[[Result | None], str]:
    """The column of the numbers of one paper."""

    def cell(result: Result | None) -> str:
        numbers = printed.get((result.row, result.problem), ()) if result else ()
        return _wrapped(quoted_text(numbers, paper, marked))

    return cell


def printed_by_all(printed: PrintedNumbers) -> Callable[[Result | None], str]:
    """The column of the numbers of all papers."""

    def cell(result: Result | None) -> str:
        numbers = printed.get((result.row, result.problem), ()) if result else ()
        return _wrapped(cited_text(numbers, marked))

    return cell


def _wrapped(text: str) -> str:
    """A cell of printed numbers; several with their sources take more lines, not more width."""
    return WRAPPED % escape(text) if len(text) > NUMBER_LETTERS else escape(text) or NONE
