"""The section of the page over problems: a table, its notes, and two figures."""

from __future__ import annotations

from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.across_figures import critical_diagram
from evenhand_reports.wording.across import (
    across_heads,
    across_notes,
    across_rows,
    diagram_caption,
    has_across,
)
from evenhand_reports.wording.figure_captions import capitalized


def across_section(board: Leaderboard, profile: dict[str, Any] | None) -> dict[str, Any]:
    """The data of the section; `profile` is the figure as the page's script draws it, if any."""
    diagram = critical_diagram(board)
    return {
        "heads": [capitalized(head) for head in across_heads(board)] if has_across(board) else [],
        "rows": across_rows(board),
        "notes": " ".join(across_notes(board, has_profile=True)),
        "profile": profile["text"] if profile else "",
        "diagram": diagram,
        "diagram_caption": diagram_caption(board) if diagram else "",
    }
