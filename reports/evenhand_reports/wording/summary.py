"""The leaderboard in words: names, sizes, the chosen settings and the gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evenhand.declared.record import Rule
from evenhand.errors import joined
from evenhand_reports.board.baseline import has_one_baseline_per_recipe
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Gap
from evenhand_reports.wording.formatting import INCOMPLETE, NO_VALUE, number

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


def baseline_phrase(board: Leaderboard) -> str:
    """`ERM`, or `ERM under the same recipe` where each recipe has a baseline of its own."""
    is_by_recipe = has_one_baseline_per_recipe(board.suite, board.compared.values())
    several = len(board.baselines) > 1
    return f"{board.baseline} under the same recipe" if several and is_by_recipe else board.baseline


def sample_size(board: Leaderboard) -> str:
    """`n = 5`, or `n = 5, and n = 3 or 4 where marked †`: the seeds that the means are over."""
    estimates = [board.score(result).estimate for result in board.results.values()]
    fewer = sorted({each.n for each in estimates if each} - {board.n_seeds})
    text = f"n = {board.n_seeds}"
    return f"{text}, and n = {_or(fewer)} where marked {INCOMPLETE}" if fewer else text


def compared_size(board: Leaderboard) -> str:
    """`n = 5`: the seeds that the compared rows share; `n = 3 or 5` where problems differ in it."""
    results = board.results.values()
    compared = [c for r in results for c in (r.to_best, r.to_baseline) if c]
    compared += [c for problem in board.problems for c in board.verdicts[problem].contrasts]
    sizes = sorted({each.difference.n for each in compared if each.p is not None})
    return f"n = {_or(sizes or [board.n_seeds])}"


def phrase_of_tests(board: Leaderboard) -> str:
    """`moderated paired t-tests`, `paired t-tests` or `exact sign tests`."""
    compared = [c for r in board.results.values() for c in (r.to_baseline, r.to_best) if c]
    compared += [c for problem in board.problems for c in board.verdicts[problem].contrasts]
    names = {each.test for each in compared} - {"none"}
    if names == {"sign"}:
        return "exact sign tests"
    return "moderated paired t-tests" if "moderated t" in names else "paired t-tests"


def _or(sizes: Sequence[int]) -> str:
    """`3`, `3 or 4`, and `3 to 7` for more than two sizes."""
    return " or ".join(map(str, sizes)) if len(sizes) < 3 else size_range(sizes)


def size_range(sizes: Sequence[int]) -> str:
    """`5`, or `3 to 5` where sizes differ."""
    return " to ".join(dict.fromkeys(str(end) for end in (min(sizes), max(sizes))))


def join_names(names: Sequence[str], *, most: int = 4) -> str:
    """`VS, LA and CDT`; a list of more than `most` names ends in `and 5 more`.

    Names that hold a comma are separated by semicolons.
    """
    kept = list(names) if len(names) <= most else names[: most - 1]
    parts = [*kept, *([f"{len(names) - len(kept)} more"] if len(kept) < len(names) else [])]
    if len(parts) > 1 and any("," in part for part in parts):
        return f"{'; '.join(parts[:-1])}; and {parts[-1]}"
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
