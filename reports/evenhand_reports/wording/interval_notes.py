"""The notes on intervals: their scale, and their coverage where it is below the level.

The percentages are simulated by `tests/benchmarks/interval_coverage.py`.
"""

from __future__ import annotations

import math

from evenhand.metrics import bounds, unit
from evenhand_reports.board.leaderboard import Leaderboard

MOST_SMALL = 10
"""Largest number of seeds at which the coverage for skewed scores is stated."""

SIMULATED_ALPHA = 0.05
"""The level at which coverage was simulated."""

SCALE = "They are those of the {scale} of the mean, so that they stay {inside}."
COVERAGE = (
    "Intervals assume scores that vary symmetrically over seeds; at n = {n}, those of strongly "
    "skewed scores cover the mean less often than {level:g} %{figure}."
)
FIGURE = " (88 to 92 % for exponential scores, {collapse} % where one seed in five collapses)"
COLLAPSE = {2: 32, 3: 48, 5: 67, 10: 86}
"""Coverage in percent where one seed in five collapses, by n; the least of the simulated cases."""

EQUAL = (
    "Where all seeds have the same score, the interval is this score: the seeds show no variance "
    "from which a width could be computed."
)


def interval_notes(board: Leaderboard, problem: str | None = None) -> list[str]:
    """The notes on the intervals of a board, or of the table of one problem."""
    problems = board.problems if problem is None else (problem,)
    if board.n_seeds < 2:
        return []
    results = [result for result in board.results.values() if result.problem in problems]
    estimates = [found for each in results if (found := board.score(each).estimate)]
    sizes = [found.n for found in estimates if found.n > 1]
    notes = [_scale_note(metric) for metric in dict.fromkeys(map(board.primary, problems))]
    alpha = board.suite.alpha
    if sizes and min(sizes) <= MOST_SMALL:
        # Coverage grows with n: that of the largest simulated n that is not above ours.
        nearest = max(n for n in COLLAPSE if n <= min(sizes))
        figure = FIGURE.format(collapse=COLLAPSE[nearest]) if alpha == SIMULATED_ALPHA else ""
        n = " to ".join(dict.fromkeys(str(end) for end in (min(sizes), max(sizes))))
        notes.append(COVERAGE.format(n=n, level=100 * (1 - alpha), figure=figure))
    if any(found.sd == 0 for found in estimates):
        notes.append(EQUAL)
    return [note for note in dict.fromkeys(notes) if note]


def _scale_note(metric: str) -> str:
    """The scale and the bounds of the intervals of a metric; "" for one without bounds."""
    low, high = bounds(metric)
    if math.isfinite(low) and math.isfinite(high):
        inside = f"between {_bound(low, metric)} and {_bound(high, metric)}"
        return SCALE.format(scale="logit", inside=inside)
    if math.isfinite(low):
        return SCALE.format(scale="log", inside=f"above {_bound(low, metric)}")
    if math.isfinite(high):
        return SCALE.format(scale="log", inside=f"below {_bound(high, metric)}")
    return ""


def _bound(value: float, metric: str) -> str:
    """`100 %`, `0`."""
    return f"{100 * value:g} %" if unit(metric) == "%" else f"{value:g}"
