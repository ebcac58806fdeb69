"""Which printed number stands beside which of ours.

One of the suite's sources prints it for the same problem, method and metric, and like ours with
SAM or without: what a recipe says decides, not what a row is called. A method that takes an
objective must have the one that the paper names. Where several of our rows answer to one printed
number, as in a sweep over settings, it stands beside none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.suite.resolve import Configuration
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.papers import published
from evenhand_reports.papers.published import Objective, Printed

CAPTION = (
    "what the paper prints, in percent, with its own network, training images and length, and "
    "under its own protocol, which may choose settings or epochs on test data: best-test is "
    "nearest to it. Not tested against ours."
)


@dataclass(frozen=True)
class Quote:
    """A printed number, and the tables of its paper that print it alike: `("2", "3")`."""

    number: Printed
    tables: tuple[str, ...]

    @property
    def paper(self) -> str:
        """`Wang et al. 2023`: without the short name of the paper's method."""
        return self.number.paper.partition(" (")[0]

    @property
    def source(self) -> str:
        """`Wang et al. 2023, Table 1`."""
        return f"{self.paper}, {in_words(self.tables)}"

    @property
    def text(self) -> str:
        """`78.8 ± 0.2`, in percent."""
        return self.number.in_percent


Beside = Mapping[tuple[str, str], tuple[Quote, ...]]
"""By row and problem."""


def beside(board: Leaderboard, metric: str = "") -> Beside:
    """Printed numbers of a metric, or else of the primary, by row and problem; only rows that have
    some."""
    metric = metric or board.suite.primary
    found: dict[tuple[str, str], list[Printed]] = {}
    for problem in board.problems:
        configurations = {s.row: s.configuration for s in board.on(problem)}
        any_cell = next(iter(configurations.values()))
        if any_cell.problem.n_max is not None:
            continue  # fewer images than any paper trains on
        for number in published.on(any_cell.problem, board.suite.sources):
            rows = [
                row
                for row, configuration in configurations.items()
                if _is_of(number, configuration, metric)
            ]
            if len(rows) == 1 and number.value is not None:
                found.setdefault((rows[0], problem), []).append(number)
    return {place: _quoted(numbers) for place, numbers in found.items()}


def _is_of(number: Printed, configuration: Configuration, metric: str) -> bool:
    return (
        published.METHODS.get(number.method) == configuration.pipeline
        and published.SETTINGS.get(number.method, {}).items()
        <= configuration.method.settings.items()
        and published.METRICS.get(number.metric, number.metric) == metric
        and (number.protocol == published.SAM) == (configuration.recipe.sam is not None)
        and _has_objective(number, configuration)
    )


def _has_objective(number: Printed, configuration: Configuration) -> bool:
    """Whether the method and its post-hoc map serve the number's objective, where they take one."""
    wanted = published.OBJECTIVES.get((number.protocol, number.dataset))
    parts = [configuration.method, *filter(None, [configuration.trials[0].posthoc])]
    given = [Objective.of(part.settings) for part in parts if "maximize" in part.settings]
    return all(objective == wanted for objective in given)


def _quoted(numbers: Sequence[Printed]) -> tuple[Quote, ...]:
    """What several tables of one paper print alike is one quote."""
    alike: dict[tuple[str, str], list[Printed]] = {}
    for number in numbers:
        alike.setdefault((number.paper, number.in_percent), []).append(number)
    return tuple(
        Quote(same[0], tuple(dict.fromkeys(n.table.removeprefix("Table ") for n in same)))
        for same in alike.values()
    )


def in_words(tables: Sequence[str]) -> str:
    """`Table 1`, `Tables 2, 3 and 4`."""
    *head, tail = sorted(set(tables))
    return f"Tables {', '.join(head)} and {tail}" if head else f"Table {tail}"


def sources(quotes: Beside, problem: str) -> dict[str, str]:
    """Where the numbers beside one problem's rows are printed, by paper: with its tables."""
    here = [q for (_, at), found in quotes.items() if at == problem for q in found]
    tables: dict[str, list[str]] = {}
    for quote in here:
        tables.setdefault(quote.paper, []).extend(quote.tables)
    return {paper: f"{paper}, {in_words(found)}" for paper, found in tables.items()}


def text(quotes: Sequence[Quote], paper: str) -> str:
    """`78.8 ± 0.2`: what one of these papers prints; "" where it prints nothing.

    Where its tables disagree, each number names its own.
    """
    own = [quote for quote in quotes if quote.paper == paper]
    return "; ".join(q.text + (f" ({in_words(q.tables)})" if len(own) > 1 else "") for q in own)
