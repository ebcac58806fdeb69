"""The footnotes under every table: what the numbers are, what the test is, and what is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evenhand.declared.registry import REGISTRY
from evenhand_reports.board.baseline import is_one_a_recipe
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.wording.formatting import INCOMPLETE
from evenhand_reports.wording.summary import RULES_IN_WORDS, listed, seeds


def footnotes(board: Leaderboard, *, brackets: bool = True) -> tuple[str, ...]:
    """What the numbers are, what the test is, and what is marked.

    brackets: the table shows intervals.
    """
    notes = [_what_numbers_are(board, brackets=brackets), _what_test_is(board)]
    more = (_baselines, _scattered, _chosen, _halved, _untested, _incomplete, _part)
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
        f"Differences are paired by seed: two-sided t-test, Holm-corrected {_families(board)}. "
        "A row's rank is 1 + the number of rows that beat it beyond chance. "
        "Bold is the whole best group, rank 1: the rows that no other beats."
    )


def _families(board: Leaderboard) -> str:
    """`over the 2 comparisons with ERM, declared beforehand, and separately over the other 3 pairs
    of rows, each at α = 0.05: where nothing differs, …`."""
    families = [family for family in board.families.values() if sum(family)]
    declared, others = (_span(sizes) for sizes in zip(*families, strict=True))
    texts = []
    if declared.high:
        noun = "comparison" if declared.high == 1 else "comparisons"
        texts.append(f"{declared.the}{noun} with {board.baseline}, declared beforehand")
    if others.high:
        noun = "pair of rows" if others.high == 1 else "pairs of rows"
        the = others.the.replace("the ", "the other ") if texts else others.the
        texts.append(f"{the}{noun}")
    where, some = "", "some rank"
    if len(board.problems) > 1:
        where, some = "on each problem ", "some rank on a problem"
    text = f"{where}over {', and separately over '.join(texts)}"
    alpha = board.suite.alpha
    if not any(all(family) for family in families):
        return f"{text}, α = {alpha:g}"
    return (
        f"{text}, each at α = {alpha:g}: where nothing differs, {some} is wrong with probability "
        f"at most 2α = {2 * alpha:g}"
    )


class _Span(NamedTuple):
    """From the smallest to the largest of several sizes, and how they are put before a noun."""

    high: int
    the: str


def _span(sizes: Sequence[int]) -> _Span:
    """`the 3 `, `the ` of one; where problems differ `1 to 3 `, `up to 3 `."""
    low, high = min(sizes), max(sizes)
    if low == high:
        return _Span(high, "the " if high == 1 else f"the {high} ")
    return _Span(high, f"{low} to {high} " if low else f"up to {high} ")


def _baselines(board: Leaderboard) -> str:
    """Which row is the baseline, where several are."""
    if len(board.baselines) < 2:
        return ""
    if is_one_a_recipe(board.suite, board.standings.values()):
        return f"The baseline of a row is {board.baseline} under the same recipe."
    return (
        f"{board.baseline} has several rows under one recipe: none of them is the baseline, and "
        "nothing is compared with it."
    )


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


def _halved(board: Leaderboard) -> str:
    """Which problems validate on test images, where some do."""
    halved = {s.problem for s in board.standings.values() if s.configuration.problem.val.test_half}
    if not halved:
        return ""
    names = [problem for problem in board.problems if problem in halved]
    where = "" if len(names) == len(board.problems) else f"On {listed(names, most=len(names))}, "
    text = (
        f"{where}validation images are one half of the data set's own test images, class by class; "
        "test data are the other half."
    )
    return text[:1].upper() + text[1:]


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
    part, whole = board.part, board.whole
    if part.trials == whole.trials:
        return ""
    kinds = ["rows", "problems", "seeds", *(["settings"] if board.suite.select else [])]
    sizes = [(kind, getattr(part, kind), getattr(whole, kind)) for kind in kinds]
    less = [f"{have} of {of} {kind}" for kind, have, of in sizes if have < of]
    text = f"A part of the suite: {part.trials} of {whole.trials} trials"
    text += f", with {listed(less)}" if less else ""
    if board.suite.select and part.settings < whole.settings:
        text += "; settings were chosen among these alone"
    return f"{text}."
