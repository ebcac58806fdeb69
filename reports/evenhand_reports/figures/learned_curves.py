"""The curves of quantities that a method learns beside the weights of the network, by kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from evenhand.declared.record import Record
from evenhand_reports.wording.summary import join_names

Reduction = Literal["largest", "worst", "average", "all"]
"""The drawing of more lines than can be told apart. `largest`: the few lines of the largest final
value. `worst`: the largest value at each epoch. `average`: means over names in their order."""


class Kind(NamedTuple):
    """Curves whose names share a prefix; they are drawn in one panel."""

    prefix: str
    title: str
    """Title of the axis."""

    plural: str
    """Name of what the lines belong to, for captions."""

    reduction: Reduction = "largest"
    is_percent: bool = False
    """Whether values are fractions, shown in points."""

    is_floored: bool = True
    """Whether values, and so the axis, start at 0."""

    is_log: bool = False
    heading: str = "learned loss"
    """Part of the heading over all figures of learned quantities."""

    caption: str = ""


MULTIPLIER = Kind(
    "multiplier ",
    "λ",
    "multipliers",
    heading="multipliers",
    caption="λ: Lagrange multiplier, the weight of a class recall or a constraint in the training "
    "loss; it is updated on validation data.",
)
VIOLATION = Kind(
    "violation ",
    "missed, points",
    "constraints",
    reduction="worst",
    is_percent=True,
    heading="constraint violations",
    caption="Violation: the points by which a constraint is missed on validation data; 0 means "
    "that it is met.",
)
KINDS = (
    MULTIPLIER,
    VIOLATION,
    Kind(
        "group weight ",
        "group weight",
        "group weights",
        heading="group weights",
        caption="Group weight: the weight of the loss of a cell of class and group in the "
        "training loss; the weights of all cells sum to 1.",
    ),
    Kind(
        "learned l ",
        "l",
        "classes",
        reduction="average",
        is_floored=False,
        caption="l: the offset that the training loss adds to the logit of a class; a smaller "
        "offset favours the class.",
    ),
    Kind(
        "learned Δ ",
        "Δ",
        "classes",
        reduction="average",
        is_floored=False,
        caption="Δ: the training loss multiplies the logit of a class by σ(Δ); a smaller factor "
        "favours the class.",
    ),
    Kind(
        "learned w ",
        "w",
        "classes",
        reduction="average",
        caption="w: the weight of an example of a class.",
    ),
    Kind(
        "learned τ",
        "τ",
        "τ",
        is_floored=False,
        caption="τ: the factor of log π, which is added to the logits.",
    ),
    Kind("learned policy entropy", "entropy", "entropies", heading="learned augmentation"),
    Kind(
        "learned policy operations ",
        "operations an image",
        "operations an image",
        reduction="all",
        heading="learned augmentation",
    ),
    Kind(
        "learned policy magnitude ",
        "magnitude",
        "magnitudes",
        reduction="all",
        heading="learned augmentation",
    ),
    Kind(
        "learned policy ",
        "share of images",
        "operations",
        heading="learned augmentation",
        caption="Share of images: the fraction of images that an operation of the learned "
        "augmentation is applied to, at one position of the policy.",
    ),
    Kind(
        "search validation objective",
        "held-out objective",
        "objectives",
        is_floored=False,
        heading="search",
        caption="Held-out objective: the objective that the search minimises.",
    ),
    Kind(
        "hessian norm",
        "‖H‖",
        "norms",
        is_log=True,
        heading="search",
        caption="‖H‖: the norm of the Hessian of the training loss, by power iteration; the "
        "Neumann series converges where its scale is below 2/‖H‖.",
    ),
    Kind("neumann scale", "scale of the series", "scales", is_log=True, heading="search"),
)
"""In the order of the panels. A curve is of the first kind whose prefix it has."""

NOT_SHOWN_LAST = ("hessian norm", "neumann scale")


def heading_and_caption(kinds: Sequence[str]) -> dict[str, str]:
    """The heading and the caption of figures with curves of these kinds; "" without any."""
    found = [kind for kind in KINDS if kind.prefix.strip() in kinds]
    heading = join_names(list(dict.fromkeys(kind.heading for kind in found)), most=len(KINDS))
    caption = " ".join(kind.caption for kind in found if kind.caption)
    return {"heading": heading[:1].upper() + heading[1:], "caption": caption}


def kind_of(curve: str) -> Kind | None:
    """The kind of a record's curve; None for a curve that is not learned."""
    return next((kind for kind in KINDS if curve.startswith(kind.prefix)), None)


def names_by_kind(record: Record) -> dict[Kind, list[str]]:
    """The names of the learned curves without their prefix; "" where the prefix is the name."""
    names: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    for curve in record.curves:
        if kind := kind_of(curve):
            names[kind].append(curve.removeprefix(kind.prefix).strip())
    return {kind: found for kind, found in names.items() if found}


def curve_name(kind: Kind, name: str) -> str:
    """The name of the curve in a record."""
    return f"{kind.prefix}{name}"


def readable_name(name: str, record: Record) -> str:
    """`truck` for `3`, `waterbird/land` for `class 1, group 0`; other names unchanged."""
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


def common_rate(names: Sequence[str]) -> str:
    """`min_recall` for `min_recall[0]`, `min_recall[1]`: the rate of all names; "" without one."""
    rates = {name.partition("[")[0] for name in names}
    return rates.pop() if len(rates) == 1 and all(name.endswith("]") for name in names) else ""


def without_rate(names: Sequence[str], rate: str) -> list[str]:
    """`truck` for `recall[truck]` where the rate is `recall`; other names unchanged."""
    return [
        name[len(rate) + 1 : -1] if rate and name.startswith(f"{rate}[") else name for name in names
    ]
