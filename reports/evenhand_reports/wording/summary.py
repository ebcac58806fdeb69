"""The leaderboard in sentences: the suite's answer, the chosen settings and the gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from evenhand.declared.record import Rule
from evenhand.errors import joined
from evenhand.metrics import better, unit
from evenhand_reports.board.baseline import has_one_baseline_per_recipe
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Gap, Result
from evenhand_reports.board.row_order import rows_by_position
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.wording.formatting import NO_VALUE, number
from evenhand_reports.wording.templating import fill

RULE_PHRASES: dict[Rule, str] = {
    "last": "at the last epoch",
    "best-val": "at the epoch that is best on validation data",
    "best-test": "at the epoch that is best on test data",
}
MOST_ROWS = 8
"""Rows that a note under a table names before it counts the others."""
CHOSEN = "{title}: {setting}, chosen from {n} settings{complete}; mean validation score {score}"
SOME_COMPLETE = ", of which {n} had a validation score for every seed"
NONE_CHOSEN = "{title}: none of {n} settings has a validation score for every seed"


def answer(board: Leaderboard) -> str:
    """The suite's finding, which claims no more than its tests.

    It names the rows that have rank 1 on most problems. Among them, or else among all rows, it
    names those that beat the baseline on every problem.
    """
    ranked = [result for result in board.results.values() if result.rank is not None]
    undefined = [r for r in board.results.values() if board.score(r).is_undefined]
    lines = fill(
        "answer.j2",
        board=board,
        ranked=ranked,
        all_equal=all(r.is_bold for r in board.compared.values() if r.rank is not None),
        problems=len({result.problem for result in ranked}),
        **_winners(board, ranked),
        baseline=baseline_phrase(board),
        n=sample_size(board),
        smallest_n=SMALLEST_N,
        nobody="no row of this part" if len(board.compared) > len(board.results) else "no method",
        only_baselines=set(board.rows) <= set(board.baselines),
        alone=len({row for row, _ in board.compared}) == 1,
        incomplete=sum(not r.is_complete for r in board.results.values()) - len(undefined),
        undefined=_undefined(board, undefined),
    )
    return " ".join(lines)


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


def _winners(board: Leaderboard, ranked: Sequence[Result]) -> dict[str, Any]:
    """The facts on rows that have rank 1 on most problems, or beat the baseline on every one."""
    wins = Counter(result.row for result in ranked if result.is_bold)
    most = max(wins.values(), default=0)
    order = rows_by_position(board)
    best = [row for row in order if most and wins[row] == most]
    compared = len({result.problem for result in ranked if result.to_baseline})
    gains: dict[str, list[tuple[str, float]]] = {}
    for result in ranked:
        if (gain := _gain(board, result)) is not None:
            of = unit(board.primary(result.problem))
            gains.setdefault(result.row, []).append((of, gain))
    everywhere = [row for row in order if len(gains.get(row, ())) == compared]
    beating = [row for row in everywhere if row in best] or everywhere
    return {
        "best": join_names([board.rows[row] for row in best]),
        "most": most,
        "compared": compared,
        "gains": gains,
        "beating": join_names([board.rows[row] for row in beating]),
        "points": _points([gain for row in beating for gain in gains.get(row, ())]),
    }


def _gain(board: Leaderboard, result: Result) -> float | None:
    """The lead over the baseline where it is beyond chance after correction."""
    comparison = result.to_baseline
    if comparison is None or comparison.holm is None or comparison.holm > board.suite.alpha:
        return None
    is_higher_better = better(board.primary(result.problem)) == "higher"
    gain = comparison.difference.mean if is_higher_better else -comparison.difference.mean
    return gain if gain > 0 else None


def _points(gains: Sequence[tuple[str, float]]) -> str:
    """`6.1 points`, `6.1 to 7.4 points`; `0.12 nats`, and `0.12` for a score without a unit."""
    by_unit: dict[str, list[float]] = {}
    for of, gain in gains:
        by_unit.setdefault(of, []).append(gain)
    return " and ".join(_range(of, found) for of, found in by_unit.items())


def _range(of: str, gains: Sequence[float]) -> str:
    ends = [min(gains), max(gains)]
    texts = [f"{100 * end:.1f}" if of == "%" else f"{end:.3g}" for end in ends]
    word = {"%": " points", "nats": " nats"}.get(of, "")
    return " to ".join(dict.fromkeys(texts)) + word


def baseline_phrase(board: Leaderboard) -> str:
    """`ERM`, or `ERM under the same recipe` where each recipe has a baseline of its own."""
    is_by_recipe = has_one_baseline_per_recipe(board.suite, board.compared.values())
    several = len(board.baselines) > 1
    return f"{board.baseline} under the same recipe" if several and is_by_recipe else board.baseline


def sample_size(board: Leaderboard) -> str:
    """`n = 5`, or `n = 3 to 5` where some results have fewer seeds."""
    estimates = [board.score(result).estimate for result in board.results.values()]
    return f"n = {size_range([board.n_seeds, *(each.n for each in estimates if each)])}"


def size_range(sizes: Sequence[int]) -> str:
    """`5`, or `3 to 5` where sizes differ."""
    return " to ".join(dict.fromkeys(str(end) for end in (min(sizes), max(sizes))))


def join_names(names: Sequence[str], *, most: int = 4) -> str:
    """`VS, LA and CDT`; a list of more than `most` names ends in `and 5 more`."""
    kept = list(names) if len(names) <= most else names[: most - 1]
    parts = [*kept, *([f"{len(names) - len(kept)} more"] if len(kept) < len(names) else [])]
    return joined(parts)


def gap_cause(gap: Gap) -> str:
    """`failed: out of memory`."""
    return f"{gap.kind}: {gap.cause}" if gap.cause else gap.kind


def gap_location(gap: Gap) -> str:
    """`VS (tau=1.25) on cifar10-exp-100, seed 3`."""
    setting = f" ({gap.setting})" if gap.setting and gap.setting not in gap.title else ""
    return f"{gap.title}{setting} on {gap.problem}, seed {gap.seed}"


def failure(board: Leaderboard) -> str:
    """`no trial of small has a score: 4 failed`, with the first cause; "" where one has a score."""
    if any(score.estimate for r in board.results.values() for score in r.scores.values()):
        return ""
    kinds = Counter(gap.kind for gap in board.gaps)
    counted = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    lines = [f"no trial of {board.suite.suite} has a score: {counted}"]
    lines += [f"  {gap_location(gap)}: {gap_cause(gap)}" for gap in board.gaps if gap.cause][:1]
    return "\n".join(lines)


def choices(board: Leaderboard, problem: str) -> list[str]:
    """The setting that `select:` chose for each row of a problem, and its validation score."""
    competing = [(r.title, c) for r in board.on(problem) if (c := r.choice) and c.candidates[1:]]
    lines = []
    for title, choice in competing:
        n = len(choice.candidates)
        if choice.chosen is None:
            lines.append(NONE_CHOSEN.format(title=title, n=n))
            continue
        chosen = choice.candidates[choice.chosen]
        complete = sum(candidate.score is not None for candidate in choice.candidates)
        score = number(chosen.score.mean, chosen.score.unit) if chosen.score else NO_VALUE
        some = SOME_COMPLETE.format(n=complete) if complete < n else ""
        fields = {"setting": chosen.setting, "n": n, "complete": some, "score": score}
        lines.append(CHOSEN.format(title=title, **fields))
    return lines
