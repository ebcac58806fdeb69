"""The sequential comparison of two rows in a terminal of 80 columns, and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenhand.declared.registry import REGISTRY
from evenhand.metrics import better
from evenhand_reports.board.separation import PairOfRows, Separation
from evenhand_reports.formats.visible import Visible
from evenhand_reports.wording import formatting
from evenhand_reports.wording import separation as wording


def render(separation: Separation) -> RenderableType:
    """A table for each two rows, with the verdict on every problem, and notes."""
    suite = separation.rows.asked.declaration
    test = separation.test
    parts: list[RenderableType] = [
        Text(f"{suite.suite} v{suite.version}", style="bold"),
        Text(
            f"Two rows at {test.first} to {test.most} seeds, until p ≤ {wording.bound(separation)}"
        ),
    ]
    groups: dict[tuple[tuple[str, str], str], list[PairOfRows]] = {}
    for pair in separation.pairs:
        groups.setdefault((pair.titles, pair.metric), []).append(pair)
    for (titles, metric), pairs in groups.items():
        parts += [Text(), _heading(titles, metric), _table(pairs)]
    notes = [
        *wording.still_to_run(separation),
        *wording.stops(separation),
        *wording.deviations(separation),
        *wording.notes(separation),
    ]
    return Visible(Group(*parts, Text(), *[Text(note, style="dim") for note in notes]))


def _heading(titles: tuple[str, str], metric: str) -> Text:
    title = formatting.within_sentence(REGISTRY.get("metric", metric).title)
    about = f"{title} {formatting.unit_words(metric)}, {better(metric)} is better"
    return Text.assemble((f" {formatting.MINUS} ".join(titles), "bold"), (f"  {about}", "dim"))


def _table(pairs: list[PairOfRows]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("problem", overflow="fold", min_width=14)
    for name in ("seeds/\nlooks", "difference", "interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=8)
    for pair in pairs:
        table.add_row(*(Text(cell) for cell in _cells(pair)))
    return Padding(table, (0, 0, 0, 2))


def _cells(pair: PairOfRows) -> tuple[str, ...]:
    if not pair.looks:
        none = formatting.NO_VALUE
        return pair.problem, none, none, none, none, wording.verdict(pair)
    look = pair.looks[-1]
    found = look.estimate
    return (
        pair.problem,
        f"{look.n}/{len(pair.looks)}",
        formatting.number(found.mean, found.unit, signed=True),
        formatting.interval(found.interval, signed=True),
        wording.p_value(pair),
        wording.verdict(pair),
    )


def lines(separation: Separation) -> Iterator[dict[str, Any]]:
    """The last look at each pair as plain data; differences of fractions are fractions."""
    for pair in separation.pairs:
        look = pair.looks[-1] if pair.looks else None
        found = look.estimate if look else None
        interval = found.interval if found else None
        yield {
            "problem": pair.problem,
            "first": pair.pair.first,
            "second": pair.pair.second,
            "first_setting": pair.settings[0],
            "second_setting": pair.settings[1],
            "metric": pair.metric,
            "verdict": pair.verdict,
            "better": pair.better if pair.verdict == "separated" else "",
            "seeds": look.n if look else None,
            "looks": len(pair.looks),
            "max_looks": pair.test.n_looks,
            "difference": found.mean if found else None,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "p": look.p if look else None,
            "bound": pair.test.bound,
            "gap_key": pair.gap.key if pair.gap else "",
        }
