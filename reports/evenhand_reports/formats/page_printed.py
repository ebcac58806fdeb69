"""The printed numbers on the page: beside their rows, in a list, and summed up by table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result, Score
from evenhand_reports.papers import published
from evenhand_reports.papers.matching import (
    PrintedNumbers,
    Quote,
    matches,
    on_problem,
    sources_on,
    table_names,
)
from evenhand_reports.papers.protocols import protocol_of
from evenhand_reports.papers.replication import TableReplication, replications
from evenhand_reports.papers.verdicts import verdict
from evenhand_reports.wording import formatting
from evenhand_reports.wording.printed_notes import (
    COLUMNS,
    MARKS,
    chance_sentence,
    long_verdict,
    printed_note,
    short_verdict,
    table_sentence,
)


class Small(NamedTuple):
    """A printed number in small letters under a score, with the mark of its verdict."""

    text: str
    mark: str
    verdict: str
    """The whole verdict, which the page shows where the pointer rests."""


def shown_small(quote: Quote, board: Leaderboard) -> Small:
    """A quote under a score."""
    mark = MARKS[quote.verdict.kind]
    return Small(quote.text, mark, long_verdict(quote.verdict, board))


def overview_note(board: Leaderboard, printed: PrintedNumbers) -> str:
    """The note on the printed numbers of all problems; "" where papers print none."""
    papers = sources_on(board.problems, printed).values()
    where = "Small, underneath"
    return printed_note(board, [printed], papers, where=where, marks=True) if papers else ""


def printed_caption(board: Leaderboard, problem: str, printed: Mapping[str, PrintedNumbers]) -> str:
    """The note on the printed numbers of a problem; "" where papers print none."""
    here = {metric: on_problem(problem, found) for metric, found in printed.items()}
    metrics = {metric for metric, found in here.items() if found}
    primary = board.primary(problem)
    columns = ["printed"] if primary in metrics else []
    columns += ["small under other metrics"] if metrics - {primary} else []
    if not columns:
        return ""
    papers, where = sources_on([problem], *here.values()), ", ".join(columns).capitalize()
    marks = bool(metrics - {primary})
    return printed_note(board, list(here.values()), papers.values(), where=where, marks=marks)


def printed_by_metric(
    board: Leaderboard,
    result: Result,
    printed: Mapping[str, PrintedNumbers],
    papers: Mapping[str, str],
) -> dict[str, Any]:
    """The printed numbers of the primary metric, and those under the scores of other metrics."""
    place, primary = (result.row, result.problem), board.primary(result.problem)
    quotes = {metric: printed[metric].get(place, ()) for metric in board.metrics}
    return {
        "printed": _beside(board, quotes.pop(primary), papers, shared_rule(printed[primary])),
        "others": [
            {
                "text": {
                    rule: formatting.mean_sd_marked(result.scores[metric, rule]) for rule in RULES
                },
                "interval": {rule: _interval(result.scores[metric, rule]) for rule in RULES},
                "printed": [shown_small(quote, board) for quote in found],
            }
            for metric, found in quotes.items()
        ],
    }


def _interval(score: Score) -> str:
    """The interval of a mean; "" where there is none."""
    found = score.estimate.interval if score.estimate else None
    return formatting.interval(found) if found else ""


def _beside(
    board: Leaderboard, quotes: Sequence[Quote], papers: Mapping[str, str], rule: Rule | None
) -> list[dict[str, str]]:
    """Each number with its verdict, and its source where the column's header does not name it."""
    return [
        {
            "text": quote.text,
            "source": _source(quote, len(quotes), len(papers)),
            "kind": quote.verdict.kind,
            "verdict": short_verdict(quote.verdict, rule or board.rule),
            "why": long_verdict(quote.verdict, board),
            "protocol": protocol_of(quote.number).words,
        }
        for quote in quotes
    ]


def shared_rule(printed: PrintedNumbers) -> Rule | None:
    """The checkpoint rule of all tests of a column, which its header names; None for several."""
    rules = {q.verdict.rule for quotes in printed.values() for q in quotes if q.verdict.test}
    return rules.pop() if len(rules) == 1 else None


def _source(quote: Quote, numbers: int, papers: int) -> str:
    if papers > 1:
        return quote.source
    return table_names(quote.tables) if numbers > 1 else ""


def printed_details(board: Leaderboard, problem: str) -> list[dict[str, str]]:
    """Every number that the suite's papers print for a problem, with protocol and verdict."""
    beside = {
        number: place
        for metric in board.metrics
        for number, place in matches(board, metric)
        if place[1] == problem
    }
    declared = board.on(problem)[0].configuration.problem
    return [
        {
            "source": f"{number.paper}, {number.table}",
            "method": number.method,
            "metric": number.metric,
            "printed": number.printed or formatting.NO_VALUE,
            "n_runs": str(number.n_runs or formatting.NO_VALUE),
            "protocol": _protocol(number),
            "row": board.rows[beside[number][0]] if number in beside else formatting.NO_VALUE,
            "verdict": long_verdict(verdict(board, board.results[beside[number]], number), board)
            if number in beside
            else formatting.NO_VALUE,
        }
        for number in published.numbers_for(declared, board.suite.sources)
    ]


def _protocol(number: published.PrintedNumber) -> str:
    """The paper's protocol with what it leaves open, and the number's own part of it."""
    if number.quoted_from:
        return f"quoted there; source: {number.quoted_from}"
    found = protocol_of(number)
    own = [number.protocol] if number.protocol else []
    left_open = [f"not stated: {found.not_stated}"] if found.not_stated else []
    return "; ".join([found.words, *own, *left_open])


def replicated(board: Leaderboard) -> dict[str, Any]:
    """A sentence and the counts for each printed table; empty where none is beside a row."""
    found = replications(board)
    if not found:
        return {}
    kinds = [kind for kind in COLUMNS if any(_count(each, kind) for each in found)]
    return {
        "sentences": [table_sentence(each, board) for each in found],
        "heads": [COLUMNS[kind] for kind in kinds],
        "rows": [
            (f"{each.paper}, {each.table}", [_count(each, kind) for kind in kinds])
            for each in found
        ],
        "chance": chance_sentence(found, board),
    }


def _count(found: TableReplication, kind: str) -> int:
    return (
        found.quoted if kind == "quoted" else {**found.counts, "absent": found.absent}.get(kind, 0)
    )
