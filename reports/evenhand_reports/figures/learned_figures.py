"""Figures of the quantities that a method learns beside the weights of the network, by epoch.

There is a figure for each row and a panel for each kind of `learned_curves.py`: Lagrange
multipliers, constraint violations, group weights, the parameters of a learned loss or augmentation,
and the progress of a search. Each quantity is a curve of a record, without a value at epochs that
have none. The page draws the data with Plotly and chooses layout and colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.figures.learned_curves import (
    MULTIPLIER,
    NOT_SHOWN_LAST,
    VIOLATION,
    Kind,
    common_rate,
    curve_name,
    names_by_kind,
    readable_name,
    without_rate,
)
from evenhand_reports.figures.rounding import thinned

MOST, FEW = 10, 6
"""More lines than MOST cannot be told apart, so that the FEW largest are drawn."""

PARTS = 5
"""Number of means that are drawn of many classes, in order of training size: li2021autobalance
(Fig. 3) averages 20 of 100 classes."""

MOST_VIOLATIONS = 4
"""With more constraints, only the largest violation is drawn."""

COLOURS = 7
"""Of the page: lines of more classes get a colour ramp in order of training size."""

MOST_BANDS = 3
"""With more lines, bands would hide the lines."""

Runs = Float[np.ndarray, "seeds lines epochs"]


class _Panel(NamedTuple):
    """The lines of one kind."""

    kind: Kind
    rate: str
    """The rate that all multipliers belong to; "" without one."""

    names: list[str | None]
    runs: Runs
    is_ordered: bool
    """Whether lines go from the largest class to the smallest."""

    note: str


def learned_figures(board: Leaderboard, problem: str) -> list[dict[str, Any]]:
    """One figure for each row whose records have such curves, in the suite's order.

    {title, text, epoch, panels: {kind, title, percent, floor, log, ordered, lines}}: lines are
    {name, mean, sd}, over seeds; a violation of the name None is the largest over constraints.
    """
    results = [board.results.get((row, problem)) for row in board.rows]
    figures = [_figure(result) for result in results if result is not None]
    return [figure for figure in figures if figure is not None]


def _figure(result: Result) -> dict[str, Any] | None:
    runs = [record for record in result.usable_records if names_by_kind(record)]
    if not runs:
        return None
    epochs = max((run.curves["epoch"] for run in runs), key=len)
    runs = [run for run in runs if run.curves["epoch"] == epochs]
    panels = [_panel(runs, kind, names) for kind, names in names_by_kind(runs[0]).items()]
    n = _last_epoch([panel.runs for panel in panels]) + 1
    panels = _with_short_names(panels)
    panels = [panel._replace(runs=panel.runs[:, :, :n]) for panel in panels]
    return {
        "title": result.title,
        "text": _caption(panels),
        "epoch": [epochs[i] for i in thinned(n)],
        "panels": [_drawn(panel) for panel in panels],
    }


def _last_epoch(runs: Sequence[Runs]) -> int:
    """The last epoch that has a value: a search ends before the retraining that uses its result."""
    known = [np.flatnonzero(~np.isnan(each).all((0, 1))) for each in runs]
    return max((int(each[-1]) for each in known if len(each)), default=0)


def _runs(records: Sequence[Record], kind: Kind, names: Sequence[str]) -> Runs:
    """The values of all seeds; NaN where there is no value."""
    n = len(records[0].curves["epoch"])
    none: list[float | None] = [None] * n
    series = [[r.curves.get(curve_name(kind, name), none) for name in names] for r in records]
    return np.array(series, dtype=np.float64).reshape(len(records), len(names), n)


def _panel(records: Sequence[Record], kind: Kind, names: Sequence[str]) -> _Panel:
    runs = _runs(records, kind, names)
    shown: list[str | None] = [readable_name(name, records[0]) for name in names]
    n = len(names)
    panel = _Panel(kind, "", shown, runs, is_ordered=False, note="")
    if kind.reduction == "worst" and n > MOST_VIOLATIONS:
        note = f"of {n} {kind.plural}, only the largest violation is drawn"
        return panel._replace(names=[None], runs=runs.max(1, keepdims=True), note=note)
    if kind.reduction == "largest" and n > MOST:
        keep = _largest(runs)
        note = f"of {n} {kind.plural}, only the {FEW} of the largest final value are drawn"
        return panel._replace(names=[shown[i] for i in keep], runs=runs[:, keep], note=note)
    if kind.reduction == "average" and n > MOST:
        parts = np.array_split(np.arange(n), PARTS)
        means = np.stack([runs[:, part].mean(1) for part in parts], 1)
        named: list[str | None] = [f"{part[0] + 1}–{part[-1] + 1}" for part in parts]
        each = len(parts[0])
        note = f"{kind.title}: means over {each} of {n} {kind.plural} in order of training size"
        return panel._replace(names=named, runs=means, is_ordered=True, note=note)
    return panel._replace(is_ordered=kind.reduction == "average" and n > COLOURS)


def _largest(runs: Runs) -> list[int]:
    """Indices of the few lines of the largest final mean over seeds, in their order."""
    last = runs[:, :, _last_epoch([runs])].mean(0)
    return sorted(np.argsort(-np.nan_to_num(last), kind="stable")[:FEW].tolist())


def _with_short_names(panels: Sequence[_Panel]) -> list[_Panel]:
    """Multipliers and violations without the rate in their names, which the axis states once."""
    multipliers = [str(name) for p in panels if p.kind == MULTIPLIER for name in p.names]
    rate = common_rate(multipliers)
    short = []
    for panel in panels:
        if panel.kind in (MULTIPLIER, VIOLATION) and None not in panel.names:
            names = without_rate([str(name) for name in panel.names], rate)
            own_rate = rate if panel.kind == MULTIPLIER else ""
            short.append(panel._replace(rate=own_rate, names=list(names)))
        else:
            short.append(panel)
    return short


def _drawn(panel: _Panel) -> dict[str, Any]:
    keep = thinned(panel.runs.shape[2])
    runs = panel.runs[:, :, keep]
    return {
        "kind": panel.kind.prefix.strip(),
        "title": panel.kind.title + (f" of {panel.rate.replace('_', ' ')}" if panel.rate else ""),
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
    """Four significant digits, since some values are as small as 1e-4; None for NaN."""
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values.tolist()]


def _has_band(panel: _Panel) -> bool:
    return len(panel.runs) > 1 and len(panel.names) <= MOST_BANDS


def _caption(panels: Sequence[_Panel]) -> str:
    """`Mean over 3 seeds; bands ± one sample standard deviation.`"""
    seeds = len(panels[0].runs)
    parts = ["One seed" if seeds == 1 else f"Mean over {seeds} seeds"]
    if any(_has_band(panel) for panel in panels):
        parts.append("bands ± one sample standard deviation")
    parts += dict.fromkeys(panel.note for panel in panels if panel.note)
    return f"{'; '.join(parts)}."


def final_values(record: Record) -> list[tuple[str, str]]:
    """The final values of a trial, by kind: multipliers, missed constraints, learned numbers."""
    found = []
    for kind, names in names_by_kind(record).items():
        last = {readable_name(name, record): v for name, v in _last(record, kind, names).items()}
        if kind == VIOLATION:
            found.append(("constraints", _missed(last, of=len(names))))
        elif last and kind.prefix not in NOT_SHOWN_LAST:
            is_learned = "" in last or kind.prefix.startswith("learned")
            label = kind.prefix.strip() if is_learned else kind.plural
            found.append((label, _largest_values(last, kind)))
    return found


def _missed(last: dict[str, float], *, of: int) -> str:
    missed = {name: value for name, value in last.items() if value > 0}
    order = sorted(missed, key=lambda name: -missed[name])
    shown = ", ".join(f"{name} by {100 * missed[name]:.2f} points" for name in order[:FEW])
    if not missed:
        return "all met on validation data"
    return f"{len(missed)} of {of} missed on validation data: {shown}"


def _largest_values(last: dict[str, float], kind: Kind) -> str:
    """`truck 0.7, cat 0.6 and 2 smaller`; of many learned numbers, both ends."""
    if len(last) == 1 and "" in last:
        return f"{last['']:.3g}"
    order = sorted(last, key=lambda name: -last[name])
    if kind.reduction == "average" and len(order) > FEW:
        ends = [order[: FEW // 2], order[-(FEW // 2) :]]
        most, least = (", ".join(f"{name}: {last[name]:.4g}" for name in end) for end in ends)
        return f"{most} … {least} (of {len(order)})"
    shown = ", ".join(f"{name} {last[name]:.3g}" for name in order[:FEW])
    return shown + (f" and {len(order) - FEW} smaller" if len(order) > FEW else "")


def _last(record: Record, kind: Kind, names: Sequence[str]) -> dict[str, float]:
    """The last values of the curves; of multipliers and violations, those of the last epoch."""
    found = {}
    for name in names:
        curve = record.curves[curve_name(kind, name)]
        known = [value for value in curve if value is not None]
        if curve[-1] is not None or (known and kind not in (MULTIPLIER, VIOLATION)):
            found[name] = known[-1]
    return found
