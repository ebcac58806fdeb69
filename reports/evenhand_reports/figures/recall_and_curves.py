"""The figures of every problem, as data: recall by class from head to tail, and learning curves.

Where a problem has groups, accuracy by cell of class and group replaces recall by class. The page
draws the data with Plotly and chooses layout and colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.board.row_order import drawn_results
from evenhand_reports.figures.restarts import with_breaks
from evenhand_reports.figures.rounding import rounded, rounded_all, thinned

MOST_POINTS = 25
"""With more classes, classes of similar training size are drawn as one point."""


def recall_figure(board: Leaderboard, problem: str) -> dict[str, Any] | None:
    """Recall by class, mean over seeds, classes by falling training size; None without records.

    {classes, train, groups: whether points are cells of class and group, each: classes per point,
    rules: {rule: {row: [recall]}}}
    """
    results = drawn_results(board, problem)
    data = next((r.data for result in results for r in result.usable_records if r.data), None)
    if data is None:
        return None
    train = data.train_counts.ravel()
    order = np.argsort(-train, kind="stable")
    bins = np.array_split(order, min(len(order), MOST_POINTS))
    has_groups = len(data.groups) > 1
    names = [f"{c}, {group}" if has_groups else c for c in data.classes for group in data.groups]
    rules = {rule: _recalls(results, rule, bins) for rule in RULES}
    return {
        "classes": _point_names([names[i] for i in order], bins),
        "groups": has_groups,
        "train": [rounded(float(train[each].mean())) for each in bins],
        "each": max(map(len, bins)),
        "rules": {rule: lines for rule, lines in rules.items() if lines},
    }


def _point_names(names: Sequence[str], bins: Sequence[np.ndarray]) -> list[str]:
    """The names of the classes; `5–8` for a point that several classes share."""
    if len(bins) == len(names):
        return list(names)
    ends = np.cumsum([len(each) for each in bins]).tolist()
    return [f"{end - len(b) + 1}–{end}" for end, b in zip(ends, bins, strict=True)]


def _recalls(
    results: Sequence[Result], rule: Rule, bins: Sequence[np.ndarray]
) -> dict[str, list[float | None]]:
    lines = {}
    for result in results:
        evaluations = result.test_evaluations(rule)
        by_seed = [cell_accuracies(evaluation.counts).ravel() for evaluation in evaluations]
        if by_seed:
            means = _defined_mean(np.array(by_seed))
            lines[result.row] = [rounded(float(_defined_mean(means[each]))) for each in bins]
    return lines


def cell_accuracies(counts: PredictionCounts) -> Float[np.ndarray, "classes groups"]:
    """Accuracy of each cell of class and group; NaN for a cell without examples."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.diagonal(counts, axis1=1, axis2=2) / counts.sum(2)
    return np.asarray(shares.T, dtype=np.float64)


def _defined_mean(values: Float[np.ndarray, " some *rest"]) -> Float[np.ndarray, " *rest"]:
    """Mean over the first axis without NaN; NaN where all values are NaN.

    `np.nanmean` warns where all values are NaN, and warnings are errors.
    """
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: np.ndarray = np.where(known, values, 0).sum(0) / known.sum(0)
    return means


def curve_figure(board: Leaderboard, problem: str) -> dict[str, dict[str, Any]]:
    """Series by name, each {row: {epoch, mean, sd}}; the validation metric first.

    sd is None with one seed. A line breaks where training restarts. Test curves are left out where
    there are validation curves.
    """
    results = drawn_results(board, problem)
    names = dict.fromkeys(n for result in results for r in result.usable_records for n in r.curves)
    val = [name for name in names if name.startswith("val_")]
    wanted = [*(val or [n for n in names if n.startswith("test_")]), "train_loss"]
    figures = {name: _curves(results, name) for name in wanted if name in names}
    return {name: lines for name, lines in figures.items() if lines}


def _curves(results: Sequence[Result], name: str) -> dict[str, Any]:
    lines = {}
    for result in results:
        curves = [record.curves for record in result.usable_records]
        runs = [each for each in curves if name in each and "epoch" in each]
        if not runs:
            continue
        epochs = runs[0]["epoch"]
        series = [run[name] for run in runs if run["epoch"] == epochs]
        kept = thinned(len(epochs))
        values = np.array(series, dtype=np.float64)[:, kept]
        deviation = rounded_all(values.std(0, ddof=1)) if len(series) > 1 else None
        drawn = [epochs[i] or 0 for i in kept]
        trial, mean = result.configuration.trials[0], rounded_all(values.mean(0))
        points = with_breaks(trial, drawn, mean, deviation)
        lines[result.row] = dict(zip(("epoch", "mean", "sd"), points, strict=True))
    return lines
