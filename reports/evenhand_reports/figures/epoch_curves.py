"""Curves of the records over the epochs: a line a row, a series, and a problem where several are
drawn together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np

from evenhand.declared.record import Record
from evenhand.suite.figures import HALVES, RECALL, Figure, is_plain
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.recall_and_curves import MOST_LINES, thinned, usable
from evenhand_reports.figures.setting_lines import Place, families, spread
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.wording import figure_captions as words

DASHES = ("solid", "dashed", "dotted", "dash-dotted")
"""How the page draws the series of a figure, in this order."""


def series_figures(board: Leaderboard, figure: Figure, place: Place) -> list[dict[str, Any]]:
    """One figure, or none without values.

    lines: {row, name, of, epoch, mean, low, high, n, colour, dash}; lines of one row on one
    problem share their colour, and lines of one series their dash.
    """
    series = figure.series
    every = [(name, s) for name, s in _rows(figure, place) if _has(s, series)]
    drawn = every[:MOST_LINES]
    lines = [
        {**line, "name": name, "of": _of(one), "row": standing.row, "colour": i, "dash": k}
        for i, (name, standing) in enumerate(drawn)
        for k, one in enumerate(series)
        if (line := _curve(board, standing, one))
    ]
    if not lines:
        return []
    return [
        {
            **words.head(figure, ", ".join(map(_in_words, series))),
            "x": "epoch",
            "y": _common(series),
            "several": len(series) > 1,
            "ramp": words.ramp(figure, [standing for _, standing in drawn]),
            "plain": is_plain(series[0]),
            "lines": lines,
            "text": _text(board, series, [line["n"] for line in lines])
            + words.omitted(len(series) * (len(every) - len(drawn))),
        }
    ]


def _rows(figure: Figure, place: Place) -> list[tuple[str, Standing]]:
    """Rows as they are called on one problem; with what problems differ in on several."""
    if place.is_one:
        return [(standing.title, standing) for standing in place.standings]
    lines = families(figure, place.standings)
    return [(name, point.standing) for name, points in lines.items() for point in points]


def _text(board: Leaderboard, series: Sequence[str], sizes: Sequence[int]) -> str:
    """How many seeds, and which line is which where series share a figure; then without bands."""
    if len(series) == 1:
        return words.seeds(board, sizes)
    named = (f"{dash} {_of(one)}" for one, dash in zip(series, cycle(DASHES), strict=False))
    text = ", ".join(named)
    return f"{words.seeds(board, sizes, bands='')} {text[:1].upper()}{text[1:]}."


def _of(series: str) -> str:
    """Where a curve is measured: `train`, `val`, `test`."""
    return series.partition("_")[0]


def _common(series: Sequence[str]) -> str:
    """What the axis says: the series, or what several have in common."""
    rests = {one.partition("_")[2] for one in series}
    [*_, last] = sorted(rests)
    if len(series) == 1 or len(rests) > 1:
        return _in_words(series[0]) if len(series) == 1 else "score"
    return last.replace("_", " ")


def _in_words(series: str) -> str:
    return series.replace("_", " ")


def _has(standing: Standing, series: Sequence[str]) -> bool:
    runs = [record for record in usable(standing) if record.curves.get("epoch")]
    return any(_series(record, one) is not None for record in runs for one in series)


def _curve(board: Leaderboard, standing: Standing, series: str) -> dict[str, Any] | None:
    """Mean and interval by epoch, over the seeds that have the longest run's epochs."""
    runs = [r for r in usable(standing) if r.curves.get("epoch")]
    if not runs:
        return None
    epochs = max((r.curves["epoch"] for r in runs), key=len)
    found = [_series(r, series) for r in runs if r.curves["epoch"] == epochs]
    values = [each for each in found if each is not None]
    if not values:
        return None
    known = [
        (epochs[i], [v for run in values if (v := run[i]) is not None])
        for i in thinned(len(epochs))
    ]
    scores = [(epoch, estimate(p, alpha=board.suite.alpha)) for epoch, p in known if p]
    return {
        "epoch": [epoch for epoch, _ in scores],
        **spread([score for _, score in scores]),
        "n": len(values),
    }


def _series(record: Record, series: str) -> list[float | None] | None:
    """A curve of the record, or the mean over half of its classes."""
    half = series.removeprefix(RECALL)
    if half not in HALVES or record.data is None:
        return record.curves.get(series)
    train = record.data.train_counts.sum(1)
    order = np.argsort(-train, kind="stable")
    size = len(order) // 2
    labels = order[:size] if half == HALVES[0] else order[len(order) - size :]
    each = [record.curves.get(f"{RECALL}{label}") for label in labels.tolist()]
    known = [curve for curve in each if curve is not None]
    if not known or len(known) < size:
        return None
    return [None if None in point else float(np.mean(point)) for point in zip(*known, strict=True)]
