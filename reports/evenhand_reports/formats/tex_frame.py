"""The frame of every LaTeX table: its provenance in comments, its caption, pages and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evenhand.suite.commands import DEFAULT_RESULTS, Place, store_command
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.once import once
from evenhand_reports.board.provenance import rerun_suite
from evenhand_reports.formats.tex_text import breakable, comment, escape
from evenhand_reports.wording.summary import gap_cause, gap_location

PAGE = 52.0
"""Lines of a table, its caption and its notes that fit on one page of common templates."""

NOTE = 0.85
"""Height of a line of the notes, in lines of the table."""

NOTE_LETTERS = 105
CAPTION_LETTERS = 80
TITLE_LETTERS = 32
"""Letters of a row's name that fit on one line of the table."""

FOLDED_LETTERS = 24
"""The same for a name that is folded, whose lines end early."""

WIDE_WORD = 40
"""Letters of a word of captions and notes that are not broken."""

HEAD_LETTERS = 20
"""Letters of a column's header that fit on one line of the table."""

FITTED = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"
"""Only LaTeX knows the width of the text and of the table, so it scales a table that is wider."""


class TableRow(NamedTuple):
    """One row of a table."""

    comments: list[str]
    """Comment lines that name its trials."""

    line: str
    height: int
    """Number of lines on the page."""


class Block(NamedTuple):
    """Columns side by side under one header."""

    header: str
    height: int
    rows: list[TableRow]


@dataclass
class _Part:
    """What one page shows: blocks with some of their rows, and notes."""

    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    height: float = 0.0


@once
def opening(board: Leaderboard) -> tuple[str, ...]:
    """Comment lines on the suite, the commits, the command that reruns it, and the gaps.

    They depend on the records alone, and not on their location or the environment's variables.
    """
    suite = board.suite
    records = board.records.values()
    show = store_command("show", "KEY", place=Place(edition=board.edition))
    gaps = [f"{gap_location(gap)}, {gap.key}: {gap_cause(gap)}" for gap in board.gaps]
    lines = comment(
        f"Evenhand: suite {suite.suite}, version {suite.version}, edition {board.edition}",
        f"commits: {', '.join(board.commits)} (+: with uncommitted changes)",
        f"trials: {len(board.records)} of {board.trials} have a record; {board.n_seeds} seeds",
        f"to rerun the trials: {rerun_suite(board.source, board.only, records, board.changes)}",
        f"to show one trial: {show} (and --results, if its record is not in {DEFAULT_RESULTS})",
        *(f"not usable: {gap}" for gap in gaps),
    )
    return tuple(lines)


def table_row(title: str, cells: Sequence[str], comments: Sequence[str] = ()) -> TableRow:
    """A row whose name is folded where it is long."""
    height, name = 1, escape(title)
    if len(title) > TITLE_LETTERS:
        height = _lines(title, FOLDED_LETTERS)
        name = rf"\parbox[t]{{0.32\linewidth}}{{\raggedright {breakable(title)}\strut}}"
    return TableRow(list(comments), _line_of([name, *cells]), height)


def table_block(
    header: str, titles: Sequence[str], rows: Sequence[TableRow], *, width: int
) -> Block:
    """A block of rows; `width` is the number of columns of numbers, which may be more."""
    pad = [""] * (width - len(titles))
    cells = [header, *map(_head, titles), *pad]
    height = max((_lines(title, HEAD_LETTERS) for title in titles), default=1)
    return Block(_line_of(cells), height, list(rows))


def _head(title: str) -> str:
    if len(title) <= HEAD_LETTERS:
        return escape(title)
    return rf"\parbox[b]{{26mm}}{{\raggedleft {breakable(title)}\strut}}"


def _line_of(cells: Sequence[str]) -> str:
    """One row of a table; the braces keep a leading `[` or `*` from being read as an argument."""
    text = " & ".join(cells).rstrip() + r" \\"
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def floated(
    board: Leaderboard,
    blocks: Sequence[Block],
    *,
    columns: str,
    caption: str,
    label: str,
    notes: Sequence[str],
) -> str:
    """The table with caption, label and notes, as several tables where it is longer than a page.

    `columns` is the argument of the tabular. `label` consists of ASCII letters.
    """
    parts = _parts(blocks, notes, PAGE - _lines(caption, CAPTION_LETTERS))
    texts = []
    for i, part in enumerate(parts):
        which = f" (Part {i + 1} of {len(parts)}.)" if len(parts) > 1 else ""
        texts += [
            r"\begin{table}[tp]",
            r"\centering",
            # All parts are one table with one number.
            *([r"\addtocounter{table}{-1}"] if i else []),
            rf"\caption{{{breakable(caption + which, most=WIDE_WORD)}}}",
            *([] if i else [rf"\label{{tab:{label}}}"]),
            r"\par\medskip\small",
            r"\setlength{\tabcolsep}{5pt}",
            *(_tabular(part.blocks, columns) if part.blocks else []),
            r"\par\medskip",
            *(_notes(part.notes) if part.notes else []),
            r"\end{table}",
        ]
    return "\n".join([*opening(board), *texts]) + "\n"


def _tabular(blocks: Sequence[Block], columns: str) -> list[str]:
    lines = [r"\sbox0{%", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    for i, each in enumerate(blocks):
        lines += [r"\midrule"] if i else []
        lines += [each.header, r"\midrule"]
        for comments, line, _ in each.rows:
            lines += [*comments, line]
    return [*lines, r"\bottomrule", r"\end{tabular}}%", FITTED]


def _notes(notes: Sequence[str]) -> list[str]:
    return [
        r"\begin{minipage}{\linewidth}\footnotesize",
        *(rf"{breakable(note, most=WIDE_WORD)}\par" for note in notes),
        r"\end{minipage}",
    ]


def _parts(blocks: Sequence[Block], notes: Sequence[str], page: float) -> list[_Part]:
    """Blocks and notes on as many pages as they need; a page repeats the header of its block."""
    parts = [_Part()]
    for each in blocks:
        begins = True
        for found in each.rows:
            header = each.height + 1 if begins else 0
            if parts[-1].blocks and parts[-1].height + header + found.height > page:
                parts.append(_Part())
                begins = True
            if begins:
                parts[-1].blocks.append(each._replace(rows=[]))
                parts[-1].height += each.height + 1
                begins = False
            parts[-1].blocks[-1].rows.append(found)
            parts[-1].height += found.height
    for note in notes:
        height = NOTE * _lines(note, NOTE_LETTERS)
        if parts[-1].height and parts[-1].height + height > page:
            parts.append(_Part())
        parts[-1].notes.append(note)
        parts[-1].height += height
    return parts


def _lines(text: str, letters: int) -> int:
    return max(1, -(-len(text) // letters))
