"""The table over problems in words: its cells, its notes, and reasons for what it does not have."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evenhand_reports.board.across import AcrossProblems
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import rows_by_position
from evenhand_reports.statistics.across import FEWEST_ROWS
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording import formatting
from evenhand_reports.wording.summary import RULE_PHRASES, baseline_phrase, join_names

FEWEST_DRAWN = 3
"""Fewest problems of a performance profile: on two, the table of means shows as much."""

RANKED = (
    "On each problem, the {k} rows that are complete on all {problems} problems are ranked by "
    "their means; equal means share the mean of their ranks. {averaged}"
)
RANK_INTERVALS = (
    "The interval of an average rank joins the averages of the ends of its rank intervals on the "
    "problems. All these intervals together hold the true average ranks with a probability of at "
    "least {level:g} %, for these problems and new seeds, and not for other problems."
)
AVERAGED = "Each rank is by the metric of its problem. "
MEANS = (
    "The mean over problems gives each problem the same weight. It is taken at each seed, and its "
    "Student-t interval is over seeds, n = {n}, for these problems."
)
DIFFERENCES = "The intervals of differences to {baseline} are not corrected for the number of rows."
NO_MEANS = (
    "There is no mean over problems and no performance profile, because the problems have "
    "different primary metrics ({metrics}), whose values have no common scale."
)
SHARED = (
    "The {problems} problems are made from {sets} data {noun}, and results on problems of one data "
    "set are not independent."
)
NO_ROWS = "Fewer than two rows are complete on every problem, so nothing is compared over problems."
NO_DIAGRAM = "There is no critical-difference diagram, because {reason}."
FEW_SETS = (
    "Wilcoxon's signed-rank test with Holm's correction over the {pairs} pairs of {k} rows reaches "
    "α = {alpha:g} only from {needed} data sets on, and this suite has {sets}"
)
DIAGRAM = (
    "Rows at their average ranks over {sets} data sets{averaged}. Friedman's test that all rows "
    "are equal has {friedman}. A bar joins rows of which no pair differs at α = {alpha:g} by "
    "Wilcoxon's signed-rank test over data sets, Holm-corrected over all {pairs} pairs{skipped}."
)
PROFILE = (
    "Share of the {pairs} pairs of problem and seed at which a row is within δ of the best row "
    "there, {rule}. A higher curve is better; at δ = 0 it is the share of pairs at which the row "
    "is the best. The curves describe these trials and are not tested."
)
NO_PROFILE = "There is no performance profile for fewer than {fewest} problems."


@dataclass(frozen=True)
class AcrossRow:
    """The cells of one row; a dash for each value that it does not have."""

    row: str
    title: str
    rank: str
    cells: tuple[str, ...]
    """The average rank and its interval; with one metric, the mean and the difference as well."""


def has_across(board: Leaderboard) -> bool:
    """Whether a report has a table over problems: two rows are complete on several of them."""
    return bool(board.across.ranks)


def across_heads(board: Leaderboard) -> list[str]:
    """The headers of the columns after the name of the row."""
    found, level = board.across, f"{100 * (1 - board.suite.alpha):g} % interval"
    heads = ["average rank", level]
    if found.means:
        heads += [f"mean {formatting.within_sentence(formatting.heading(board, found.metric))}"]
        heads.append(level)
    if found.differences:
        heads += [f"Δ to {board.baseline}", level]
    return heads


def across_rows(board: Leaderboard) -> list[AcrossRow]:
    """The rows of the board by their average rank, then by their mean position in the tables."""
    found = board.across
    order = sorted(
        rows_by_position(board),
        key=lambda row: found.ranks[row].mean if row in found.ranks else math.inf,
    )
    return [AcrossRow(row, board.rows[row], _rank(found, row), _cells(found, row)) for row in order]


def _rank(found: AcrossProblems, row: str) -> str:
    return f"{found.ranks[row].mean:.2f}" if row in found.ranks else formatting.NO_VALUE


def _cells(found: AcrossProblems, row: str) -> tuple[str, ...]:
    rank = found.ranks.get(row)
    ends = rank.interval if rank else None
    cells = [
        _rank(found, row),
        f"[{ends[0]:.2f}, {ends[1]:.2f}]" if ends else formatting.NO_VALUE,
    ]
    if found.means:
        cells += _estimate(found.means.get(row))
    if found.differences:
        cells += _estimate(found.differences.get(row), signed=True)
    return tuple(cells)


def _estimate(found: Estimate | None, *, signed: bool = False) -> list[str]:
    if found is None:
        return [formatting.NO_VALUE, formatting.NO_VALUE]
    mean = formatting.number(found.mean, found.unit, signed=signed)
    return [mean, formatting.interval(found.interval, signed=signed)]


def across_notes(board: Leaderboard, *, has_profile: bool = False) -> list[str]:
    """The notes on the table over problems."""
    found, level = board.across, 100 * (1 - board.suite.alpha)
    if not found.ranks:
        return [NO_ROWS]
    n = len(found.problems)
    averaged = AVERAGED if len(board.ranked_by) > 1 else ""
    notes = [RANKED.format(k=len(found.rows), problems=n, averaged=averaged).strip()]
    if all(rank.interval for rank in found.ranks.values()):
        notes.append(RANK_INTERVALS.format(level=level))
    if found.means:
        notes.append(MEANS.format(n=next(iter(found.means.values())).n))
        if found.differences:
            notes.append(DIFFERENCES.format(baseline=baseline_phrase(board)))
    elif len(board.ranked_by) > 1:
        titles = join_names([board.metrics[metric] for metric in board.ranked_by])
        notes.append(NO_MEANS.format(metrics=titles))
    sets = found.n_data_sets
    if sets < n:
        notes.append(SHARED.format(problems=n, sets=sets, noun="sets" if sets > 1 else "set"))
    return [*notes, *_reasons(board, has_profile=has_profile)]


def _reasons(board: Leaderboard, *, has_profile: bool) -> list[str]:
    """The reasons why there is no profile and no diagram."""
    found, k = board.across, len(board.across.rows)
    reasons = []
    if has_profile and found.metric and len(found.problems) < FEWEST_DRAWN:
        reasons.append(NO_PROFILE.format(fewest=FEWEST_DRAWN))
    if found.critical is None:
        if not found.metric:
            reason = "the signed-rank test compares differences in size, which needs one metric"
            if len(board.ranked_by) == 1:
                reason = "the problems have different numbers of seeds"
        elif k < FEWEST_ROWS:
            reason = f"it needs {FEWEST_ROWS} rows that are complete on every problem"
        else:
            reason = FEW_SETS.format(
                pairs=k * (k - 1) // 2,
                k=k,
                alpha=board.suite.alpha,
                needed=found.needed,
                sets=found.n_data_sets,
            )
        reasons.append(NO_DIAGRAM.format(reason=reason))
    return reasons


def diagram_caption(board: Leaderboard) -> str:
    """The tests of the critical-difference diagram."""
    found, k = board.across, len(board.across.rows)
    assert found.critical is not None, "the caption describes a diagram"
    p, alpha = found.critical.friedman, board.suite.alpha
    several = found.n_data_sets < len(found.problems)
    return DIAGRAM.format(
        sets=found.n_data_sets,
        averaged=", each with the mean over its problems" if several else "",
        friedman=formatting.p_text(p),
        alpha=alpha,
        pairs=k * (k - 1) // 2,
        skipped="" if p <= alpha else "; as Friedman's test does not reject, no pair is tested",
    )


def profile_caption(board: Leaderboard) -> str:
    """What the curves of the performance profile are."""
    pairs = next(iter(board.across.regrets.values())).size
    return PROFILE.format(pairs=pairs, rule=RULE_PHRASES[board.rule])
