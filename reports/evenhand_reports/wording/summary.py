"""The leaderboard in words: its answer in one sentence, what was chosen, what is lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evenhand.declared.record import Rule
from evenhand_reports.board.baseline import is_baseline
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Gap, Standing
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.wording.formatting import percent

RULES_IN_WORDS: dict[Rule, str] = {
    "last": "at the last epoch",
    "best-val": "at the epoch that is best on validation data",
    "best-test": "at the epoch that is best on test data",
}


def answer(board: Leaderboard) -> str:
    """What the suite found, in one sentence that claims no more than its tests."""
    ranked = [s for s in board.standings.values() if s.rank is not None]
    if not ranked:
        return _unranked(board)
    if len(board.problems) == 1:
        text = _one_problem(board, board.on(board.problems[0]))
    else:
        text = _many_problems(board)
    lacking = _lacking(board)
    return f"{text} {lacking}" if lacking else text


def _unranked(board: Leaderboard) -> str:
    n = board.n_seeds
    if n < SMALLEST_N and any(s.is_whole for s in board.standings.values()):
        return (
            f"Nothing can be ranked: with n = {n} a difference cannot be told from chance "
            f"(a paired t-test needs n ≥ {SMALLEST_N})."
        )
    if len(board.rows) == 1 and not board.gaps:
        return f"{next(iter(board.rows.values()))} is alone: there is nothing to rank it against."
    return f"Nothing can be ranked yet. {_lacking(board)}".strip()


def _lacking(board: Leaderboard) -> str:
    places = [s for s in board.standings.values() if not s.is_whole]
    if not places:
        return ""
    verb = "is" if len(places) == 1 else "are"
    return f"{len(places)} of {len(board.standings)} cells {verb} incomplete and not ranked."


def _one_problem(board: Leaderboard, standings: Sequence[Standing]) -> str:
    ranked = [s for s in standings if s.rank is not None]
    best = [s for s in ranked if s.is_bold]
    if len(best) == len(ranked):
        every = "Both" if len(best) == 2 else f"All {len(best)}"
        return f"{every} methods share rank 1: no difference is beyond chance ({the_test(board)})."
    names = listed([s.title for s in best])
    head = f"{names} {'has' if len(best) == 1 else 'share'} rank 1"
    return f"{head}; {_against_baseline(board, best)}."


def _against_baseline(board: Leaderboard, best: Sequence[Standing]) -> str:
    """How the best group compares with the baseline, of which it may be a part."""
    sign = 1 if board.higher else -1
    if len(board.baselines) > 1:
        return _against_own_baseline(board, sign)
    baseline = board.baseline
    beat = [s for s in best if is_beyond_chance(board, s, sign)]
    if any(is_baseline(board.suite, s) for s in best):
        alone = len(best) == 1
        text = "no method beats the baseline" if alone else f"the baseline {baseline} is among them"
        return f"{text} ({the_test(board)})"
    if not any(s.to_baseline for s in best):
        return f"nothing could be compared with {baseline} ({the_test(board)})"
    if not beat:
        return f"no difference to {baseline} is beyond chance ({the_test(board)})"
    gains = [sign * s.to_baseline.difference.mean for s in beat if s.to_baseline]
    who = listed([s.title for s in beat])
    if len(beat) == len(best):
        who = {1: "it", 2: "both"}.get(len(best), f"all {len(best)}")
    verb = "beats" if len(beat) == 1 else "beat"
    return f"{who} {verb} {baseline} by {points(gains)}, beyond chance ({the_test(board)})"


def _against_own_baseline(board: Leaderboard, sign: int) -> str:
    """Where each row has the baseline under its own recipe: rows that beat theirs, best or not."""
    ranked = [s for s in board.on(board.problems[0]) if s.rank is not None]
    if not any(s.to_baseline for s in ranked):
        return f"nothing could be compared with {against(board)} ({the_test(board)})"
    beat = [s for s in ranked if is_beyond_chance(board, s, sign)]
    if not beat:
        return f"no row beats {against(board)} beyond chance ({the_test(board)})"
    gains = [sign * s.to_baseline.difference.mean for s in beat if s.to_baseline]
    verb = "beats" if len(beat) == 1 else "beat"
    what = f"{verb} {against(board)} by {points(gains)}, beyond chance"
    return f"{listed([s.title for s in beat])} {what} ({the_test(board)})"


def against(board: Leaderboard) -> str:
    """`ERM`, or `ERM under the same recipe` where each recipe has a baseline of its own."""
    return f"{board.baseline} under the same recipe" if len(board.baselines) > 1 else board.baseline


def is_beyond_chance(board: Leaderboard, standing: Standing, sign: int) -> bool:
    """Better (sign as the metric's direction) than the baseline after correction."""
    found = standing.to_baseline
    if found is None or found.holm is None:
        return False
    return found.holm <= board.suite.alpha and sign * found.difference.mean > 0


def points(gains: Sequence[float]) -> str:
    """`6.1 points`, `6.1 to 7.4 points`."""
    low, high = f"{100 * min(gains):.1f}", f"{100 * max(gains):.1f}"
    return f"{low} points" if low == high else f"{low} to {high} points"


def _many_problems(board: Leaderboard) -> str:
    """Who is in the best group how often, and who beats the baseline everywhere."""
    ranked = [s for s in board.standings.values() if s.rank is not None]
    problems = len({s.problem for s in ranked})
    wins = Counter(s.row for s in ranked if s.is_bold)
    most = max(wins.values())
    first = [board.rows[row] for row in board.rows if wins[row] == most]
    verb = "is" if len(first) == 1 else "are"
    head = f"{listed(first)} {verb} in the best group on {most} of {problems} problems"
    sign = 1 if board.higher else -1
    gains: dict[str, list[float]] = {}
    for standing in ranked:
        if standing.to_baseline and is_beyond_chance(board, standing, sign):
            gains.setdefault(standing.row, []).append(sign * standing.to_baseline.difference.mean)
    compared = len({s.problem for s in ranked if s.to_baseline})
    always = [row for row in board.rows if gains and len(gains.get(row, ())) == compared]
    every = "every one"
    if compared < problems:
        every = f"{compared} of {problems}, where {board.baseline} is complete,"
    if not gains:
        return f"{head}; no row beats {against(board)} beyond chance ({the_test(board)})."
    rows = [row for row in always if board.rows[row] in first] or always
    if not rows:
        return f"{head}; no method beats {against(board)} on {every} ({the_test(board)})."
    who, verb = listed([board.rows[row] for row in rows]), "beats" if len(rows) == 1 else "beat"
    if [board.rows[row] for row in rows] == first:
        who = {1: "it", 2: "both"}.get(len(rows), "all of them")
    by = points([gain for row in rows for gain in gains[row]])
    what = f"{verb} {against(board)} on {every} by {by}, beyond chance"
    return f"{head}; {who} {what} ({the_test(board)})."


def the_test(board: Leaderboard) -> str:
    return f"Holm, α = {board.suite.alpha:g}, {seeds(board)}"


def seeds(board: Leaderboard) -> str:
    """`n = 5`, or `n = 3 to 5` where some cells have fewer."""
    place = board.suite.primary, board.rule
    found = {e.n for s in board.standings.values() if (e := s.scores[place].estimate)}
    whole = board.n_seeds
    return f"n = {min(found)} to {whole}" if found and min(found) < whole else f"n = {whole}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """`VS, LA and CDT`; long lists end in `and 5 more`."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    *head, tail = names
    return f"{', '.join(head)} and {tail}" if head else tail


def gap_text(gap: Gap) -> str:
    """`failed: out of memory`."""
    return f"{gap.kind}: {gap.cause}" if gap.cause else gap.kind


def place(gap: Gap) -> str:
    """`VS (tau=1.25) on cifar10-exp-100, seed 3`."""
    setting = f" ({gap.setting})" if gap.setting and gap.setting not in gap.title else ""
    return f"{gap.title}{setting} on {gap.problem}, seed {gap.seed}"


def choices(board: Leaderboard, problem: str) -> list[str]:
    """What `select:` chose for each row that had a choice, among how many, and why."""
    lines = []
    for standing in board.on(problem):
        choice = standing.choice
        if choice is None or len(choice.candidates) < 2:
            continue
        of = len(choice.candidates)
        whole = sum(c.score is not None for c in choice.candidates)
        if choice.chosen is None:
            lines.append(f"{standing.title}: none of {of} settings has all validation scores")
            continue
        best = choice.candidates[choice.chosen]
        score = percent(best.score.mean) if best.score else ""
        among = f"{of}" if whole == of else f"{of}, of which only {whole} could be judged"
        lines.append(f"{standing.title}: {best.setting}, chosen among {among}; validation {score}")
    return lines
