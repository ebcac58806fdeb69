"""The footnotes under every table: what the numbers are, what the test is, and what is marked."""

from __future__ import annotations

from collections.abc import Sequence

from harness.spec.registry import REGISTRY
from reports.leaderboard import Leaderboard
from reports.paired import SMALLEST_N
from reports.sentences import RULES_IN_WORDS, seeds
from reports.table import INCOMPLETE


def footnotes(board: Leaderboard, *, brackets: bool = True) -> tuple[str, ...]:
    """What the numbers are, what the test is, and what is marked.

    brackets: the table shows intervals.
    """
    notes = [_what_numbers_are(board, brackets=brackets), _what_test_is(board)]
    more = (_scattered, _chosen, _untested, _incomplete, _part)
    notes += [text for write in more if (text := write(board))]
    return tuple(notes)


def _what_numbers_are(board: Leaderboard, *, brackets: bool) -> str:
    title, direction = board.metrics[board.suite.primary], "higher" if board.higher else "lower"
    spread = "one seed, n = 1, in percent: no deviation and no interval"
    if board.n_seeds > 1:
        spread = f"mean ± sample standard deviation over seeds, {seeds(board)}, in percent"
        level = f"{100 * (1 - board.suite.alpha):g}"
        spread += f"; brackets are Student-t intervals at {level} %" if brackets else ""
    return f"{title} ({direction} is better) on test data {RULES_IN_WORDS[board.rule]}: {spread}."


def _what_test_is(board: Leaderboard) -> str:
    n = board.n_seeds
    if n < SMALLEST_N:
        return (
            f"No test can reach α = {board.suite.alpha:g} at n = {n}: a paired t-test needs "
            f"n ≥ {SMALLEST_N}. Nothing is ranked and nothing is bold."
        )
    if not any(sum(family) for family in board.families.values()):
        return "No two complete rows share a problem, so nothing is compared."
    return (
        "Differences are paired by seed: two-sided t-test, Holm-corrected over "
        f"{_families(board)}, α = {board.suite.alpha:g}. "
        "A row's rank is 1 + the number of rows that beat it "
        "beyond chance. Bold is the whole best group, rank 1: the rows that no other beats."
    )


def _families(board: Leaderboard) -> str:
    """`the 2 comparisons with ERM, declared beforehand, and by itself over the other 3 pairs`."""
    families = [family for family in board.families.values() if sum(family)]
    declared, others = (_span(sizes) for sizes in zip(*families, strict=True))
    texts = []
    if declared != "0":
        noun = "comparison" if declared == "1" else "comparisons"
        texts.append(f"the {declared} {noun} with {board.baseline}, declared beforehand")
    if others != "0":
        pairs = "pair of rows" if others == "1" else "pairs of rows"
        texts.append(f"the {'other ' if texts else ''}{others} {pairs}")
    text = ", and separately over ".join(texts)
    return f"{text} on each problem" if len(board.problems) > 1 else text


def _span(sizes: Sequence[int]) -> str:
    """`3`, or `1 to 3` where problems differ."""
    low, high = min(sizes), max(sizes)
    return f"{low}" if low == high else f"{low} to {high}"


def _scattered(board: Leaderboard) -> str:
    """Where a row is bold below one that is not."""
    for problem in board.problems:
        bold = [standing.is_bold for standing in board.on(problem) if standing.rank]
        if bold != sorted(bold, reverse=True):
            return (
                "A row whose seeds scatter can share rank 1 below a steadier row that has lost it: "
                "each pair is judged by its own differences."
            )
    return ""


def _chosen(board: Leaderboard) -> str:
    select = board.suite.select
    if select is None:
        return ""
    metric = REGISTRY.get("metric", select.by or board.suite.primary).title.lower()
    return (
        f"Each method's setting was chosen per problem by mean {metric} over seeds on validation "
        f"data {RULES_IN_WORDS[select.epoch]}; no test data were used."
    )


def _untested(board: Leaderboard) -> str:
    """Pairs that have seeds enough and yet no variance."""
    if board.n_seeds < SMALLEST_N:
        return ""
    pairs = {
        (*sorted((c.first, c.second)), s.problem)
        for s in board.standings.values()
        for c in (s.to_best, s.to_baseline)
        if c is not None and c.p is None
    }
    if not pairs:
        return ""
    count = "One pair has" if len(pairs) == 1 else f"{len(pairs)} pairs have"
    return f"{count} the same difference at every seed: no variance, no test, counted as a tie."


def _incomplete(board: Leaderboard) -> str:
    """What the dagger means, where there is one."""
    torn = [s for s in board.standings.values() if not s.is_whole]
    keys = len({gap.key for gap in board.gaps if gap.kind != "undefined"})
    what = f"{keys} of {board.trials} trials have no usable record"
    if not keys:
        what = "a value is undefined on some seeds"
    if torn:
        return f"{INCOMPLETE} Incomplete ({what}): over the seeds there are, and not ranked."
    scores = [s.scores[m, board.rule] for s in board.standings.values() for m in board.metrics]
    if any(score.estimate and not score.is_whole for score in scores):
        return f"{INCOMPLETE} Undefined on some seeds: mean over the others."
    return ""


def _part(board: Leaderboard) -> str:
    """What of the suite is not in this report, where only a part was asked for."""
    suite = board.suite
    wholes = (
        (len(board.rows), len(suite.methods), "methods"),
        (len(board.problems), len(suite.problems), "problems"),
        (board.n_seeds, len(suite.seeds), "seeds"),
    )
    parts = [f"{have} of {whole} {what}" for have, whole, what in wholes if have < whole]
    return f"A part of the suite: {', '.join(parts)}." if parts else ""
