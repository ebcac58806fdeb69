"""The suite's finding in sentences: what is decided, by how much, what is not and what it takes."""

from __future__ import annotations

from collections.abc import Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.board.row_order import rows_by_position
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.wording.comparison_sentences import (
    against_baseline,
    contrasts,
    nobody,
    points,
)
from evenhand_reports.wording.summary import compared_size, join_names, size_range

MOST_NAMED = 3
"""Problems that a sentence names before it counts the others."""


def answer(board: Leaderboard) -> str:
    """The suite's finding, which claims no more than its tests.

    It states the comparisons with the baseline, those under the suite's `contrasts:`, the best
    group, the smallest detectable difference, and what limits these claims.
    """
    compared = [problem for problem in board.problems if board.verdicts[problem].is_tested]
    ranked = [r for r in board.results.values() if r.rank is not None]
    if not compared and not ranked:
        return " ".join([_nothing(board), *_limits(board)])
    found = [
        *_provisional(board),
        *contrasts(board),
        *against_baseline(board),
        *_best_groups(board, ranked),
        *_detectable(board, compared),
        _method(board, compared),
        *_environments(board),
        *_limits(board),
    ]
    return " ".join(found)


def _nothing(board: Leaderboard) -> str:
    undefined = any(board.score(r).is_undefined for r in board.results.values())
    incomplete = sum(not r.is_complete for r in board.results.values())
    if board.n_seeds < SMALLEST_N and incomplete < len(board.results) and not undefined:
        return (
            f"Nothing can be compared: with n = {board.n_seeds} a difference cannot be told from "
            f"chance (a paired test needs n ≥ {SMALLEST_N})."
        )
    if len({row for row, _ in board.compared}) == 1 and not board.gaps:
        [title] = board.rows.values()
        return f"{title} is the only row; there is nothing to compare it with."
    return "Nothing can be compared yet."


def _provisional(board: Leaderboard) -> list[str]:
    waiting = [problem for problem in board.problems if board.verdicts[problem].is_provisional]
    if not waiting:
        return []
    where = "" if len(waiting) == len(board.problems) else f" on {_problems(waiting)}"
    return [
        f"Provisional{where}: trials are still to come, and a table that is read again and again "
        "as they arrive shows more false differences than α."
    ]


def _best_groups(board: Leaderboard, ranked: Sequence[Result]) -> list[str]:
    problems = [p for p in board.problems if any(r.problem == p for r in ranked)]
    if not problems:
        return []
    level = f"{100 * (1 - board.suite.alpha):g} %"
    order = [row for row in rows_by_position(board) if any(r.row == row for r in ranked)]
    best = {row: sum(r.is_bold for r in ranked if r.row == row) for row in order}
    apart = [r for r in ranked if r.rank and r.rank.is_incomparable]
    everyone = [r for r in board.compared.values() if r.rank is not None and r.problem in problems]
    if not any(best.values()):
        found = [f"{nobody(board)} is in the best group{_on_all(problems)}."]
    elif all(r.is_bold for r in everyone):
        found = ["No row can be excluded from the best group" + _on_all(problems) + "."]
    elif len(problems) == 1:
        names = join_names([board.rows[row] for row in order if best[row]])
        found = [f"The best group ({level} confidence) is {names}."]
    else:
        leading = sorted((row for row in order if best[row]), key=lambda row: -best[row])
        counted = [f"{board.rows[row]} on {best[row]}" for row in leading]
        counted[0] += f" of {len(problems)} problems"
        found = [f"The best group ({level} confidence) holds {join_names(counted)}."]
    if apart:
        titles = join_names(list(dict.fromkeys(r.title for r in apart)))
        where = "" if len(problems) == 1 else f" on {_problems([r.problem for r in apart])}"
        found.append(f"The scores of {titles} scatter too much{where} to be placed (§).")
    return found


def _on_all(problems: Sequence[str]) -> str:
    return "" if len(problems) == 1 else f" on any of {len(problems)} problems"


def _detectable(board: Leaderboard, compared: Sequence[str]) -> list[str]:
    """The smallest detectable difference, by unit."""
    found = [
        (problem, size) for problem in compared if (size := board.verdicts[problem].detectable)
    ]
    if not found:
        return []
    return [
        f"At {compared_size(board)}, a true difference of {points(board, found)} between two "
        "typical rows would be found in 8 of 10 tables."
    ]


def _method(board: Leaderboard, compared: Sequence[str]) -> str:
    sizes = [board.verdicts[problem].family for problem in compared]
    each = " on each problem" if len(board.problems) > 1 else ""
    declared = f", Holm-corrected over {size_range(sizes or [0])} declared comparisons{each}"
    if not compared:
        declared = ", no declared comparison"
    elif max(sizes) == 1:
        declared = ""
    names = {
        c.test
        for r in board.results.values()
        for c in (r.to_baseline, r.to_best)
        if c is not None and c.test != "none"
    }
    test = "Moderated paired t-tests" if "moderated t" in names else "Paired t-tests"
    test = "Exact sign tests" if names == {"sign"} else test
    return f"({test}{declared}, α = {board.suite.alpha:g}, {compared_size(board)}.)"


def _environments(board: Leaderboard) -> list[str]:
    """The rows whose difference may be due to another machine, package or commit."""
    rows: dict[str, tuple[str, list[str]]] = {}
    for result in board.results.values():
        if result.deviations:
            _, aspects = rows.setdefault(result.title, (result.deviations[0].reference, []))
            aspects += [d.aspect for d in result.deviations if d.aspect not in aspects]
    if not rows:
        return []
    named = [f"{title} ({join_names(aspects)})" for title, (_, aspects) in rows.items()]
    references = join_names(list(dict.fromkeys(reference for reference, _ in rows.values())))
    return [
        f"{join_names(named)} ran in another environment than {references}, and the differences "
        "may be due to that (‡)."
    ]


def _limits(board: Leaderboard) -> list[str]:
    """Undefined metrics and incomplete results."""
    undefined = [r for r in board.results.values() if board.score(r).is_undefined]
    incomplete = sum(not r.is_complete for r in board.results.values()) - len(undefined)
    lines = [
        f"{title} is undefined {rows}on {names}."
        for title, rows, names in _undefined(board, undefined)
    ]
    if incomplete:
        lines.append(f"Incomplete results ({incomplete} of {len(board.results)}) are not ranked.")
    return lines


def _undefined(board: Leaderboard, results: Sequence[Result]) -> list[tuple[str, str, str]]:
    """The titles of the primary metrics without a value, each with its rows and its problems.

    Rows are `for LDAM `, or "" where the metric has no value on any row of these problems.
    """
    rows: dict[str, list[str]] = {}
    for result in results:
        rows.setdefault(result.problem, []).append(result.title)
    found: dict[tuple[str, str], list[str]] = {}
    for problem in [each for each in board.problems if each in rows]:
        is_all = len(rows[problem]) == len(board.on(problem))
        of = "" if is_all else f"for {join_names(rows[problem])} "
        found.setdefault((board.metrics[board.primary(problem)], of), []).append(problem)
    return [(metric, of, join_names(problems)) for (metric, of), problems in found.items()]


def _problems(names: Sequence[str]) -> str:
    return join_names(list(dict.fromkeys(names)), most=MOST_NAMED)
