"""What training moved beside the weights of the network, by epoch: a figure a row.

    multiplier NAME    λ: how much a recall, or a constraint, counts in the training loss
    violation NAME     points that a constraint lacks on validation data; 0 is met
    group weight NAME  how much a cell of label and group counts (group DRO)
    learned l NAME, learned Δ NAME, learned w NAME, learned τ    the numbers of a learned loss
    learned policy …   of a learned augmentation
    search validation objective, hessian norm, neumann scale     what the search went by

Each is a curve of a record, without a value where there is none yet or no longer. The page draws
them with Plotly, a panel for each kind; here there is no layout, no colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.learned_panels import (
    MULTIPLIER,
    NOT_SHOWN_LAST,
    VIOLATION,
    Kind,
    alike,
    curve_of,
    names_of,
    said,
    shortened,
)
from evenhand_reports.figures.recall_and_curves import thinned, usable

MOST, FEW = 10, 6
"""More lines than MOST cannot be told apart: then the FEW largest are drawn."""

PARTS = 5
"""Of many classes, the means over so many parts in order of training size are drawn:
li2021autobalance (Fig. 3) averages 20 of 100 classes."""

MOST_VIOLATIONS = 4
"""With more constraints, only the largest violation is drawn."""

COLOURS = 7
"""Of a page: with more classes, lines are told apart by their order."""

MOST_BANDS = 3
"""With more lines, bands would hide them."""

Runs = Float[np.ndarray, "seeds lines epochs"]


class _Panel(NamedTuple):
    """Lines of one kind; is_ordered: from the largest class to the smallest."""

    kind: Kind
    of: str
    names: list[str | None]
    runs: Runs
    is_ordered: bool
    note: str


def learned_figures(board: Leaderboard, problem: str) -> list[dict[str, Any]]:
    """One figure for each row whose records have such curves, in the suite's order.

    {title, text, epoch, panels: {kind, title, percent, floor, log, ordered, lines}}: lines are
    {name, mean, sd}, over seeds; a violation of the name None is the largest over constraints.
    """
    there = [board.standings.get((row, problem)) for row in board.rows]
    found = [_figure(standing) for standing in there if standing is not None]
    return [figure for figure in found if figure is not None]


def _figure(standing: Standing) -> dict[str, Any] | None:
    runs = [record for record in usable(standing) if names_of(record)]
    if not runs:
        return None
    epochs = max((run.curves["epoch"] for run in runs), key=len)
    runs = [run for run in runs if run.curves["epoch"] == epochs]
    panels = [_panel(runs, kind, names) for kind, names in names_of(runs[0]).items()]
    n = _last_known([panel.runs for panel in panels]) + 1
    panels = _without_rate(panels)
    panels = [panel._replace(runs=panel.runs[:, :, :n]) for panel in panels]
    return {
        "title": standing.title,
        "text": _text(panels),
        "epoch": [epochs[i] for i in thinned(n)],
        "panels": [_drawn(panel) for panel in panels],
    }


def _last_known(runs: Sequence[Runs]) -> int:
    """The last epoch that has a value: what a search learned stays, and is no longer drawn."""
    known = [np.flatnonzero(~np.isnan(each).all((0, 1))) for each in runs]
    return max((int(each[-1]) for each in known if len(each)), default=0)


def _runs(records: Sequence[Record], kind: Kind, names: Sequence[str]) -> Runs:
    """NaN where there is no value, or none that is finite."""
    n = len(records[0].curves["epoch"])
    none: list[float | None] = [None] * n
    series = [[r.curves.get(curve_of(kind, name), none) for name in names] for r in records]
    return np.array(series, dtype=np.float64).reshape(len(records), len(names), n)


def _panel(records: Sequence[Record], kind: Kind, names: Sequence[str]) -> _Panel:
    runs = _runs(records, kind, names)
    shown: list[str | None] = [said(name, records[0]) for name in names]
    n = len(names)
    panel = _Panel(kind, "", shown, runs, is_ordered=False, note="")
    if kind.many == "worst" and n > MOST_VIOLATIONS:
        note = f"of {n} {kind.words} the largest violation"
        return panel._replace(names=[None], runs=runs.max(1, keepdims=True), note=note)
    if kind.many == "largest" and n > MOST:
        keep = _largest(runs)
        note = f"of {n} {kind.words} the {FEW} that are largest at the end"
        return panel._replace(names=[shown[i] for i in keep], runs=runs[:, keep], note=note)
    if kind.many == "average" and n > MOST:
        parts = np.array_split(np.arange(n), PARTS)
        means = np.stack([runs[:, part].mean(1) for part in parts], 1)
        named: list[str | None] = [f"{part[0] + 1}–{part[-1] + 1}" for part in parts]
        each = len(parts[0])
        note = f"{kind.title}: means over {each} of {n} {kind.words} in order of training size"
        return panel._replace(names=named, runs=means, is_ordered=True, note=note)
    return panel._replace(is_ordered=kind.many == "average" and n > COLOURS)


def _largest(runs: Runs) -> list[int]:
    """The few of the largest mean over seeds at the end, in their order."""
    last = runs[:, :, _last_known([runs])].mean(0)
    return sorted(np.argsort(-np.nan_to_num(last), kind="stable")[:FEW].tolist())


def _without_rate(panels: Sequence[_Panel]) -> list[_Panel]:
    """Multipliers without the rate that all are of, which the axis says; violations like them."""
    names = [name for p in panels if p.kind == MULTIPLIER for name in p.names if name is not None]
    rate, short = shortened(names)
    own: dict[Kind, _Panel] = {}
    for panel in panels:
        if panel.kind == MULTIPLIER:
            own[panel.kind] = panel._replace(of=rate, names=list(short))
        elif panel.kind == VIOLATION and None not in panel.names:
            missed = alike([str(name) for name in panel.names], rate)
            own[panel.kind] = panel._replace(names=list(missed))
    return [own.get(panel.kind, panel) for panel in panels]


def _drawn(panel: _Panel) -> dict[str, Any]:
    keep = thinned(panel.runs.shape[2])
    runs = panel.runs[:, :, keep]
    return {
        "kind": panel.kind.prefix.strip(),
        "title": panel.kind.title + (f" of {panel.of.replace('_', ' ')}" if panel.of else ""),
        "percent": panel.kind.is_percent,
        "floor": panel.kind.is_floored,
        "log": panel.kind.is_log,
        "ordered": panel.is_ordered,
        "lines": [
            {
                "name": name,
                "mean": _plain(runs[:, i].mean(0)),
                "sd": _plain(runs[:, i].std(0, ddof=1)) if _has_band(panel) else None,
            }
            for i, name in enumerate(panel.names)
        ],
    }


def _plain(values: Float[np.ndarray, " epochs"]) -> list[float | None]:
    """Four figures: some of these numbers are of the size of 1e-4. None where there is no value."""
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values.tolist()]


def _has_band(panel: _Panel) -> bool:
    return len(panel.runs) > 1 and len(panel.names) <= MOST_BANDS


def _text(panels: Sequence[_Panel]) -> str:
    """`Mean over 3 seeds; of 20 multipliers the 6 that are largest at the end.`"""
    seeds = len(panels[0].runs)
    parts = ["One seed" if seeds == 1 else f"Mean over {seeds} seeds"]
    if any(_has_band(panel) for panel in panels):
        parts.append("bands ± one sample standard deviation")
    parts += dict.fromkeys(panel.note for panel in panels if panel.note)
    return f"{'; '.join(parts)}."


def at_the_end(record: Record) -> list[tuple[str, str]]:
    """What one trial ended with: its largest multipliers and weights, the constraints that it
    missed, and what it learned."""
    found = []
    for kind, names in names_of(record).items():
        last = {said(name, record): v for name, v in _last(record, kind, names).items()}
        if kind == VIOLATION:
            found.append(("constraints", _missed(last, of=len(names))))
        elif last and kind.prefix not in NOT_SHOWN_LAST:
            is_learned = "" in last or kind.prefix.startswith("learned")
            called = kind.prefix.strip() if is_learned else kind.words
            found.append((called, _largest_of(last, kind)))
    return found


def _missed(last: dict[str, float], *, of: int) -> str:
    missed = {name: value for name, value in last.items() if value > 0}
    order = sorted(missed, key=lambda name: -missed[name])
    shown = ", ".join(f"{name} by {100 * missed[name]:.2f} points" for name in order[:FEW])
    told = f"{len(missed)} of {of} missed on validation data: {shown}"
    return told if missed else "all met on validation data"


def _largest_of(last: dict[str, float], kind: Kind) -> str:
    """`truck 0.7, cat 0.6 and 2 smaller`; of what is learned, all or both ends."""
    if len(last) == 1 and "" in last:
        return f"{last['']:.3g}"
    order = sorted(last, key=lambda name: -last[name])
    if kind.many == "average" and len(order) > FEW:
        ends = [order[: FEW // 2], order[-(FEW // 2) :]]
        most, least = (", ".join(f"{name}: {last[name]:.4g}" for name in end) for end in ends)
        return f"{most} … {least} (of {len(order)})"
    shown = ", ".join(f"{name} {last[name]:.3g}" for name in order[:FEW])
    return shown + (f" and {len(order) - FEW} smaller" if len(order) > FEW else "")


def _last(record: Record, kind: Kind, names: Sequence[str]) -> dict[str, float]:
    """The last values that there are; of multipliers and violations those of the last epoch."""
    found = {}
    for name in names:
        curve = record.curves[curve_of(kind, name)]
        known = [value for value in curve if value is not None]
        if curve[-1] is not None or (known and kind not in (MULTIPLIER, VIOLATION)):
            found[name] = known[-1]
    return found
