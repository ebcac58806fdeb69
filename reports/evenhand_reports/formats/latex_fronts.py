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
from evenhand_reports.formats.file_names import file_names, slug
from evenhand_reports.formats.tex_frame import floated, table_block, table_row
from evenhand_reports.formats.tex_text import comment, escape
from evenhand_reports.wording import formatting


def front_tables(board: Leaderboard) -> dict[str, str]:
    """LaTeX text by file name; empty for a suite without fronts."""
    found = all_front_sets(board, board.rule)
    names = file_names([f"{each.scope}-{each.metrics[1]}-{each.metrics[0]}" for each in found])
    return {
        f"front-{name}.tex": _table(board, fronts, f"{slug(board.suite.suite)}-{name}:front")
        for name, fronts in zip(names, found, strict=True)
    }


def _table(board: Leaderboard, fronts: FrontSet, label: str) -> str:
    first, *heads = [f"{head[0].upper()}{head[1:]}" for head in HEADERS]
    rows = [
        table_row(
            line.name, [*map(_value, line.values)], comment(f"{front.name}: {' '.join(front.keys)}")
        )
        for front, line in zip(by_hypervolume(fronts), front_rows(fronts), strict=True)
    ]
    blocks = [table_block(first, heads, rows, width=len(heads))]
    caption = f"{front_title(fronts)} on {fronts.scope}."
    return floated(
        board,
        blocks,
        columns="@{}lrlrrrr@{}",
        caption=caption,
        label=label,
        notes=[front_note(fronts)],
    )


def _value(text: str) -> str:
    return "--" if text == formatting.NO_VALUE else escape(text)
