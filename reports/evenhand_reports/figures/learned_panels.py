"""Which numbers of a method's own a record has by epoch, and how each kind of them is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from evenhand.declared.record import Record

Many = Literal["largest", "worst", "average", "all"]
"""What is drawn of more lines than can be told apart: the few that are largest at the end; the
largest at each epoch alone; means over names in their order; or all the same."""


class Kind(NamedTuple):
    """Curves that begin alike, and the panel that they share.

    title       of the axis
    words       what it counts, in the plural
    is_percent  values are fractions, shown in points
    is_floored  values are at least 0, and so is the axis
    """

    prefix: str
    title: str
    words: str
    many: Many = "largest"
    is_percent: bool = False
    is_floored: bool = True
    is_log: bool = False


MULTIPLIER = Kind("multiplier ", "λ", "multipliers")
VIOLATION = Kind("violation ", "missed, points", "constraints", many="worst", is_percent=True)
GROUP_WEIGHT = Kind("group weight ", "group weight", "group weights")
L = Kind("learned l ", "l", "classes", many="average", is_floored=False)
DELTA = Kind("learned Δ ", "Δ", "classes", many="average", is_floored=False)
W = Kind("learned w ", "w", "classes", many="average")
TAU = Kind("learned τ", "τ", "τ", is_floored=False)
KINDS = (
    MULTIPLIER,
    VIOLATION,
    GROUP_WEIGHT,
    L,
    DELTA,
    W,
    TAU,
    Kind("learned policy entropy", "entropy", "entropies"),
    Kind("learned policy operations ", "operations an image", "operations an image", many="all"),
    Kind("learned policy magnitude ", "magnitude", "magnitudes", many="all"),
    Kind("learned policy ", "share of images", "operations"),
    Kind("search validation objective", "held-out objective", "objectives", is_floored=False),
    Kind("hessian norm", "‖H‖", "norms", is_log=True),
    Kind("neumann scale", "scale of the series", "scales", is_log=True),
)
"""In the order of the panels; a curve is of the first kind that it begins like."""

NOT_SHOWN_LAST = ("hessian norm", "neumann scale")


def kind_of(curve: str) -> Kind | None:
    return next((kind for kind in KINDS if curve.startswith(kind.prefix)), None)


def names_of(record: Record) -> dict[Kind, list[str]]:
    """By kind in order: the curves' names without what they begin with, "" for the only one."""
    found: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    for curve in record.curves:
        if kind := kind_of(curve):
            found[kind].append(curve.removeprefix(kind.prefix).strip())
    return {kind: names for kind, names in found.items() if names}


def curve_of(kind: Kind, name: str) -> str:
    return f"{kind.prefix}{name}"


def said(name: str, record: Record) -> str:
    """`truck` for `3`, `waterbird/land` for `class 1, group 0`: classes and groups by name."""
    data = record.data
    if data is None:
        return name
    if name.isdecimal() and int(name) < len(data.classes):
        return data.classes[int(name)]
    cell = re.fullmatch(r"class (\d+), group (\d+)", name)
    if cell is None:
        return name
    label, group = (int(index) for index in cell.groups())
    return f"{data.classes[label]}/{data.groups[group]}"


def shortened(names: Sequence[str]) -> tuple[str, list[str]]:
    """The rate that all names are of, and without it what each is of: `min_recall`, [`0`, `1`]."""
    rates = {name.partition("[")[0] for name in names}
    if len(rates) != 1 or not all(name.endswith("]") for name in names):
        return "", list(names)
    [rate] = rates
    return rate, alike(names, rate)


def alike(names: Sequence[str], rate: str) -> list[str]:
    """`truck` for `recall[truck]` where the figure's multipliers are all of the recall."""
    return [
        name[len(rate) + 1 : -1] if rate and name.startswith(f"{rate}[") else name for name in names
    ]
