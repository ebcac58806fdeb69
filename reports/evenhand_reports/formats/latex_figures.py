r"""Figures of a suite for a paper: lines over settings and curves over epochs, with PGFPlots.

A preamble that includes one needs `\usepackage{pgfplots}` and `\pgfplotsset{compat=1.16}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.colours import report_figures
from evenhand_reports.formats.file_names import file_names, slug
from evenhand_reports.formats.tex_frame import WIDE_WORD, opening
from evenhand_reports.formats.tex_text import breakable, escape

KINDS = ("lines", "curves")
COLOURS = ("0072B2", "D55E00", "009E73", "CC79A7", "E69F00", "56B4E9", "7A5195")
"""The colours of the page, by Okabe and Ito."""

MARKS = ("*", "square*", "diamond*", "triangle*", "+", "x", "star")
DASHES = ("solid", "dashed", "dotted", "dashdotted")
BASELINE = "gray, densely dotted"
PREAMBLE = "\\usepackage{pgfplots}\n\\pgfplotsset{compat=1.16}"
AXIS = r"""\begin{axis}[width=0.8\linewidth, height=0.5\linewidth, grid=major, grid style={gray!25},
  xlabel={%s}, ylabel={%s}, %slegend columns=2, legend cell align=left,
  legend style={at={(0.5,-0.2)}, anchor=north, draw=none, font=\footnotesize}]"""


def figure_files(board: Leaderboard) -> dict[str, str]:
    """LaTeX text by file name; empty for a suite without lines and curves.

    Lines are those of the checkpoint rule that ranks.
    """
    figures = report_figures(board)
    placed = [(problem, each) for problem, found in figures.by_problem.items() for each in found]
    placed += [(each["on"] or "all problems", each) for each in figures.over]
    placed = [(place, each) for place, each in placed if each["kind"] in KINDS]
    names = file_names([f"{place}-{i + 1}" for i, (place, _) in enumerate(placed)])
    found = {}
    for name, (place, figure) in zip(names, placed, strict=True):
        if plots := list(_plots(figure, board.rule)):
            found[f"figure-{name}.tex"] = _floated(board, place, figure, plots, name)
    return found


def _floated(
    board: Leaderboard, place: str, figure: dict[str, Any], plots: Sequence[str], name: str
) -> str:
    unit = "" if figure["plain"] else ", %"
    title = f"{figure['title']}: {figure['what']}" if figure["title"] else figure["what"]
    rule = f" Checkpoint rule: {board.rule}." if figure["kind"] == "lines" else ""
    caption = f"{title[:1].upper()}{title[1:]}, on {place}. {_text(figure)}{rule}"
    lines = [
        *opening(board),
        r"\begin{figure}[tp]",
        r"\centering",
        *(rf"\definecolor{{line{i}}}{{HTML}}{{{colour}}}" for i, colour in enumerate(COLOURS)),
        r"\begin{tikzpicture}",
        AXIS % (escape(figure["x"]), escape(figure["y"] + unit), _categories(figure, board.rule)),
        *plots,
        r"\end{axis}",
        r"\end{tikzpicture}",
        rf"\caption{{{breakable(caption, most=WIDE_WORD)}}}",
        rf"\label{{fig:{slug(board.suite.suite)}-{name}}}",
        r"\end{figure}",
    ]
    return "\n".join(lines) + "\n"


def _text(figure: dict[str, Any]) -> str:
    """The text of the page's figure, with the intervals as they are drawn here: bars, or none."""
    drawn = r"; bars\1" if figure["kind"] == "lines" else ""
    text: str = figure["text"]
    return re.sub(r"; (?:bands and bars|bands|bars)( are Student-t intervals[^.]*)", drawn, text)


def _plots(figure: dict[str, Any], rule: str) -> Iterator[str]:
    """One plot for each line."""
    if figure["kind"] == "curves":
        for line in figure["lines"]:
            name = f"{line['name']}, {line['of']}" if figure["several"] else line["name"]
            dash = DASHES[line["dash"] % len(DASHES)]
            style = _style(line["colour"], dash)
            if line["colour"] is None and not figure["several"]:
                style = BASELINE
            yield _plot(style, line["epoch"], _scaled(figure, line), name)
        return
    places = _places(figure, rule)
    for line in figure["rules"][rule]:
        style = f"{_style(line['colour'])}, mark={_mark(line['colour'])}"
        x = [places.get(value, value) for value in line["x"]]
        yield _plot(style, x, _scaled(figure, line), line["name"])
    for line in figure["theory"]:
        known = [
            (at, value) for at, value in zip(line["x"], line["y"], strict=True) if value is not None
        ]
        points = {"mean": [value for _, value in known]}
        style = _style(line["colour"], "dashed")
        yield _plot(style, [at for at, _ in known], _scaled(figure, points), line["name"])
    reference = figure["reference"][rule]
    x = [places.get(v, v) for line in figure["rules"][rule] for v in line["x"]]
    if reference and x:
        points = {"mean": [reference["mean"]] * 2}
        yield _plot(BASELINE, [min(x), max(x)], _scaled(figure, points), reference["name"])


def _style(colour: int | None, dash: str = "solid") -> str:
    """The style of a line; None is the baseline."""
    ink = "gray" if colour is None else f"line{colour % len(COLOURS)}"
    return f"{ink}, {dash}, thick"


def _mark(colour: int | None) -> str:
    return "o" if colour is None else MARKS[colour % len(MARKS)]


def _places(figure: dict[str, Any], rule: str) -> dict[Any, int]:
    """Places on the axis in the order of the lines, where a value is no number; otherwise none."""
    lines = figure["rules"][rule] if figure["kind"] == "lines" else []
    values = [value for line in lines for value in line["x"]]
    if not any(isinstance(value, str) for value in values):
        return {}
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def _categories(figure: dict[str, Any], rule: str) -> str:
    places = _places(figure, rule)
    if not places:
        return ""
    ticks, labels = (
        ",".join(map(str, places.values())),
        ",".join(f"{{{escape(str(w))}}}" for w in places),
    )
    return f"xtick={{{ticks}}}, xticklabels={{{labels}}}, "


def _scaled(figure: dict[str, Any], line: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Mean, lower and upper end of each point, in percent or in the unit of a series."""
    factor = 1 if figure["plain"] else 100
    ends = [line.get(end) or [None] * len(line["mean"]) for end in ("low", "high")]
    points = zip(line["mean"], *ends, strict=True)
    return [
        (factor * v, factor * (v if low is None else low), factor * (v if high is None else high))
        for v, low, high in points
    ]


def _plot(
    style: str, x: Sequence[float], points: Sequence[tuple[float, float, float]], name: str
) -> str:
    has_bars = "mark=" in style and any(low < high for _, low, high in points)
    bars = ", error bars/.cd, y dir=both, y explicit" if has_bars else ""
    coordinates = [
        f"({at:g},{mean:.4g})" + (f" += (0,{high - mean:.4g}) -= (0,{mean - low:.4g})" * has_bars)
        for at, (mean, low, high) in zip(x, points, strict=True)
    ]
    body = "\n  ".join(coordinates)
    plot = f"\\addplot[{style}{bars}] coordinates {{\n  {body}\n}};"
    return f"{plot}\n\\addlegendentry{{{escape(name)}}}"
