"""The declared comparisons of a problem as lines of a table, each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evenhand.metrics import better
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording import formatting
from evenhand_reports.wording.comparison_sentences import points, seeds_text

HEADERS = ("comparison", "difference", "interval", "p", "n", "verdict")

NOTE = (
    "Differences in points for metrics in percent. P-values are Holm-corrected within {families}. "
    "The {level} % intervals are not, so that one can exclude 0 although its comparison is "
    "undecided."
)
SEEDS = (
    " Seeds: the number at which a true difference of the size that was seen is found with a power "
    "of 80 %. It is an order of magnitude, because the difference that was seen is uncertain. The "
    "option --until-separated of evenhand run adds seeds to two rows; its error rate holds for "
    "rows that were chosen before their results were seen."
)


class VerdictLine(NamedTuple):
    """One declared comparison as text."""

    pair: str
    """`VS − LA`; with the metric where it is not the primary one."""

    difference: str
    interval: str
    p: str
    n: str
    verdict: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts in the order of `HEADERS`."""
        return tuple(self)


def verdict_lines(
    board: Leaderboard, problem: str, *, with_baseline: bool = True
) -> list[VerdictLine]:
    """The declared comparisons of the rows that are shown: with the baseline, and contrasts.

    Those of the metrics under `tested:` follow. `with_baseline`: whether the comparisons with the
    baseline by the primary metric are among the lines.
    """
    primary, verdicts = board.primary(problem), board.verdicts[problem]
    to_baseline = [r.to_baseline for r in board.on(problem) if r.to_baseline]
    found = [*(to_baseline if with_baseline else []), *verdicts.contrasts]
    lines = [_line(board, problem, primary, each) for each in _shown(board, found)]
    for metric, comparisons in verdicts.tested.items():
        lines += [_line(board, problem, metric, each) for each in _shown(board, comparisons)]
    return lines


def _shown(board: Leaderboard, found: Sequence[Comparison]) -> list[Comparison]:
    return [
        each
        for each in found
        if each.p is not None and (each.first in board.rows or each.second in board.rows)
    ]


def _line(board: Leaderboard, problem: str, metric: str, found: Comparison) -> VerdictLine:
    results = [board.compared[row, problem] for row in (found.first, found.second)]
    first, second = (f"{each.title}{formatting.mark(board, each)}" for each in results)
    of = "" if metric == board.primary(problem) else f", {formatting.heading(board, metric)}"
    return VerdictLine(
        pair=f"{first} {formatting.MINUS} {second}{of}",
        difference=formatting.difference(found),
        interval=formatting.interval(found.difference.interval, signed=True),
        p=formatting.p_value(found.adjusted),
        n=str(found.difference.n),
        verdict=verdict(board, metric, found),
    )


def verdict(board: Leaderboard, metric: str, found: Comparison) -> str:
    """`better`, `worse`, or `undecided, about 24 seeds`: of the first row against the second."""
    end = ", provisional" if found.is_provisional else ""
    code = verdict_code(board, metric, found)
    if code == "untested":
        return f"no test ({found.caveat})"
    if code == "undecided" and found.test == "sign":
        return f"undecided ({found.caveat}){end}"
    if code == "undecided" and found.seeds_needed is not None:
        return f"undecided, {seeds_text(found.seeds_needed)}{end}"
    return code + end


def verdict_code(board: Leaderboard, metric: str, found: Comparison) -> str:
    """`better`, `worse`, `undecided` or `untested`: of the first row against the second."""
    if found.p is None:
        return "untested"
    if not found.is_decided(board.suite.alpha):
        return "undecided"
    is_higher = found.difference.mean > 0
    return "better" if is_higher == (better(metric) == "higher") else "worse"


def verdict_note(board: Leaderboard, problem: str) -> str:
    """The note under a table of verdicts."""
    verdicts = board.verdicts[problem]
    families = f"the {verdicts.family} declared comparisons of the problem"
    families += " by each metric" if verdicts.tested else ""
    note = NOTE.format(level=f"{100 * (1 - board.suite.alpha):g}", families=families)
    return note + (SEEDS if is_open(board, problem) else "")


def is_open(board: Leaderboard, problem: str) -> bool:
    """Whether a declared comparison is undecided, with the number of seeds that it needs."""
    return any("seeds" in line.verdict for line in verdict_lines(board, problem))


def detectable_note(board: Leaderboard, problem: str) -> str:
    """The smallest detectable difference of a problem; "" where there is none."""
    size, family = board.verdicts[problem].detectable, board.verdicts[problem].family
    if not size:
        return ""
    return (
        f"A true difference of {points(board, [(problem, size)])} between two rows of typical "
        f"scatter is found with a power of 80 %, at {family} declared comparisons."
    )
