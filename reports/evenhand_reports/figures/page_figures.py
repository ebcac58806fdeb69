"""All figures of a page as data, for the page and for its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import drawn_results
from evenhand_reports.figures.across_figures import profile_figure
from evenhand_reports.figures.colours import report_figures
from evenhand_reports.figures.learned_curves import heading_and_caption
from evenhand_reports.figures.learned_figures import learned_figures
from evenhand_reports.figures.recall_and_curves import curve_figure, recall_figure
from evenhand_reports.wording.figure_captions import series_title

CAPTION_FIELDS = ("kind", "title", "what", "on", "text")
"""Fields of a suite's figure that the page shows; its script draws the rest."""


def page_figures(board: Leaderboard) -> dict[str, Any]:
    """{styles: by row, over: those over problems, profile, problems: [{rows, recall, …}]}."""
    figures = report_figures(board)
    return {
        "styles": figures.styles,
        "over": figures.over,
        "profile": profile_figure(board),
        "problems": [
            {
                "rows": [row for row, name in board.results if name == problem],
                "recall": recall_figure(board, problem),
                "curves": curve_figure(board, problem),
                "figures": figures.by_problem[problem],
                "learned": learned_figures(board, problem),
            }
            for problem in board.problems
        ],
    }


def figure_texts(board: Leaderboard, problem: str, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """The captions and headings of a problem's figures."""
    lines = drawn_results(board, problem)
    each = drawn["recall"]["each"] if drawn["recall"] else 1
    has_groups = bool(drawn["recall"] and drawn["recall"]["groups"])
    unit = "cells" if has_groups else "classes"
    bins = f"Each point is the mean of {each} {unit} of similar size." if each > 1 else ""
    learned = drawn["learned"]
    kinds = list(dict.fromkeys(panel["kind"] for f in learned for panel in f["panels"]))
    return {
        "figures": suite_captions(drawn["figures"]),
        "learned": [
            {"title": f["title"], "text": f["text"], "panels": len(f["panels"])} for f in learned
        ],
        "learned_words": heading_and_caption(kinds),
        "lines": len(lines) if drawn["recall"] else 0,
        "omitted": len(board.on(problem)) - len(lines),
        "drawn_baseline": "the baseline" if board.drawn_baseline else "",
        "recall_title": "Accuracy by class and group" if has_groups else "Recall by class",
        "recall_caption": bins,
        "series": [(name, series_title(name)) for name in drawn["curves"]],
    }


def suite_captions(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The captions of the suite's figures, and the tables of fronts."""
    return [
        {k: figure[k] for k in CAPTION_FIELDS}
        | {"table": _table(figure) if figure["kind"] == "front" else None}
        for figure in figures
    ]


def _table(figure: dict[str, Any]) -> dict[str, Any]:
    """{rules: {rule: [(name, values)]}, note}, for all rules, so that the page can switch."""
    rules = {
        rule: list(zip(figure["names"][rule], values, strict=True))
        for rule, values in figure["tables"].items()
    }
    return {"rules": rules, "note": figure["note"]}
