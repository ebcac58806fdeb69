"""The numbers of a leaderboard as LaTeX macros."""

from __future__ import annotations

from evenhand.metrics import unit
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.formats.macro_names import macro_names
from evenhand_reports.formats.tex_frame import opening
from evenhand_reports.formats.tex_text import comment, tex_number
from evenhand_reports.wording import formatting
from evenhand_reports.wording.primary_phrase import primary_phrase


def macros(board: Leaderboard) -> str:
    """Macros for the numbers of complete results; a paper that uses any other does not compile."""
    # Names are given to all places of the suite: they stay when a result or `--only` is added.
    names = macro_names(f"Evenhand {board.suite.suite}", board.compared)
    lines = []
    for place, result in board.results.items():
        if result.is_complete:
            [origin] = comment(_origin(result))
            lines += [
                rf"\newcommand{{\{names[place]}{kind.title()}}}{{{value}}} {origin}"
                for kind, value in _numbers(board, result).items()
            ]
    is_percent = {unit(metric) for metric in board.ranked_by} == {"%"}
    points = "in points" if is_percent else "in points or the metric's unit"
    explanation = comment(
        f"Numbers as macros: {primary_phrase(board)}, {board.rule}.",
        "\\Evenhand + suite + row + problem + one of: Mean, Sd, Low and High (interval), N, Rank,",
        f"Difference (to the baseline, {points}), P (of that difference, Holm-corrected).",
        "A name consists of letters; digits, signs and Greek letters are words (100: OneZeroZero).",
        "The names of rows that differ only in capitals, accents or separators end with letters",
        "that depend on the row alone, so that the order of the rows changes no macro. There is no",
        "macro for an undefined number and for an incomplete result.",
    )
    return "\n".join([*opening(board), *explanation, *lines]) + "\n"


def _origin(result: Result) -> str:
    """`vs(tau=1.25), VS (tau=1.25), on cifar10-exp-100`: the row, its title and the problem."""
    title = "" if result.title == result.row else f", {result.title},"
    return f"{result.row}{title} on {result.problem}"


def _numbers(board: Leaderboard, result: Result) -> dict[str, str]:
    found = board.score(result).estimate
    assert found is not None, "a complete result has a mean"
    numbers = {"mean": formatting.number(found.mean, found.unit), "n": str(found.n)}
    if found.sd is not None and found.interval is not None:
        numbers["sd"] = formatting.number(found.sd, found.unit)
        numbers["low"] = formatting.number(found.interval.low, found.unit)
        numbers["high"] = formatting.number(found.interval.high, found.unit)
    if result.rank:
        numbers["rank"] = str(result.rank.rank)
    if result.to_baseline:
        numbers["difference"] = formatting.difference(result.to_baseline)
        if result.to_baseline.adjusted is not None:
            numbers["p"] = formatting.p_value(result.to_baseline.adjusted)
    return {name: rf"\ensuremath{{{tex_number(value)}}}" for name, value in numbers.items()}
