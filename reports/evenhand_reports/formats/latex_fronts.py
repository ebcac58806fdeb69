"""Tables of Pareto fronts for a paper: the hypervolume of each line of a figure."""

from __future__ import annotations

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.front_tables import (
    HEADERS,
    by_hypervolume,
    front_note,
    front_rows,
    front_title,
)
from evenhand_reports.figures.fronts import FrontSet, all_front_sets
from evenhand_reports.formats.tex_frame import floated, line_of, slug
from evenhand_reports.formats.tex_text import comment, escape
from evenhand_reports.wording import formatting


def front_tables(board: Leaderboard) -> dict[str, str]:
    """LaTeX text by file name; empty for a suite without fronts."""
    tables: dict[str, str] = {}
    for fronts in all_front_sets(board, board.rule):
        x, y = fronts.metrics
        name = f"front-{slug(f'{fronts.scope}-{y}-{x}')}"
        taken = [other for other in tables if other.startswith(name)]
        tables[f"{name}{f'-{len(taken) + 1}' if taken else ''}.tex"] = _table(board, fronts)
    return tables


def _table(board: Leaderboard, fronts: FrontSet) -> str:
    body = [
        r"\begin{tabular}{@{}lrlrrrr@{}}",
        r"\toprule",
        line_of([escape(f"{head[0].upper()}{head[1:]}") for head in HEADERS]),
        r"\midrule",
    ]
    for front, row in zip(by_hypervolume(fronts), front_rows(fronts), strict=True):
        body += comment(f"{front.name}: {' '.join(front.keys)}")
        body.append(line_of([escape(row.name), *map(_value, row.values)]))
    body += [r"\bottomrule", r"\end{tabular}"]
    caption = f"{front_title(fronts)} on {fronts.scope}."
    label = f"{board.suite.suite}:{fronts.scope}:front:{':'.join(fronts.metrics)}"
    return floated(board, body, caption=caption, label=label, notes=[front_note(fronts)])


def _value(text: str) -> str:
    return "--" if text == formatting.NO_VALUE else escape(text)
