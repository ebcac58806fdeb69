"""The verdict on a printed number: reproduced, higher, lower, undecided, or not compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from evenhand.declared.record import Rule
from evenhand.metrics import better, unit
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.papers.comparable import obstacle
from evenhand_reports.papers.printed_names import METRICS, ON_OTHER_SCALES
from evenhand_reports.papers.protocols import protocol_of
from evenhand_reports.papers.published import PrintedNumber
from evenhand_reports.statistics.equivalence import (
    Equivalence,
    Sample,
    equivalence,
    seeds_to_decide,
)
from evenhand_reports.statistics.estimate import Estimate

Kind = Literal[
    "reproduced",
    "higher",
    "lower",
    "undecided",
    "not comparable",
    "incomplete",
    "not tested",
    "quoted",
]
TESTED: tuple[Kind, ...] = ("reproduced", "higher", "lower", "undecided")
KINDS: tuple[Kind, ...] = get_args(Kind)
ONE_SEED = "one seed has no deviation"
NO_SCATTER = "no seed differs from another"
NO_MARGIN = "a margin in points means nothing for this metric, whose largest value is 1/m"


@dataclass(frozen=True)
class Verdict:
    """What a score of ours shows about a printed number."""

    kind: Kind
    rule: Rule
    """Checkpoint rule of our score."""

    why: str = ""
    """The reason where there is no test."""

    test: Equivalence | None = None
    seeds: int | None = None
    """Seeds that would decide an undecided number, at its present difference and deviations."""

    metric: str = ""

    @property
    def is_better(self) -> bool | None:
        """Whether ours is better where it is higher or lower; otherwise None."""
        if self.kind not in ("higher", "lower"):
            return None
        return self.kind == better(self.metric)


def compared_rule(board: Leaderboard, number: PrintedNumber) -> Rule:
    """The checkpoint rule of the printed number where it is known, otherwise that of the ranks."""
    return protocol_of(number).checkpoint or board.rule


def verdict(
    board: Leaderboard, result: Result, number: PrintedNumber, rule: Rule | None = None
) -> Verdict:
    """The verdict of a row on a number, by default at the rule of `compared_rule`."""
    rule = rule or compared_rule(board, number)
    metric = METRICS.get(number.metric, number.metric)
    if number.quoted_from:
        source = number.quoted_from
        origin = "a source that it does not state" if source == "not stated" else source
        return Verdict("quoted", rule, f"the paper quotes it from {origin}")
    if metric in ON_OTHER_SCALES or unit(metric) != "%":
        return Verdict("not tested", rule, NO_MARGIN)
    why = obstacle(result, number)
    if why:
        return Verdict("not comparable", rule, why)
    score = result.scores[metric, rule]
    if score.estimate is None or not score.is_complete or not result.is_complete:
        n, of = score.estimate.n if score.estimate else 0, len(score.values)
        seeds = f"{n} of {of} seeds" if n < of else "other settings of the row are missing"
        return Verdict("incomplete", rule, score.undefined or seeds)
    return _tested(board, number, score.estimate, rule, metric)


def _tested(
    board: Leaderboard, number: PrintedNumber, estimate: Estimate, rule: Rule, metric: str
) -> Verdict:
    assert number.value is not None, "a dash is never matched with a row"
    margin, alpha = board.suite.margin, board.suite.alpha
    ours = Sample(estimate.mean, estimate.sd, estimate.n)
    # A printed deviation is rounded as well, and the larger one claims less.
    sd = None if number.std is None else number.std + number.std_half_digit
    printed = Sample(number.value, sd, number.n_runs or 1, number.half_digit)
    test = equivalence(ours, printed, margin=margin, alpha=alpha)
    if test is None:
        why = ONE_SEED if estimate.n == 1 else NO_SCATTER
        return Verdict("undecided", rule, why, metric=metric)
    if test.outcome == "undecided":
        seeds = seeds_to_decide(ours, printed, margin=margin, alpha=alpha)
        return Verdict("undecided", rule, "", test, seeds, metric)
    kind: Kind = "reproduced" if test.outcome == "equivalent" else test.outcome
    return Verdict(kind, rule, "", test, None, metric)
