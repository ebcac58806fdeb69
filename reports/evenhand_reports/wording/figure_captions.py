"""What a page says beside a suite's figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.suite.figures import OF_PROBLEM, Figure, of_problem
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.setting_lines import is_number

NARROW = "\N{NO-BREAK SPACE}"


def head(figure: Figure, what: str) -> dict[str, Any]:
    """kind; the suite's own title, or ""; what is drawn; `on` what, where a page has several."""
    return {"kind": figure.kind, "title": figure.title, "what": what, "on": ""}


def setting(name: str) -> str:
    """`features` for `problem.features`, `validation share` for `problem.val.fraction`."""
    of_val = {
        "problem.val.fraction": "validation share",
        "problem.val.per_class": "validation images a class",
    }
    return of_val.get(name, name.removeprefix(OF_PROBLEM))


def inside(title: str) -> str:
    """A metric's title within a sentence: `balanced error`, `DEO (sum)`."""
    is_word = title[1:2].islower()
    return f"{title[0].lower()}{title[1:]}" if is_word else title


def seeds(board: Leaderboard, sizes: Sequence[int], *, bands: str = "bands") -> str:
    """`Mean over seeds, n = 5; bands are Student-t intervals at 95 %.`"""
    low, high = min(sizes), max(sizes)
    n = f"n = {low}" if low == high else f"n = {low} to {high}"
    level = f"{100 * (1 - board.suite.alpha):g}{NARROW}%"
    if high == 1:
        return f"One seed, {n}: no interval."
    spread = f"; {bands} are Student-t intervals at {level}" if bands else ""
    return f"Mean over seeds, {n}{spread}."


def ramp(figure: Figure, lines: Sequence[Standing]) -> int:
    """How many lines there are, where each is of another number of `by`, in order; else 0."""
    if figure.by is None or len(lines) < 2:
        return 0
    values = [of_problem(standing.configuration.problem, figure.by) for standing in lines]
    if not all(map(is_number, values)) or sorted(set(values)) != values:
        return 0
    return len(lines)


def omitted(n: int) -> str:
    return f" {n} more lines are not drawn; `methods:` chooses." if n > 0 else ""
