"""The table under a figure of Pareto fronts: a row for each line, with its hypervolume."""

from __future__ import annotations

from typing import NamedTuple

from evenhand_reports.figures.fronts import Front, FrontSet, is_signed
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording.figure_captions import setting_name
from evenhand_reports.wording.formatting import NO_BREAK, NO_VALUE, number, within_sentence

HEADERS = (
    *("method", "points", "on its front", "on the joint front"),
    *("hypervolume ↑", "interval", "n"),
)
"""Of the columns; the joint front is that of the points of all lines."""

MOST_SETTINGS = 6
"""Settings on a front that the table lists."""

NOTE = (
    "Hypervolume: the area that each seed's front covers up to the corner {corner}, as fractions"
    "{signed}; higher is better. The fronts are those of the means over seeds; the joint front "
    "holds the points that no point of any line dominates."
)
SIGNED = ", by the absolute value of {metrics}"


class FrontRow(NamedTuple):
    """The row of one line, as text in the order of `HEADERS`."""

    name: str
    values: tuple[str, ...]


def front_title(fronts: FrontSet) -> str:
    """`Balanced group error and error over weight`."""
    assert fronts.figure.over is not None
    x, y = fronts.titles
    return f"{y} and {within_sentence(x)} over {setting_name(fronts.figure.over)}"


def front_note(fronts: FrontSet) -> str:
    """The definition of the hypervolume, with its reference corner."""
    titles = [within_sentence(title) for title in fronts.titles]
    ends = zip(titles, fronts.reference, strict=True)
    metrics = zip(titles, fronts.metrics, strict=True)
    signed = " and ".join(title for title, metric in metrics if is_signed(metric))
    return NOTE.format(
        corner=", ".join(f"{title} {100 * end:g}{NO_BREAK}%" for title, end in ends),
        signed=SIGNED.format(metrics=signed) if signed else "",
    )


def by_hypervolume(fronts: FrontSet) -> list[Front]:
    """The fronts of a table, the largest hypervolume first."""
    return sorted(fronts.fronts, key=lambda f: -(f.volume.mean if f.volume else -1.0))


def front_rows(fronts: FrontSet) -> list[FrontRow]:
    """The rows of a table, the largest hypervolume first."""
    return [FrontRow(front.name, _values(front)) for front in by_hypervolume(fronts)]


def _values(front: Front) -> tuple[str, ...]:
    n = front.volume.n if front.volume else 0
    return (
        str(len(front.points)),
        _settings(front),
        str(sum(point.on_joint_front for point in front.points)),
        _hypervolume(front.volume),
        _interval(front.volume),
        str(n) if n == front.seeds else f"{n} of {front.seeds}",
    )


def _settings(front: Front) -> str:
    """The settings on the front: `0.1, 0.5`, or `all`; a dash where the line has no setting."""
    named = [point.setting for point in front.best if point.setting]
    if not named:
        return NO_VALUE
    if len(named) == len(front.points) > 1:
        return "all"
    more = f" and {len(named) - MOST_SETTINGS} more" if len(named) > MOST_SETTINGS else ""
    return ", ".join(named[:MOST_SETTINGS]) + more


def _hypervolume(volume: Estimate | None) -> str:
    """`0.8123 ± 0.0041`."""
    if volume is None:
        return NO_VALUE
    deviation = "" if volume.sd is None else f" ± {volume.sd:.4f}"
    return f"{volume.mean:.4f}{deviation}"


def _interval(volume: Estimate | None) -> str:
    if volume is None or volume.interval is None:
        return NO_VALUE
    low, high = (number(end, "1") for end in (volume.interval.low, volume.interval.high))
    return f"[{low}, {high}]"
