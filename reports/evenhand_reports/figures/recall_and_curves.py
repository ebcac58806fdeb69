"""What the figures draw, as plain data: recall by class from head to tail, and learning curves.

Where a problem has groups, accuracy by cell of class and group stands in for recall by class.

The page draws them with Plotly; here there is no layout and no colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.record import RULES, Record, Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.restarts import broken

MOST_LINES = 8
"""More lines in one figure cannot be told apart."""

MOST_CLASSES = 25
"""With more classes, classes of like training size are drawn as one point."""

MOST_EPOCHS = 80
DIGITS = 4


def by_place(board: Leaderboard) -> list[str]:
    """The rows by their mean place on the problems."""
    places: dict[str, list[int]] = {row: [] for row in board.rows}
    for problem in board.problems:
        for place, standing in enumerate(board.on(problem)):
            places[standing.row].append(place)
    return sorted(places, key=lambda row: float(np.mean(places[row])))


def shown(board: Leaderboard) -> tuple[str, ...]:
    """The rows that figures draw: the baseline and the best by their mean place."""
    order = by_place(board)
    baseline = list(board.baselines)[:1]
    best = [row for row in order if row not in baseline][: MOST_LINES - len(baseline)]
    return tuple(row for row in order if row in {*best, *baseline})


def recall_figure(board: Leaderboard, problem: str) -> dict[str, Any] | None:
    """Recall by class, mean over seeds, classes by falling training size; None without records.

    {classes, train, groups: whether they are cells of class and group, each: classes a point,
    rules: {rule: {row: [recall]}}}
    """
    standings = _drawn(board, problem)
    data = next((r.data for s in standings for r in usable(s) if r.data), None)
    if data is None:
        return None
    train = data.train_counts.ravel()
    order = np.argsort(-train, kind="stable")
    bins = np.array_split(order, min(len(order), MOST_CLASSES))
    has_groups = len(data.groups) > 1
    names = [f"{name}, {of}" if has_groups else name for name in data.classes for of in data.groups]
    rules = {rule: _recalls(standings, rule, bins) for rule in RULES}
    return {
        "classes": _class_names([names[c] for c in order], bins),
        "groups": has_groups,
        "train": [_plain(float(train[group].mean())) for group in bins],
        "each": max(map(len, bins)),
        "rules": {rule: lines for rule, lines in rules.items() if lines},
    }


def _class_names(names: Sequence[str], bins: Sequence[np.ndarray]) -> list[str]:
    """Names where each class is a point, places in the order where several share one: `5–8`."""
    if len(bins) == len(names):
        return list(names)
    ends = np.cumsum([len(group) for group in bins]).tolist()
    return [f"{end - len(g) + 1}–{end}" for end, g in zip(ends, bins, strict=True)]


def _drawn(board: Leaderboard, problem: str) -> list[Standing]:
    found = [board.standings.get((row, problem)) for row in shown(board)]
    return [standing for standing in found if standing is not None]


def usable(standing: Standing) -> list[Record]:
    """Records whose values are in the standing's means."""
    foreign = {gap.key for gap in standing.gaps if gap.kind == "other data"}
    return [
        record
        for record in standing.records
        if record and record.exit.status == "done" and record.key not in foreign
    ]


def _recalls(
    standings: Sequence[Standing], rule: Rule, bins: Sequence[np.ndarray]
) -> dict[str, list[float | None]]:
    lines = {}
    for standing in standings:
        found = [record.evaluation("test", rule) for record in usable(standing)]
        by_class = [_accuracies(evaluation.counts) for evaluation in found if evaluation]
        if by_class:
            means = _mean(np.array(by_class))
            lines[standing.row] = [_plain(float(_mean(means[group]))) for group in bins]
    return lines


def _accuracies(counts: PredictionCounts) -> Float[np.ndarray, " cells"]:
    """Of each cell, group by group of a class after the other; NaN for one that the split lacks."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.diagonal(counts, axis1=1, axis2=2) / counts.sum(2)
    return np.asarray(shares.T.ravel(), dtype=np.float64)


def _mean(values: Float[np.ndarray, " some *rest"]) -> Float[np.ndarray, " *rest"]:
    """Mean over the first axis of what is defined; NaN where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: np.ndarray = np.where(known, values, 0).sum(0) / known.sum(0)
    return means


def _plain(value: float) -> float | None:
    return round(value, DIGITS) if np.isfinite(value) else None


def curve_figure(board: Leaderboard, problem: str) -> dict[str, dict[str, Any]]:
    """Series by name, each {row: {epoch, mean, sd}}; the validation metric first.

    sd is None with one seed. A line breaks where training begins anew. Test curves are left out
    where there are validation curves.
    """
    standings = _drawn(board, problem)
    names = dict.fromkeys(n for s in standings for r in usable(s) for n in r.curves)
    val = [name for name in names if name.startswith("val_")]
    wanted = [*(val or [n for n in names if n.startswith("test_")]), "train_loss"]
    figures = {name: _curves(standings, name) for name in wanted if name in names}
    return {name: lines for name, lines in figures.items() if lines}


def _curves(standings: Sequence[Standing], name: str) -> dict[str, Any]:
    lines = {}
    for standing in standings:
        runs = [r.curves for r in usable(standing) if name in r.curves and "epoch" in r.curves]
        if not runs:
            continue
        epochs = runs[0]["epoch"]
        series = [run[name] for run in runs if run["epoch"] == epochs]
        keep = thinned(len(epochs))
        values = np.array(series, dtype=np.float64)[:, keep]
        spread = rounded(values.std(0, ddof=1)) if len(series) > 1 else None
        at = [epochs[i] or 0 for i in keep]
        points = broken(standing.configuration.trials[0], at, rounded(values.mean(0)), spread)
        lines[standing.row] = dict(zip(("epoch", "mean", "sd"), points, strict=True))
    return lines


def thinned(n: int) -> list[int]:
    """Which of n epochs are drawn, the last one among them."""
    step = max(1, -(-n // MOST_EPOCHS))
    return sorted({*range(0, n, step), n - 1})


def rounded(values: Float[np.ndarray, " points"]) -> list[float | None]:
    """As few digits as a figure shows; None for what is not finite."""
    return [_plain(float(value)) for value in values]
