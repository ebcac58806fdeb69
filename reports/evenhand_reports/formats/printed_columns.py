"""The columns of the long form on a printed number and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.record import Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.papers.matching import Quote
from evenhand_reports.papers.protocols import protocol_of
from evenhand_reports.papers.verdicts import Verdict, compared_rule, verdict


def printed_columns(
    board: Leaderboard, result: Result, rule: Rule, quotes: Sequence[Quote]
) -> dict[str, Any]:
    """The columns by name for the first of some printed numbers; none without a number."""
    if not quotes:
        return {}
    number = quotes[0].number
    found = verdict(board, result, number, rule)
    return {
        "printed": number.value,
        "printed_sd": number.std,
        "printed_in": quotes[0].source,
        "printed_protocol": protocol_of(number).words,
        "printed_verdict": found.kind,
        "printed_why": found.why,
        "printed_seeds": found.seeds,
        "printed_rule": compared_rule(board, number),
        **_tested(found),
    }


def _tested(found: Verdict) -> dict[str, float]:
    test = found.test
    if test is None:
        return {}
    return {
        "printed_difference": test.difference,
        "printed_low": test.low,
        "printed_high": test.high,
        "printed_p_margin": test.p_margin,
        "printed_p_zero": test.p_zero,
    }
