"""Figures over problems: the performance profile and the critical-difference diagram.

The profile (dolan2002benchmarking) is over differences to the best row and not over ratios, since
the error of the best row may be zero. The diagram is that of demsar2006statistical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.metrics import unit
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import drawn_rows
from evenhand_reports.wording.across import FEWEST_DRAWN, profile_caption

MOST_POINTS = 200
AXIS, LINE, TOP, LETTER = 300.0, 20.0, 34.0, 6.4
"""Width of the axis, height of a line and of the axis, and width of a letter of a name."""

BAR = 7.0
"""Distance between two bars."""


@dataclass(frozen=True)
class Label:
    """A row of the diagram: a line from its place on the axis down to its name."""

    text: str
    x: float
    y: float
    is_left: bool


@dataclass(frozen=True)
class Diagram:
    """A critical-difference diagram as lengths, y downwards from the axis at `top`."""

    width: float
    height: float
    top: float
    margin: float
    ticks: tuple[tuple[float, int], ...]
    labels: tuple[Label, ...]
    bars: tuple[tuple[float, float, float], ...]
    """Left end, right end and y of each bar."""


def profile_figure(board: Leaderboard) -> dict[str, Any] | None:
    """The curve of each drawn row as steps, {x, unit, lines, text}; None where there is none."""
    found = board.across
    rows = [row for row in drawn_rows(board) if row in found.regrets]
    if len(found.problems) < FEWEST_DRAWN or not rows:
        return None
    ends = [float(found.regrets[row].max()) for row in rows]
    # The curves end where the worst of all but the last row has reached 1, so that one row far
    # behind does not compress the others.
    end = sorted(ends)[-2] if len(ends) > 1 else ends[0]
    grid = np.linspace(0, 1.05 * end, MOST_POINTS) if end > 0 else np.zeros(1)
    return {
        "unit": unit(found.metric),
        "x": [round(float(value), 6) for value in grid],
        "lines": [
            {
                "row": row,
                # A rounding error must not make the best row miss δ = 0.
                "y": [round(float((found.regrets[row] <= d + 1e-12).mean()), 4) for d in grid],
            }
            for row in rows
        ],
        "text": profile_caption(board),
    }


def critical_diagram(board: Leaderboard) -> Diagram | None:
    """The diagram of the rows that are complete on every problem; None where there is none."""
    found = board.across
    if found.critical is None:
        return None
    ranks, k = found.critical.ranks, len(found.rows)
    titles = [
        f"{board.compared_titles[row]} ({rank:.2f})"
        for row, rank in zip(found.rows, ranks, strict=True)
    ]
    margin = 20 + LETTER * max(map(len, titles))

    def place(rank: float) -> float:
        return margin + AXIS * (rank - 1) / (k - 1)

    order = sorted(range(k), key=lambda i: ranks[i])
    bars = tuple(
        (place(ranks[group[0]]) - 3, place(ranks[group[-1]]) + 3, TOP + BAR * (i + 1))
        for i, group in enumerate(found.critical.groups)
    )
    below = TOP + BAR * (len(bars) + 1) + LINE / 2
    half = (k + 1) // 2
    labels = []
    for position, i in enumerate(order):
        is_left = position < half
        line = position if is_left else k - 1 - position
        labels.append(Label(titles[i], place(ranks[i]), below + LINE * line, is_left))
    return Diagram(
        width=2 * margin + AXIS,
        height=below + LINE * half,
        top=TOP,
        margin=margin,
        ticks=tuple((place(rank), rank) for rank in range(1, k + 1)),
        labels=tuple(labels),
        bars=bars,
    )
