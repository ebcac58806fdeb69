"""What a controller's multipliers did by epoch, and by how much its constraints were missed.

    multiplier NAME   λ: how much a recall, or a constraint, counts in the training loss
    violation NAME    points that a constraint lacks on validation data; 0 is met

Each is a curve of a record. The page draws them with Plotly; here there is no layout, no colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from harness.spec.record import Record
from reports.figures import rounded, thinned, usable
from reports.leaderboard import Leaderboard
from reports.standing import Standing

MULTIPLIER, VIOLATION = "multiplier ", "violation "
MOST, FEW = 10, 6
"""More multipliers than MOST cannot be told apart: then the FEW largest are drawn."""

MOST_VIOLATIONS = 4
"""With more constraints, only the largest violation is drawn."""

MOST_BANDS = 3
"""With more lines, bands would hide them."""

Runs = Float[np.ndarray, "seeds lines epochs"]


def multiplier_figures(board: Leaderboard, problem: str) -> list[dict[str, Any]]:
    """One figure for each row whose records have multipliers, in the suite's order.

    {title, text, of, epoch, multipliers, violations}: lines are {name, mean, sd}, over seeds; `of`
    is the rate that all multipliers are of, or "" where they are of several. A violation of the
    name None is the largest over constraints.
    """
    there = [board.standings.get((row, problem)) for row in board.rows]
    found = [_figure(standing) for standing in there if standing is not None]
    return [figure for figure in found if figure is not None]


def _figure(standing: Standing) -> dict[str, Any] | None:
    runs = [r for r in usable(standing) if _names(r, MULTIPLIER)]
    if not runs:
        return None
    epochs = max((run.curves["epoch"] for run in runs), key=len)
    runs = [run for run in runs if run.curves["epoch"] == epochs]
    names, bounds = (_names(runs[0], kind) for kind in (MULTIPLIER, VIOLATION))
    multipliers, violations = _runs(runs, MULTIPLIER, names), _runs(runs, VIOLATION, bounds)
    drawn = _largest(multipliers)
    rate, short = _shortened([names[i] for i in drawn])
    if len(bounds) > MOST_VIOLATIONS:
        violations = violations.max(1, keepdims=True)
    return {
        "title": standing.title,
        "text": _text(len(runs), n=len(names), drawn=len(drawn), bounds=len(bounds)),
        "of": rate,
        "epoch": [epochs[i] for i in thinned(len(epochs))],
        "multipliers": _lines(short, multipliers[:, drawn]),
        "violations": _lines(
            [None] if len(bounds) > MOST_VIOLATIONS else _alike(bounds, rate), violations
        ),
    }


def _names(record: Record, kind: str) -> list[str]:
    return [name.removeprefix(kind) for name in record.curves if name.startswith(kind)]


def _runs(records: Sequence[Record], kind: str, names: Sequence[str]) -> Runs:
    """NaN where there is no value yet, or none that is finite."""
    n = len(records[0].curves["epoch"])
    none: list[float | None] = [None] * n
    series = [[record.curves.get(kind + name, none) for name in names] for record in records]
    return np.array(series, dtype=np.float64).reshape(len(records), len(names), n)


def _largest(multipliers: Runs) -> list[int]:
    """Which to draw, in their order: all, or the few of the largest mean over seeds at the end."""
    n = multipliers.shape[1]
    if n <= MOST:
        return list(range(n))
    last = multipliers[:, :, -1].mean(0)
    return sorted(np.argsort(-np.nan_to_num(last), kind="stable")[:FEW].tolist())


def _shortened(names: Sequence[str]) -> tuple[str, list[str]]:
    """The rate that all names are of, and without it what each is of: `min_recall`, [`0`, `1`]."""
    rates = {name.partition("[")[0] for name in names}
    if len(rates) != 1 or not all(name.endswith("]") for name in names):
        return "", list(names)
    [rate] = rates
    return rate, _alike(names, rate)


def _alike(names: Sequence[str], rate: str) -> list[str]:
    """`truck` for `recall[truck]` where the figure's multipliers are all of the recall."""
    return [
        name[len(rate) + 1 : -1] if rate and name.startswith(f"{rate}[") else name for name in names
    ]


def _lines(names: Sequence[str | None], runs: Runs) -> list[dict[str, Any]]:
    keep = thinned(runs.shape[2])
    has_band = len(runs) > 1 and len(names) <= MOST_BANDS
    return [
        {
            "name": name,
            "mean": rounded(runs[:, i, keep].mean(0)),
            "sd": rounded(runs[:, i, keep].std(0, ddof=1)) if has_band else None,
        }
        for i, name in enumerate(names)
    ]


def _text(seeds: int, *, n: int, drawn: int, bounds: int) -> str:
    """`Mean over 3 seeds; of 20 multipliers the 6 that are largest at the end.`"""
    parts = ["One seed" if seeds == 1 else f"Mean over {seeds} seeds"]
    panels = [drawn, 1 if bounds > MOST_VIOLATIONS else bounds]
    if seeds > 1 and any(0 < lines <= MOST_BANDS for lines in panels):
        parts.append("bands ± one sample standard deviation")
    if drawn < n:
        parts.append(f"of {n} multipliers the {drawn} that are largest at the end")
    if bounds > MOST_VIOLATIONS:
        parts.append(f"of {bounds} constraints the largest violation")
    return f"{'; '.join(parts)}."


def at_the_end(record: Record) -> list[tuple[str, str]]:
    """What one trial ended with: its largest multipliers, and the constraints that it missed."""
    found = []
    names, bounds = (_names(record, kind) for kind in (MULTIPLIER, VIOLATION))
    if names:
        last = _last(record, MULTIPLIER, names)
        order = sorted(last, key=lambda name: -last[name])
        shown = ", ".join(f"{name} {last[name]:.3g}" for name in order[:FEW])
        more = f" and {len(order) - FEW} smaller" if len(order) > FEW else ""
        found.append(("multipliers", shown + more))
    if bounds:
        last = {name: v for name, v in _last(record, VIOLATION, bounds).items() if v > 0}
        order = sorted(last, key=lambda name: -last[name])
        shown = ", ".join(f"{name} by {100 * last[name]:.2f} points" for name in order[:FEW])
        missed = f"{len(last)} of {len(bounds)} missed on validation data"
        found.append(
            ("constraints", f"{missed}: {shown}" if last else "all met on validation data")
        )
    return found


def _last(record: Record, kind: str, names: Sequence[str]) -> dict[str, float]:
    values = {name: record.curves[kind + name][-1] for name in names}
    return {name: value for name, value in values.items() if value is not None}
