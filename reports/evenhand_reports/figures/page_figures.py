"""All that a page draws, as plain data: made once, and read by the page and by its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.learned import learned_figures
from evenhand_reports.figures.recall_and_curves import curve_figure, recall_figure, shown
from evenhand_reports.figures.suite_figures import figures_of_problems, suite_figures
from evenhand_reports.wording.learned_captions import words_of

HEADS = ("kind", "title", "what", "on", "text")
"""What the page itself says of a suite's figure; the rest is for the script."""


def page_figures(board: Leaderboard) -> dict[str, Any]:
    """{over: those over problems, problems: [{rows, recall, curves, figures, learned}]}."""
    return {
        "over": figures_of_problems(board),
        "problems": [
            {
                "rows": [row for row, at in board.standings if at == problem],
                "recall": recall_figure(board, problem),
                "curves": curve_figure(board, problem),
                "figures": suite_figures(board, problem),
                "learned": learned_figures(board, problem),
            }
            for problem in board.problems
        ],
    }


def beside_figures(board: Leaderboard, problem: str, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says of a problem's figures."""
    lines = [row for row in shown(board) if (row, problem) in board.standings]
    each = drawn["recall"]["each"] if drawn["recall"] else 1
    has_groups = bool(drawn["recall"] and drawn["recall"]["groups"])
    what = "cells" if has_groups else "classes"
    bins = f"Each point is the mean of {each} {what} of like size." if each > 1 else ""
    learned = drawn["learned"]
    kinds = list(dict.fromkeys(panel["kind"] for f in learned for panel in f["panels"]))
    return {
        "figures": heads(drawn["figures"]),
        "learned": [
            {"title": f["title"], "text": f["text"], "panels": len(f["panels"])} for f in learned
        ],
        "learned_words": words_of(kinds),
        "lines": len(lines) if drawn["recall"] else 0,
        "omitted": len(board.on(problem)) - len(lines),
        "drawn_baseline": "one baseline" if len(board.baselines) > 1 else "the baseline",
        "recall_title": "Accuracy by class and group" if has_groups else "Recall by class",
        "recall_caption": bins,
        "series": list(drawn["curves"]),
    }


def heads(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stands beside the figures of a suite; of a front its table, too."""
    return [
        {k: figure[k] for k in HEADS}
        | {"table": _table(figure) if figure["kind"] == "front" else None}
        for figure in figures
    ]


def _table(figure: dict[str, Any]) -> dict[str, Any]:
    """By rule, since the page's switch chooses one: heads, {rule: [(name, cells)]}, note."""
    rules = {
        rule: list(zip(figure["names"][rule], cells, strict=True))
        for rule, cells in figure["tables"].items()
    }
    return {"rules": rules, "note": figure["note"]}
