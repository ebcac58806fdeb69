"""The table over problems and the critical-difference diagram for a paper."""

from __future__ import annotations

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.across_figures import Diagram, critical_diagram
from evenhand_reports.formats.file_names import slug
from evenhand_reports.formats.tex_frame import WIDE_WORD, floated, opening, table_block, table_row
from evenhand_reports.formats.tex_text import breakable, escape, tex_number
from evenhand_reports.wording import formatting
from evenhand_reports.wording.across import (
    across_heads,
    across_notes,
    across_rows,
    diagram_caption,
    has_across,
)
from evenhand_reports.wording.held_out_notes import held_out_notes
from evenhand_reports.wording.record_notes import environment_notes

SCALE = 0.022
"""Centimetres of a unit of the diagram."""


def across_tables(board: Leaderboard) -> dict[str, str]:
    """LaTeX text by file name; empty for a suite of one problem."""
    if not has_across(board):
        return {}
    heads = across_heads(board)
    rows = [table_row(row.title, [*map(_cell, row.cells)]) for row in across_rows(board)]
    return {
        "across-problems.tex": floated(
            board,
            [table_block("Method", heads, rows, width=len(heads))],
            columns=rf"@{{}}l{'r' * len(heads)}@{{}}",
            caption=f"Average ranks and means over {len(board.problems)} problems.",
            label=f"{slug(board.suite.suite)}:across",
            notes=[
                *across_notes(board),
                *held_out_notes(board, board.problems),
                *environment_notes(board),
            ],
        )
    }


def _cell(text: str) -> str:
    return "--" if text == formatting.NO_VALUE else f"${tex_number(text)}$"


def diagram_files(board: Leaderboard) -> dict[str, str]:
    """The critical-difference diagram by file name; empty where there is none."""
    diagram = critical_diagram(board)
    if diagram is None:
        return {}
    lines = [
        *opening(board),
        r"\begin{figure}[tp]",
        r"\centering",
        rf"\begin{{tikzpicture}}[x={SCALE}cm, y=-{SCALE}cm, font=\footnotesize]",
        *_drawn(diagram),
        r"\end{tikzpicture}",
        rf"\caption{{{breakable(diagram_caption(board), most=WIDE_WORD)}}}",
        rf"\label{{fig:{slug(board.suite.suite)}-critical-differences}}",
        r"\end{figure}",
    ]
    return {"figure-critical-differences.tex": "\n".join(lines) + "\n"}


def _drawn(diagram: Diagram) -> list[str]:
    top, left, right = diagram.top, diagram.margin, diagram.width - diagram.margin
    lines = [rf"\draw ({left:g},{top:g}) -- ({right:g},{top:g});"]
    for x, rank in diagram.ticks:
        lines.append(
            rf"\draw ({x:.4g},{top - 6:g}) -- ({x:.4g},{top:g}) "
            rf"node[at start, above] {{{rank}}};"
        )
    for label in diagram.labels:
        end, side = (left - 12, "left") if label.is_left else (right + 12, "right")
        lines.append(
            rf"\draw[gray] ({label.x:.5g},{top:g}) |- ({end:g},{label.y:g}) "
            rf"node[{side}, text=black] {{{escape(label.text)}}};"
        )
    for first, last, y in diagram.bars:
        lines.append(rf"\draw[line width=2pt] ({first:.5g},{y:g}) -- ({last:.5g},{y:g});")
    return lines
