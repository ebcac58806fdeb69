"""The match between printed numbers and the rows of a leaderboard, with the verdict of each.

A printed number belongs to a row if one of the suite's sources prints it for the same problem,
method, settings and metric, with or without SAM as the row's recipe has it. The recipe decides, not
the row's title. A method that takes an objective must have the objective that the paper names. A
number that matches several rows, as in a sweep over settings, is shown beside none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evenhand.suite.resolve import Configuration
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.papers import printed_names, published
from evenhand_reports.papers.printed_names import PrintedObjective
from evenhand_reports.papers.published import PrintedNumber
from evenhand_reports.papers.verdicts import Verdict, verdict


@dataclass(frozen=True)
class Quote:
    """A printed number, and the tables of its paper that print the same value."""

    number: PrintedNumber
    tables: tuple[str, ...]
    """Their numbers: `("2", "3")`."""

    verdict: Verdict
    """What the score beside it shows about it, at the checkpoint rule of the comparison."""

    @property
    def paper(self) -> str:
        """`Wang et al. 2023`: without the short name of the paper's method."""
        return self.number.paper.partition(" (")[0]

    @property
    def source(self) -> str:
        """`Wang et al. 2023, Table 1`."""
        return f"{self.paper}, {table_names(self.tables)}"

    @property
    def text(self) -> str:
        """`78.8 ± 0.2`, in percent."""
        return self.number.in_percent


PrintedNumbers = Mapping[tuple[str, str], tuple[Quote, ...]]
"""Quotes by row and problem."""


def printed_numbers(board: Leaderboard, metric: str = "") -> PrintedNumbers:
    """The printed numbers of a metric for the rows that have some.

    By default the numbers of each problem's primary metric.
    """
    found: dict[tuple[str, str], list[PrintedNumber]] = {}
    for number, place in matches(board, metric):
        found.setdefault(place, []).append(number)
    return {place: _quoted(board, place, numbers) for place, numbers in found.items()}


def matches(
    board: Leaderboard, metric: str = ""
) -> Iterator[tuple[PrintedNumber, tuple[str, str]]]:
    """The numbers of a metric that belong to one row, with that row and its problem."""
    for name in board.problems:
        configurations = {result.row: result.configuration for result in board.on(name)}
        problem = next(iter(configurations.values())).problem
        if problem.n_max is not None:
            continue  # fewer images than any paper trains on
        wanted = metric or board.primary(name)
        for number in published.numbers_for(problem, board.suite.sources):
            rows = [row for row, each in configurations.items() if _matches(number, each, wanted)]
            if len(rows) == 1 and number.value is not None:
                yield number, (rows[0], name)


def _matches(number: PrintedNumber, configuration: Configuration, metric: str) -> bool:
    return (
        printed_names.METHODS.get(number.method) == configuration.pipeline
        and printed_names.SETTINGS.get(number.method, {}).items()
        <= configuration.method.settings.items()
        and printed_names.METRICS.get(number.metric, number.metric) == metric
        and (number.protocol == printed_names.SAM) == (configuration.recipe.sam is not None)
        and _has_objective(number, configuration)
    )


def _has_objective(number: PrintedNumber, configuration: Configuration) -> bool:
    """Whether the method and its post-hoc method have the number's objective, if they take one."""
    printed = printed_names.OBJECTIVES.get((number.protocol, number.dataset))
    parts = [configuration.method, *filter(None, [configuration.trials[0].posthoc])]
    objectives = [
        PrintedObjective.of(part.settings) for part in parts if "maximize" in part.settings
    ]
    return all(objective == printed for objective in objectives)


def _quoted(
    board: Leaderboard, place: tuple[str, str], numbers: Sequence[PrintedNumber]
) -> tuple[Quote, ...]:
    """One quote for the tables of one paper that print the same value under one protocol."""
    equal: dict[tuple[str, str, Verdict], list[PrintedNumber]] = {}
    for number in numbers:
        found = verdict(board, board.results[place], number)
        equal.setdefault((number.paper, number.in_percent, found), []).append(number)
    return tuple(
        Quote(same[0], tuple(dict.fromkeys(n.table.removeprefix("Table ") for n in same)), found)
        for (_, _, found), same in equal.items()
    )


def table_names(tables: Sequence[str]) -> str:
    """`Table 1`, `Tables 2, 3 and 4`."""
    *head, tail = sorted(set(tables))
    return f"Tables {', '.join(head)} and {tail}" if head else f"Table {tail}"


def on_problem(problem: str, printed: PrintedNumbers) -> PrintedNumbers:
    """The printed numbers of one problem."""
    return {place: quotes for place, quotes in printed.items() if place[1] == problem}


def sources_on(problems: Collection[str], *printed: PrintedNumbers) -> dict[str, str]:
    """The sources of the numbers of some metrics on some problems, with their tables, by paper.

    Every paper has one source, which lists the tables of all metrics and problems.
    """
    tables: dict[str, list[str]] = {}
    for problem in problems:
        found = [q for each in printed for place, q in each.items() if place[1] == problem]
        for quote in (quote for quotes in found for quote in quotes):
            tables.setdefault(quote.paper, []).extend(quote.tables)
    return {paper: f"{paper}, {table_names(found)}" for paper, found in tables.items()}


Shown = Callable[[Quote], str]
"""The text of a quote in one format: its number, with a verdict or a mark of it."""


def cited_text(quotes: Sequence[Quote], shown: Shown) -> str:
    """The numbers of all papers, each with its source where there are several; "" for none."""
    return "; ".join(shown(q) + (f" ({q.source})" if len(quotes) > 1 else "") for q in quotes)


def quoted_text(quotes: Sequence[Quote], paper: str, shown: Shown) -> str:
    """The number of one paper: `78.8 ± 0.2`; "" where the paper prints none.

    Where the paper's tables disagree, each number is followed by its table.
    """
    own = [quote for quote in quotes if quote.paper == paper]
    tables = [f" ({table_names(q.tables)})" if len(own) > 1 else "" for q in own]
    return "; ".join(shown(q) + of for q, of in zip(own, tables, strict=True))
