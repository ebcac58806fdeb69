"""The primary metrics of a board in words: one for all problems, or one for each."""

from __future__ import annotations

from evenhand.metrics import better
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.wording.formatting import unit_words, within_sentence
from evenhand_reports.wording.summary import join_names

AVERAGED = (
    "Each rank is by the metric of its problem. Ranks of different metrics have one scale and can "
    "be averaged; the values of different metrics cannot."
)


def primary_phrase(board: Leaderboard, problem: str | None = None, *, where: str = "") -> str:
    """`Balanced error in percent (lower is better)`; metrics with their problems where they differ.

    problem  the problem whose metric is wanted; None for those of all problems
    where    text after the unit, such as ` on test data`
    """
    by_metric = board.ranked_by if problem is None else {board.primary(problem): [problem]}
    if len(by_metric) == 1:
        return _directed(board, next(iter(by_metric)), where)
    parts = [
        f"{_directed(board, metric, '')} on {join_names(problems, most=len(problems))}"
        for metric, problems in by_metric.items()
    ]
    joined = "; ".join([parts[0], *(within_sentence(part) for part in parts[1:])])
    return joined + (f",{where}" if where else "")


def _directed(board: Leaderboard, metric: str, where: str) -> str:
    return f"{board.metrics[metric]} {unit_words(metric)}{where} ({better(metric)} is better)"
