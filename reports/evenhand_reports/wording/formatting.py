"""Numbers, marks and p-values as text, the same in every format.

Scores are fractions everywhere else; here they become percent, and differences become points. A
score in another unit, such as nats, is shown as it is.
"""

from __future__ import annotations

from evenhand.metrics import better, unit
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result, Score
from evenhand_reports.statistics.estimate import Estimate, Interval
from evenhand_reports.statistics.paired_tests import Comparison

MINUS = "−"
INCOMPLETE = "†"
ELSEWHERE = "‡"
"""Mark of a result whose environment differs from that of its baseline."""

INCOMPARABLE = "§"
"""Mark of a row whose scores scatter too much to be placed."""

UNDEFINED = "undefined"
NAMED_AFTER = ("Brier", "Cohen", "Gini", "Matthews", "Youden")
"""Persons after whom metrics are named: the title of such a metric keeps its capital letter."""

NO_VALUE = "–"
NO_BREAK = "\N{NO-BREAK SPACE}"


def percent(fraction: float, *, signed: bool = False) -> str:
    """A fraction in percent with two decimals: `71.94`, `−2.10`, and `+2.10` where signed."""
    text = f"{100 * fraction:.2f}"
    if float(text) == 0:
        return "0.00"
    sign = MINUS if text.startswith("-") else "+" if signed else ""
    return sign + text.removeprefix("-")


def number(value: float, unit: str, *, signed: bool = False) -> str:
    """A value in its unit: in percent with two decimals, in any other unit with four."""
    if unit == "%":
        return percent(value, signed=signed)
    text = f"{value:.4f}"
    if float(text) == 0:
        return "0.0000"
    sign = MINUS if text.startswith("-") else "+" if signed else ""
    return sign + text.removeprefix("-")


def unit_words(metric: str) -> str:
    """`in percent`, `in nats`, or `on a scale of its own` for a score without a unit."""
    return {"%": "in percent", "nats": "in nats"}.get(unit(metric), "without a unit")


def unit_of_all(board: Leaderboard) -> str:
    """`in percent`, or `in percent, except NLL (in nats)` for the metrics of a board."""
    others = [f"{title} ({unit_words(m)})" for m, title in board.metrics.items() if unit(m) != "%"]
    if len(others) == len(board.metrics):
        return ", ".join(others)
    return "in percent" + (f", except {' and '.join(others)}" if others else "")


def mean_sd(estimate: Estimate | None) -> str:
    """`71.94 ± 0.38`; the mean alone at n = 1."""
    if estimate is None:
        return NO_VALUE
    if estimate.sd is None:
        return number(estimate.mean, estimate.unit)
    return f"{number(estimate.mean, estimate.unit)} ± {number(estimate.sd, estimate.unit)}"


def score_text(score: Score) -> str:
    """`71.94 ± 0.38`; `undefined` for a metric that has no value on whole records."""
    return UNDEFINED if score.is_undefined else mean_sd(score.estimate)


def mean_sd_marked(score: Score) -> str:
    """`71.94 ± 0.38†` where some seeds have no value."""
    partial = score.estimate is not None and not score.is_complete
    return score_text(score) + (INCOMPLETE if partial else "")


def with_interval(score: Score) -> str:
    """`71.94 ± 0.38† [71.47, 72.41]`; without the interval where there is none."""
    found = score.estimate.interval if score.estimate else None
    return mean_sd_marked(score) + (f" {interval(found)}" if found else "")


def interval(found: Interval | None, *, signed: bool = False) -> str:
    """`[71.47, 72.41]`; a dash where there is none."""
    if found is None:
        return NO_VALUE
    low, high = (number(end, found.unit, signed=signed) for end in (found.low, found.high))
    return f"[{low}, {high}]"


LEVELS = (0.01, 0.05, 0.1)
"""Usual levels: a p-value that would be rounded to one of them has more digits."""


def p_value(p: float | None) -> str:
    """`0.032`, `0.0503`, `< 0.001`; a dash where no test could be made."""
    if p is None:
        return NO_VALUE
    if p < 0.001:
        return "< 0.001"
    digits = 3
    while digits < 8 and p not in LEVELS and round(p, digits) in LEVELS:
        digits += 1
    return f"{p:.{digits}f}"


def p_text(p: float | None) -> str:
    """`p = 0.032`, `p < 0.001`, `no test`."""
    if p is None:
        return "no test"
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def heading(board: Leaderboard, metric: str) -> str:
    """`Balanced error ↓`: a metric's title and the direction in which it improves."""
    return f"{board.metrics[metric]} {'↑' if better(metric) == 'higher' else '↓'}"


def within_sentence(title: str) -> str:
    """A metric's title inside a sentence: `balanced error`; `NLL` and `Brier score` unchanged."""
    is_name = not title[1:2].islower() or title.startswith(NAMED_AFTER)
    return title if is_name else f"{title[0].lower()}{title[1:]}"


def rank(result: Result) -> str:
    """`1`; a dash for a result that is not ranked."""
    return str(result.rank.rank) if result.rank else NO_VALUE


def span(result: Result) -> str:
    """`1–3`: the simultaneous interval of the rank."""
    if result.rank is None:
        return NO_VALUE
    low, high = result.rank.span
    return str(low) if low == high else f"{low}–{high}"


def rank_and_span(result: Result) -> str:
    """`2 (1–3)`: the rank with its interval, where that holds others; a dash without a rank."""
    if result.rank is None or "–" not in span(result):
        return rank(result)
    return f"{rank(result)} ({span(result)})"


def mark(board: Leaderboard, result: Result) -> str:
    """`†` incomplete, `‡` of another environment, `§` incomparable; "" for other results."""
    return "".join(mark_meanings(board, result))


def mark_meanings(board: Leaderboard, result: Result) -> dict[str, str]:
    """The marks of a result, each with its meaning in a few words."""
    is_undefined = board.score(result).is_undefined
    marks = {
        INCOMPLETE: "" if result.is_complete or is_undefined else "incomplete",
        ELSEWHERE: "; ".join(map(str, result.deviations)),
        INCOMPARABLE: "scatters too much to be placed"
        if result.rank and result.rank.is_incomparable
        else "",
    }
    return {sign: meaning for sign, meaning in marks.items() if meaning}


def n(board: Leaderboard, result: Result) -> str:
    """`5`, or `3 of 5` for an incomplete result; `5 folds` for those of a cross-validation.

    A dash for a metric that is undefined on whole records.
    """
    score = board.score(result)
    if score.is_undefined:
        return NO_VALUE
    have, want = score.estimate.n if score.estimate else 0, len(result.records)
    text = str(want) if have == want else f"{have} of {want}"
    return f"{text} folds" if result.test_ratio else text


def difference(comparison: Comparison | None) -> str:
    """`+2.10`, in points or the metric's unit; a dash without a comparison."""
    if comparison is None:
        return NO_VALUE
    return number(comparison.difference.mean, comparison.difference.unit, signed=True)


def difference_and_p(comparison: Comparison | None) -> str:
    """`+2.10 (0.032)`: a difference and its p-value, a dash where there was no test."""
    if comparison is None:
        return NO_VALUE
    return f"{difference(comparison)} ({p_value(comparison.adjusted)})"


def seconds(value: float) -> str:
    """`8.4 s`, `12.3 min`, `3.4 h`."""
    if value < 90:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 5400 else f"{value / 3600:.1f} h"


def unbroken(text: str) -> str:
    """The text with `n = 5`, `95 %` and `t-test` kept on one line each."""
    spaced = text.replace(" = ", f"{NO_BREAK}={NO_BREAK}").replace(" %", f"{NO_BREAK}%")
    return spaced.replace("t-test", "t\N{NON-BREAKING HYPHEN}test")
