"""Values that a report needs for each of its tables and that depend on the board alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from evenhand_reports.board.leaderboard import Leaderboard

T = TypeVar("T")


def once(function: Callable[[Leaderboard], T]) -> Callable[[Leaderboard], T]:
    """Compute a function of a board once for each board; the board holds its value.

    All callers get the same object, so that the value is of a type that nobody changes.
    """

    @wraps(function)
    def known(board: Leaderboard) -> T:
        if function not in board.known:
            board.known[function] = function(board)
        value: T = board.known[function]
        return value

    return known
