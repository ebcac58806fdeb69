"""Fronts as figures and as tables: curves in the plane of two metrics, and their hypervolume."""

from __future__ import annotations

from typing import Any, NamedTuple

from evenhand.declared.record import RULES
from evenhand.suite.figures import Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.fronts import Front, Plane, is_signed, plane
from evenhand_reports.figures.recall_and_curves import MOST_LINES
from evenhand_reports.figures.setting_lines import Place, families, spread
from evenhand_reports.figures.theory import along
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording import figure_captions as words
from evenhand_reports.wording.formatting import NO_VALUE

HEADS = ("method", "points", "on its front", "of all", "hypervolume ↑", "interval", "n")
"""Of the table; "of all" counts the points that no point of another line dominates."""

MOST_SETTINGS = 6


class Row(NamedTuple):
    """One line of the table of a front, in words."""

    name: str
    cells: tuple[str, ...]


def front_figures(board: Leaderboard, figure: Figure, place: Place) -> list[dict[str, Any]]:
    """One figure, or none without values.

    rules: by rule the lines, {name, at, x, y, front, colour}, x and y as `spread` has them;
    tables: by rule the rows of the table.
    """
    assert figure.over is not None
    found = {rule: plane(board, figure, place, rule) for rule in RULES}
    first = found[board.rule]
    sizes = [s.n for each in found.values() for f in each.fronts for p in f.spots for s in p.scores]
    if not sizes:
        return []
    rules = {
        rule: [_line(front) for front in each.fronts if front.colour < MOST_LINES]
        for rule, each in found.items()
    }
    theory = _theory(figure, place)
    drawn = [front.points[0].standing for front in first.fronts[:MOST_LINES]]
    return [
        {
            **words.head(figure, what(first)),
            "x": first.titles[0],
            "y": first.titles[1],
            "over": words.setting(figure.over),
            "rules": rules,
            "theory": theory,
            "ramp": words.ramp(figure, drawn),
            "tables": {rule: [row.cells for row in rows(each)] for rule, each in found.items()},
            "names": {rule: [row.name for row in rows(each)] for rule, each in found.items()},
            "text": words.seeds(board, sizes, bands="bars")
            + " Filled: its Pareto front; hollow: dominated by another of its points."
            + (" Dashed without points: theory." if theory else "")
            + words.omitted(max(len(each.fronts) for each in found.values()) - MOST_LINES),
            "note": note(first),
        }
    ]


def _line(front: Front) -> dict[str, Any]:
    x, y = ([spot.scores[i] for spot in front.spots] for i in (0, 1))
    return {
        "name": front.name,
        "at": [spot.at for spot in front.spots],
        "x": spread(x),
        "y": spread(y),
        "front": [spot.on_front for spot in front.spots],
        "colour": front.colour,
    }


def _theory(figure: Figure, place: Place) -> list[dict[str, Any]]:
    assert figure.front is not None
    assert figure.over is not None
    lines = list(families(figure, place.standings, singles=True).items())[:MOST_LINES]
    return [
        {"name": f"{name}, theory", "x": found["values"][0], "y": found["values"][1], "colour": i}
        for i, (name, points) in enumerate(lines)
        if None not in points[0].at and (found := along(points, figure.over, figure.front))
    ]


def what(found: Plane) -> str:
    """`Balanced group error and error over weight`."""
    assert found.figure.over is not None
    x, y = found.titles
    return f"{y} and {words.inside(x)} over {words.setting(found.figure.over)}"


def note(found: Plane) -> str:
    """What the hypervolume is, and up to where."""
    ends = zip(found.titles, found.reference, strict=True)
    corner = ", ".join(f"{words.inside(title)} {100 * end:g}{words.NARROW}%" for title, end in ends)
    signed = [words.inside(found.titles[i]) for i in (0, 1) if is_signed(found.metrics[i])]
    size = f", of {' and '.join(signed)} the size," if signed else ","
    return (
        f"Hypervolume: the area that each seed's front covers up to {corner}{size} as fractions; "
        "higher is better. Fronts are of the means over seeds; “of all” counts the points that no "
        "point of another line dominates either."
    )


def ordered(found: Plane) -> list[Front]:
    """The fronts of a table, the largest hypervolume first."""
    return sorted(found.fronts, key=lambda f: -(f.volume.mean if f.volume else -1.0))


def rows(found: Plane) -> list[Row]:
    """The lines of a table, in that order."""
    return [Row(front.name, _cells(front)) for front in ordered(found)]


def _cells(front: Front) -> tuple[str, ...]:
    joint = sum(spot.on_joint for spot in front.spots)
    n = front.volume.n if front.volume else 0
    return (
        str(len(front.spots)),
        settings(front),
        str(joint),
        area(front.volume),
        interval(front.volume),
        str(n) if n == front.seeds else f"{n} of {front.seeds}",
    )


def settings(front: Front) -> str:
    """`0.1, 0.5`, `all`: which settings are on the front; a dash where it has no such setting."""
    named = [spot.at for spot in front.best if spot.at]
    if not named:
        return NO_VALUE
    if len(named) == len(front.spots) > 1:
        return "all"
    more = f" and {len(named) - MOST_SETTINGS} more" if len(named) > MOST_SETTINGS else ""
    return ", ".join(named[:MOST_SETTINGS]) + more


def area(volume: Estimate | None) -> str:
    """`0.8123 ± 0.0041`."""
    if volume is None:
        return NO_VALUE
    spread = "" if volume.sd is None else f" ± {volume.sd:.4f}"
    return f"{volume.mean:.4f}{spread}"


def interval(volume: Estimate | None) -> str:
    if volume is None or volume.interval is None:
        return NO_VALUE
    return f"[{volume.interval.low:.4f}, {volume.interval.high:.4f}]"
