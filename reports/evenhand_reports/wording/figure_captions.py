"""Captions of a suite's figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evenhand.suite.figures import OF_PROBLEM, Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.wording.formatting import NO_BREAK
from evenhand_reports.wording.summary import size_range

ONE_SEED = "One seed, n = 1, without intervals."
MEANS = "Mean over seeds, n = {n}."
MEANS_AND_INTERVALS = (
    "Mean over seeds, n = {n}; {bands} are Student-t intervals at {level:g}{space}%."
)
THEORY = " Dashed lines without points are theory."
OMITTED = " {n} more lines are not drawn; `methods:` chooses which."
SETTINGS = {
    "problem.val.fraction": "validation share",
    "problem.val.further": "validation images as a share of training images",
    "problem.val.per_class": "validation images per class",
}

SERIES = {"train": "training", "val": "validation", "lr": "learning rate"}
"""Words of the names of series that are abbreviated."""


def series_words(words: Iterable[str]) -> str:
    """`training recall ratio` for the words of `train_recall_ratio`."""
    return " ".join(SERIES.get(word, word) for word in words)


def series_title(series: str) -> str:
    """`Training recall ratio` for `train_recall_ratio`."""
    return capitalized(series_words(series.split("_")))


def capitalized(text: str) -> str:
    """The text with a capital first letter; the other letters are unchanged."""
    return text[:1].upper() + text[1:]


def caption_head(figure: Figure, content: str) -> dict[str, Any]:
    """The kind of a figure, its title in the suite ("" without one) and its content.

    `on` is filled in where a page has several figures of one declaration.
    """
    return {"kind": figure.kind, "title": figure.title, "what": content, "on": ""}


def setting_name(name: str) -> str:
    """`features` for `problem.features`, `validation share` for `problem.val.fraction`."""
    return SETTINGS.get(name, name.removeprefix(OF_PROBLEM))


def seeds_caption(board: Leaderboard, sizes: Sequence[int], *, bands: str = "bands") -> str:
    """`Mean over seeds, n = 5; bands are Student-t intervals at 95 %.`

    `bands` names how the figure draws the intervals; "" where it draws none.
    """
    if max(sizes) == 1:
        return ONE_SEED
    template, level = MEANS_AND_INTERVALS if bands else MEANS, 100 * (1 - board.suite.alpha)
    return template.format(n=size_range(sizes), bands=bands, level=level, space=NO_BREAK)


def omitted_caption(n: int) -> str:
    """The sentence on lines that are not drawn; "" where all are."""
    return OMITTED.format(n=n) if n > 0 else ""
