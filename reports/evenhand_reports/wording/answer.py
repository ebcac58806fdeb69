"""The suite's finding in sentences: what is decided, by how much, what is not and what it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evenhand.metrics import better
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.board.row_order import rows_by_position
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.wording.comparison_sentences import (
    against_baseline,
    contrasts,
    points,
    tested_metrics,
)
from evenhand_reports.wording.summary import compared_size, join_names, phrase_of_tests, size_range

NOISY = 2.0
"""Deviation over that of a typical row from which the answer names the scatter of a row."""

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
        *tested_metrics(board),
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
    """The rows among which the best one is: the best group, and the rows that are set apart."""
    problems = [p for p in board.problems if any(r.problem == p for r in ranked)]
    groups = {problem: _group(board, problem) for problem in problems}
    if not problems:
        return []
    level = f"{100 * (1 - board.suite.alpha):g} % confidence"
    if len(problems) == 1:
        return [_one_group(board, groups[problems[0]], level), *_noisy(board, ranked)]
    if all(group.is_all for group in groups.values()):
        return [f"No row can be excluded as the best one on any of {len(problems)} problems."]
    count = Counter(title for group in groups.values() for title in group.best)
    shown = {board.rows[row]: row for row in rows_by_position(board)}
    named = [title for title in shown if count[title]]
    if not named:
        return [f"No row of this part is in the best group on any of {len(problems)} problems."]
    counted = [f"{title} on {count[title]}" for title in sorted(named, key=lambda t: -count[t])]
    counted[0] += f" of {len(problems)} problems"
    apart = ", or marked § where it scatters too much to be placed" if _apart(groups) else ""
    among = "" if all(group.is_whole for group in groups.values()) else ", among complete rows"
    best = f"The best row of a problem is in its best group{apart} ({level}{among})"
    return [f"{best}, which holds {join_names(counted)}.", *_noisy(board, ranked)]


class _Group(NamedTuple):
    """The best group of a problem by titles, of all rows of the suite."""

    best: list[str]
    apart: list[str]
    """The rows that scatter too much to be placed."""

    ranked: int
    is_all: bool
    """Whether no ranked row is excluded."""

    rows: int
    problem: str

    @property
    def is_whole(self) -> bool:
        """Whether every row of the problem is ranked."""
        return self.ranked == self.rows


def _group(board: Leaderboard, problem: str) -> _Group:
    results = [r for (_, p), r in board.compared.items() if p == problem]
    sign = -1 if better(board.primary(problem)) == "higher" else 1
    ranked = sorted(
        ((r.rank, r.title) for r in results if r.rank), key=lambda each: (each[0].rank, sign)
    )
    best = [title for rank, title in ranked if rank.is_best]
    apart = [title for rank, title in ranked if rank.is_incomparable]
    is_all = len(best) + len(apart) == len(ranked)
    return _Group(best, apart, len(ranked), is_all, len(results), problem)


def _apart(groups: Mapping[str, _Group]) -> bool:
    return any(group.apart for group in groups.values())


def _one_group(board: Leaderboard, group: _Group, level: str) -> str:
    among = "" if group.is_whole else f"Among the {group.ranked} of {group.rows} complete rows"
    if not group.is_whole and len(board.problems) > 1:
        among += f" on {group.problem}"
    if group.is_all:
        whole = "no row can be excluded as the best one"
        return f"{among}, {whole}." if among else f"{whole[0].upper()}{whole[1:]}."
    start = f"{among}, the" if among else "The"
    one = len(group.best) == 1 and not group.apart
    names = join_names(group.best)
    text = f"{start} best row is {names}" if one else f"{start} best row is among {names}"
    if group.apart:
        text += f", and {join_names(group.apart)}, which scatters too much to be placed (§)"
        text = text.replace("which scatters", "which scatter") if group.apart[1:] else text
    return f"{text} ({level})."


def _noisy(board: Leaderboard, ranked: Sequence[Result]) -> list[str]:
    """The baselines and leaders whose scores scatter much more than those of a typical row."""
    found: dict[str, float] = {}
    for result in ranked:
        rank = result.rank
        is_named = result.row in board.baselines or (rank is not None and rank.rank == 1)
        if rank and is_named and rank.is_noisy and rank.scatter >= NOISY:
            found[result.title] = max(rank.scatter, found.get(result.title, 0))
    return [
        f"The scores of {title} scatter {scatter:.1f} times as much as those of a typical row, so "
        "that its comparisons are less certain."
        for title, scatter in found.items()
    ]


def _detectable(board: Leaderboard, compared: Sequence[str]) -> list[str]:
    """The smallest detectable difference, by unit."""
    found = [
        (problem, size) for problem in compared if (size := board.verdicts[problem].detectable)
    ]
    if not found:
        return []
    return [
        f"A true difference of {points(board, found)} between two rows of typical scatter would be "
        "found with a power of 80 %."
    ]


def _method(board: Leaderboard, compared: Sequence[str]) -> str:
    sizes = [board.verdicts[problem].family for problem in compared]
    each = " on each problem" if len(board.problems) > 1 else ""
    declared = f", Holm-corrected over {size_range(sizes or [0])} declared comparisons{each}"
    if not compared:
        declared = ", no declared comparison"
    elif max(sizes) == 1:
        declared = ""
    test, level = phrase_of_tests(board), f"α = {board.suite.alpha:g}"
    return f"({test[0].upper()}{test[1:]}{declared}, {level}, {compared_size(board)}.)"


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
