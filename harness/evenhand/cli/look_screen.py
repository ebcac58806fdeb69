"""The screen of `evenhand status --watch`: it fits 80 columns, and has two columns of 160."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evenhand.cli.look import Look, Node, RowCount
from evenhand.cli.notes import time_and_rate
from evenhand.cli.output import duration
from evenhand.errors import listed
from evenhand.store.activity import Activity
from evenhand.store.leases import Lease

TWO_COLUMNS = 140
"""Width from which the screen has two columns."""
GAP = 2
HEAD_LINES = 4
LEAST_LINES = 3
"""Lines that each part has at least: a heading, an entry, and the number of those left out."""
NAMES_SHOWN = 1
ALL = 10_000
NUMBERS = frozenset(
    {"running", "use", "done", "missing", "failed", "trials", "epoch", "time", "memory"}
)


@dataclass
class Section:
    """A part of the screen: a heading, and entries of which the first ones are shown."""

    headings: Sequence[str]
    widest: int = 0
    """Column that takes the space which the others leave."""
    rows: list[list[Text]] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """Lines that the section takes whole, with the empty one after it."""
        return len(self.rows) + 2 if self.rows else 0

    def table(self, lines: int) -> Table:
        """The section in a number of lines, the empty one after it included."""
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
        for i, heading in enumerate(self.headings):
            table.add_column(
                Text(heading),
                justify="right" if heading in NUMBERS else "left",
                no_wrap=True,
                overflow="ellipsis",
                ratio=1 if i == self.widest else None,
            )
        table.expand = True
        shown = self.rows if lines >= self.lines else self.rows[: max(0, lines - 3)]
        for row in shown:
            table.add_row(*row)
        if len(shown) < len(self.rows):
            table.add_row(Text(f"and {len(self.rows) - len(shown)} more", "dim"))
        return table


def screen(look: Look, width: int, height: int | None = None) -> RenderableType:
    """The screen of a look. Where its height is limited, long sections are cut."""
    head = _head(look, width)
    left = [_nodes(look), _running(look)]
    right = [_rows(look), _failures(look)]
    lines = ALL if height is None else height - HEAD_LINES
    if width < TWO_COLUMNS or not look.leases:
        return Group(*head, *_fitted([*left, *right], lines))
    half = (width - GAP) // 2
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(width=half)
    grid.add_column(width=width - half - GAP)
    grid.add_row(Group(*_fitted(left, lines)), Group(*_fitted(right, lines)))
    return Group(*head, grid)


def shares(wanted: Sequence[int], available: int) -> list[int]:
    """Lines for each section: as many as it wants, or an equal share of what others leave.

    >>> shares([3, 40, 6], 30), shares([3, 0, 6], 30)
    ([3, 21, 6], [3, 0, 6])
    """
    given, rest = [0] * len(wanted), available
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    for n, i in enumerate(order):
        given[i] = min(wanted[i], max(LEAST_LINES, rest // (len(order) - n)))
        rest -= given[i]
    return given


def _fitted(sections: Sequence[Section], lines: int) -> list[RenderableType]:
    given = shares([section.lines for section in sections], lines)
    shown: list[RenderableType] = []
    for section, n in zip(sections, given, strict=True):
        if section.rows:
            shown += [section.table(n), Text()]
    return shown


def _head(look: Look, width: int) -> list[RenderableType]:
    plan, suite = look.plan, look.plan.suite.declaration
    total = len(plan.suite.trials)
    numbers = Text(
        f"{len(plan.done)} of {total} done, {len(plan.missing)} missing "
        f"({len(look.live)} running), {len(plan.failed)} failed"
        + (f", {len(plan.blocked)} blocked" if plan.blocked else ""),
    )
    numbers.highlight_regex(r"[1-9]\d* (failed|blocked)", "red")
    first = Text.assemble((f"{suite.suite} v{suite.version}", "bold"), "  ", numbers)
    bar = ProgressBar(
        total=max(1, total),
        completed=len(plan.done) + len(plan.failed),
        width=width,
        style="dim",
        complete_style="cyan",
        finished_style="green",
    )
    second = Text(summary(look), no_wrap=True, overflow="ellipsis")
    first.no_wrap, first.overflow = True, "ellipsis"
    picture = Table.grid()
    for part in (first, bar, second):
        picture.add_row(part)
    return [picture, Text()]


def summary(look: Look) -> str:
    """The time that is left and the throughput, as one line."""
    if look.is_over:
        return "every trial has ended"
    return time_and_rate(look) if look.live else "no trial is being trained"


def _nodes(look: Look) -> Section:
    section = Section(("node", "device", "running", "use", "memory"), widest=1)
    for node in look.nodes:
        cells = [node.host, _devices(node), str(node.trials), *node_use(node)]
        section.rows.append([_cell(cell) for cell in cells])
    return section


def _cell(text: str, style: str = "") -> Text:
    """A cell of one line, whatever the lease of another machine holds."""
    return Text(" ".join(text.split()), style)


def _devices(node: Node) -> str:
    number = f"{len(node.gpus)} × " if len(node.gpus) > 1 else ""
    return number + ", ".join(node.devices) if node.devices else "–"


def node_use(node: Node) -> tuple[str, str]:
    """Use and memory of a machine's GPUs, or of its CPU where it uses none; `–` where unknown."""
    if not node.gpus:
        cores = "–" if node.cpu_cores is None else f"{node.cpu_cores:.1f} cores"
        return cores, "–" if node.memory_gib is None else f"{node.memory_gib:.1f} GiB"
    use = ", ".join("–" if g.gpu_use is None else f"{g.gpu_use:.0%}" for g in node.gpus)
    used = [g.gpu_memory_gib for g in node.gpus]
    total = [g.gpu_total_gib for g in node.gpus]
    if None in used or None in total:
        return use, "–"
    memory = sum(n for n in used if n is not None), sum(n for n in total if n is not None)
    return use, f"{memory[0]:.0f} of {memory[1]:.0f} GiB"


def _running(look: Look) -> Section:
    section = Section(("trial", "epoch", "time", "on"))
    # Those that are silent first, then those that have run the longest.
    order = sorted(look.leases.items(), key=lambda each: (each[0] in look.live, -_age(each[1])))
    for key, lease in order:
        is_live = key in look.live
        told = lease.activity or Activity()
        epoch = f"{told.epoch}/{told.epochs}" if told.epochs else "–"
        age = duration(told.seconds) if lease.activity else "–"
        where = lease.process.host or "unknown"
        cells = [
            look.plan.labels[key],
            epoch,
            age,
            where if is_live else f"{where}: no sign of life",
        ]
        section.rows.append([_cell(cell, "" if is_live else "yellow") for cell in cells])
    return section


def _age(lease: Lease) -> float:
    return lease.activity.seconds if lease.activity else 0.0


def _rows(look: Look) -> Section:
    section = Section(("row", "trials", "done", "running", "missing", "failed"))
    for row in look.rows:
        section.rows.append([Text(row.row), *_counts(row)])
    return section


def _counts(row: RowCount) -> list[Text]:
    numbers = (row.trials, row.done, row.running, row.missing, row.failed)
    cells = [Text(str(n)) if n else Text("0", "dim") for n in numbers]
    if row.failed:
        cells[-1].stylize("red")
    return cells


def _failures(look: Look) -> Section:
    section = Section(("failures", "trials"))
    by_number = sorted(look.causes.items(), key=lambda each: -len(each[1]))
    for cause, trials in by_number:
        first = cause.partition("\n")[0]
        section.rows.append([Text(first, "red"), Text(str(len(trials)))])
        section.rows.append([Text(f"   {listed(trials, NAMES_SHOWN)}", "dim")])
    for blocked in look.plan.blocked:
        text = f"blocked: {look.plan.label(blocked.trial)}: {blocked.cause}".partition("\n")[0]
        section.rows.append([Text(text, "yellow"), Text("1")])
    return section
