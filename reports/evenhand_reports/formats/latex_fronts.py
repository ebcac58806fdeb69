"""Tables of Pareto fronts for a paper: what each line of a figure covers."""

from __future__ import annotations

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures import front_figures as words
from evenhand_reports.figures.fronts import Plane, planes
from evenhand_reports.formats.tex_frame import floated, line_of, slug
from evenhand_reports.formats.tex_text import comment, escape
from evenhand_reports.wording import formatting


def front_tables(board: Leaderboard) -> dict[str, str]:
    """Text by file name; none for a suite without fronts."""
    tables: dict[str, str] = {}
    for plane in planes(board, board.rule):
        x, y = plane.metrics
        name = f"front-{slug(f'{plane.place}-{y}-{x}')}"
        taken = [other for other in tables if other.startswith(name)]
        tables[f"{name}{f'-{len(taken) + 1}' if taken else ''}.tex"] = _table(board, plane)
    return tables


def _table(board: Leaderboard, plane: Plane) -> str:
    ordered = words.ordered(plane)
    body = [
        r"\begin{tabular}{@{}lrlrrrr@{}}",
        r"\toprule",
        line_of([escape(f"{head[0].upper()}{head[1:]}") for head in words.HEADS]),
        r"\midrule",
    ]
    for front, row in zip(ordered, words.rows(plane), strict=True):
        body += comment(f"{front.name}: {' '.join(front.keys)}")
        body.append(line_of([escape(row.name), *map(_cell, row.cells)]))
    body += [r"\bottomrule", r"\end{tabular}"]
    caption = f"{words.what(plane)} on {plane.place}."
    label = f"{board.suite.suite}:{plane.place}:front:{':'.join(plane.metrics)}"
    return floated(board, body, caption=caption, label=label, notes=[words.note(plane)])


def _cell(text: str) -> str:
    return "--" if text == formatting.NO_VALUE else escape(text)
