"""Tables of declared comparisons for a paper: difference, interval, p-value and verdict."""

from __future__ import annotations

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats.file_names import file_names, slug
from evenhand_reports.formats.tex_frame import floated, table_block, table_row
from evenhand_reports.formats.tex_text import escape, tex_number
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.verdicts import (
    HEADERS,
    VerdictLine,
    verdict_lines,
    verdict_note,
)


def comparison_tables(board: Leaderboard) -> dict[str, str]:
    """LaTeX text by file name: a table for each problem with declared comparisons."""
    names = dict(zip(board.all_problems, file_names(board.all_problems), strict=True))
    found = {problem: verdict_lines(board, problem) for problem in board.problems}
    return {
        f"comparisons-{names[problem]}.tex": _table(board, problem, names[problem], lines)
        for problem, lines in found.items()
        if lines
    }


def _table(board: Leaderboard, problem: str, name: str, lines: list[VerdictLine]) -> str:
    rows = [table_row(line.pair, _cells(line)) for line in lines]
    first, *heads = [head if len(head) == 1 else f"{head[0].upper()}{head[1:]}" for head in HEADERS]
    primary = formatting.within_sentence(board.metrics[board.primary(problem)])
    by = "" if board.verdicts[problem].tested else f" by {primary}"
    return floated(
        board,
        [table_block(first, heads, rows, width=len(heads))],
        columns="@{}lrrrrl@{}",
        caption=f"Declared comparisons on {problem}{by}.",
        label=f"{slug(board.suite.suite)}-{name}:comparisons",
        notes=[
            verdict_note(board, problem),
            *footnotes(board, problem=problem, shows="comparisons"),
        ],
    )


def _cells(line: VerdictLine) -> list[str]:
    numbers = [
        "--" if text == formatting.NO_VALUE else f"${tex_number(text)}$"
        for text in (line.difference, line.interval, line.p)
    ]
    return [*numbers, line.n, escape(line.verdict)]
