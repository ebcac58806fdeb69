"""Curves over the epochs: a line for each row and series, on one problem or on several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from evenhand.suite.figures import Figure, is_plain
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.metric_estimate import series_estimate
from evenhand_reports.board.results import Result
from evenhand_reports.board.row_order import MOST_DRAWN_ROWS
from evenhand_reports.figures.record_series import record_series
from evenhand_reports.figures.rounding import thinned
from evenhand_reports.figures.setting_lines import (
    FigureScope,
    lines_over_settings,
    mean_and_interval,
    ramp_size,
)
from evenhand_reports.wording import figure_captions

DASHES = ("solid", "dashed", "dotted", "dash-dotted")
"""The dashes by which the page draws the series of a figure, in this order."""


def series_figures(board: Leaderboard, figure: Figure, scope: FigureScope) -> list[dict[str, Any]]:
    """One figure, or none without values.

    lines: {name, of, method, epoch, mean, low, high, n, colour, dash}. Lines of one row on one
    problem share their colour, and lines of one series share their dash.
    """
    series = figure.series
    rows = [(name, result) for name, result in _rows(figure, scope) if _has_any(result, series)]
    drawn = rows[:MOST_DRAWN_ROWS]
    parts = _distinguishing(series)
    lines = [
        {
            **line,
            "name": name,
            "of": parts[one],
            "method": result.configuration.method_title,
            "colour": i,
            "dash": k,
        }
        for i, (name, result) in enumerate(drawn)
        for k, one in enumerate(series)
        if (line := _curve(board, result, one))
    ]
    if not lines:
        return []
    omitted = len(series) * (len(rows) - len(drawn))
    return [
        {
            **figure_captions.caption_head(figure, _content(series)),
            "x": "epoch",
            "y": _axis_title(series),
            "several": len(series) > 1,
            "ramp": ramp_size(figure, [result for _, result in drawn]),
            "plain": is_plain(series[0]),
            "lines": lines,
            "text": _caption(board, series, [line["n"] for line in lines])
            + figure_captions.omitted_caption(omitted),
        }
    ]


def _rows(figure: Figure, scope: FigureScope) -> list[tuple[str, Result]]:
    """Rows by title; over several problems, with the settings in which the problems differ."""
    if scope.is_one_problem:
        return [(result.title, result) for result in scope.results]
    lines = lines_over_settings(figure, scope.results)
    return [(name, point.result) for name, points in lines.items() for point in points]


def _caption(board: Leaderboard, series: Sequence[str], sizes: Sequence[int]) -> str:
    """The number of seeds, and the dash of each series where several share a figure."""
    if len(series) == 1:
        return figure_captions.seeds_caption(board, sizes)
    parts = _distinguishing(series).values()
    dashes = ", ".join(f"{dash} {part}" for part, dash in zip(parts, cycle(DASHES), strict=False))
    # Bands of several series would overlap, so the page draws none.
    seeds = figure_captions.seeds_caption(board, sizes, bands="")
    return f"{seeds} {dashes[:1].upper()}{dashes[1:]}."


def _content(series: Sequence[str]) -> str:
    """`Training recall majority, training recall minority`."""
    words = [figure_captions.series_words(one.split("_")) for one in series]
    return figure_captions.capitalized(", ".join(words))


def _distinguishing(series: Sequence[str]) -> dict[str, str]:
    """What tells each series of a figure from the others: `train`, or `majority` of one split."""
    words = [one.split("_") for one in series]
    first, last = _in_common(words)
    return {
        one: figure_captions.series_words(each[first : len(each) - last])
        for one, each in zip(series, words, strict=True)
    }


def _axis_title(series: Sequence[str]) -> str:
    """The words that all series have in common; "Score" where they have none."""
    if len(series) == 1:
        return figure_captions.series_title(series[0])
    words = [one.split("_") for one in series]
    first, last = _in_common(words)
    shared = [*words[0][:first], *words[0][len(words[0]) - last :]]
    return figure_captions.series_title("_".join(shared)) or "Score"


def _in_common(words: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Numbers of words with which all series begin and end; one word of each is left at least."""
    room = min(map(len, words)) - 1
    first = _begin_alike(words, room)
    return first, _begin_alike([each[::-1] for each in words], room - first)


def _begin_alike(words: Sequence[Sequence[str]], most: int) -> int:
    alike = [len({each[i] for each in words}) == 1 for i in range(most)]
    return alike.index(False) if False in alike else most


def _has_any(result: Result, series: Sequence[str]) -> bool:
    runs = [record for record in result.usable_records if record.curves.get("epoch")]
    return any(record_series(record, one) is not None for record in runs for one in series)


def _curve(board: Leaderboard, result: Result, series: str) -> dict[str, Any] | None:
    """Mean and interval by epoch, over the seeds that have the longest run's epochs."""
    runs = [record for record in result.usable_records if record.curves.get("epoch")]
    if not runs:
        return None
    # A run that was stopped early has other epochs, so its points have no partners to average.
    epochs = max((run.curves["epoch"] for run in runs), key=len)
    found = [record_series(run, series) for run in runs if run.curves["epoch"] == epochs]
    curves = [each for each in found if each is not None]
    if not curves:
        return None
    by_epoch = [
        (epochs[i], [v for curve in curves if (v := curve[i]) is not None])
        for i in thinned(len(epochs))
    ]
    alpha, ratio = board.suite.alpha, result.test_ratio
    scores = [
        (epoch, series_estimate(series, v, alpha=alpha, test_ratio=ratio))
        for epoch, v in by_epoch
        if v
    ]
    return {
        "epoch": [epoch for epoch, _ in scores],
        **mean_and_interval([score for _, score in scores]),
        "n": len(curves),
    }
