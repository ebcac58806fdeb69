"""Tables for a paper: booktabs, the best group in bold, every number's trials in a comment.

The files depend on the records alone, not on when or where they are written: the same records give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evenhand_reports.board import lineage
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.formats.latex_fronts import front_tables
from evenhand_reports.formats.tex_frame import floated, line_of, opening, slug
from evenhand_reports.formats.tex_text import comment, escape, macro_names
from evenhand_reports.papers.matching import CAPTION, Beside, beside, sources, text
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.summary import choices

ACROSS = 4
"""Columns of numbers that a page takes side by side; more go into a block underneath."""

ACROSS_ONE = 7
"""The same for the table of one problem, whose columns are narrower."""

HEADS_WIDTH = 70
"""Of the names of metrics that a page takes side by side, in letters."""

NONE = "--"
Column = tuple[str, Callable[[Standing | None], str]]

STANDALONE = r"""\documentclass[a4paper]{article}
\usepackage[margin=22mm]{geometry}
\usepackage{booktabs,amsmath}
\input{macros.tex}
\begin{document}
%s
\end{document}
"""


def files(board: Leaderboard) -> dict[str, str]:
    """Text by file name: all tables, the macros, and a document that holds them."""
    tables = {"leaderboard.tex": _leaderboard(board)}
    for problem in board.problems:
        tables[f"problem-{slug(problem)}.tex"] = _problem(board, problem)
        if len(board.metrics) > 1:
            tables[f"metrics-{slug(problem)}.tex"] = _metrics(board, problem)
    tables |= front_tables(board)
    inputs = "\n\\clearpage\n".join(f"\\input{{{name}}}" for name in tables)
    head = "\n".join(opening(board))
    whole = {"macros.tex": _macros(board), "standalone.tex": f"{head}\n{STANDALONE % inputs}"}
    return tables | whole


def _leaderboard(board: Leaderboard) -> str:
    """Rows × problems, the primary metric, and the average rank."""
    first = {row: _anywhere(board, row) for row in board.rows}
    columns: list[Column] = [(p, _mean_on(board, p)) for p in board.problems]
    if len(board.problems) > 1:
        columns.append(("rank", lambda s: _average(board, s)))
    title = board.metrics[board.suite.primary]
    direction = "higher" if board.higher else "lower"
    caption = f"{title} in percent ({direction} is better). {board.suite.question}"
    body = _tabular("Method", columns, list(first.values()), keys=board.problems, board=board)
    notes = list(footnotes(board, brackets=False))
    if len(board.problems) > 1:
        notes.append("Rank: mean over problems.")
    return floated(board, body, caption=caption, label=board.suite.suite, notes=notes)


def _anywhere(board: Leaderboard, row: str) -> Standing:
    return next(s for (name, _), s in board.standings.items() if name == row)


def _average(board: Leaderboard, standing: Standing | None) -> str:
    mean = board.average_ranks[standing.row] if standing else None
    return NONE if mean is None else f"{mean:.2f}"


def _mean_on(board: Leaderboard, problem: str) -> Callable[[Standing | None], str]:
    def cell(standing: Standing | None) -> str:
        there = board.standings.get((standing.row, problem)) if standing else None
        return _mean(board, there, board.suite.primary)

    return cell


def _mean(board: Leaderboard, standing: Standing | None, metric: str) -> str:
    """`$\\mathbf{71.94} \\pm 0.38$`, with a dagger where not whole; bold for the primary only."""
    score = standing.scores[metric, board.rule] if standing else None
    if standing is None or score is None or score.estimate is None:
        return NONE if standing is None or standing.is_whole else rf"{NONE}\rlap{{$^{{\dagger}}$}}"
    bold = standing.is_bold and metric == board.suite.primary
    mean = _number(formatting.percent(score.estimate.mean))
    sd = score.estimate.sd
    spread = "" if sd is None else rf" \pm {formatting.percent(sd)}"
    dagger = "" if standing.is_whole and score.is_whole else r"\rlap{$^{\dagger}$}"
    shown = rf"\mathbf{{{mean}}}" if bold else mean
    return f"${shown}{spread}{dagger}$"


def _number(text: str) -> str:
    return text.replace(formatting.MINUS, "-")


def _problem(board: Leaderboard, problem: str) -> str:
    """One problem in full: rank, interval, difference to the baseline with its p, n."""
    primary = board.suite.primary
    columns: list[Column] = [
        ("mean ± sd", lambda s: _mean(board, s, primary)),
        ("interval", lambda s: _interval(s.scores[primary, board.rule].estimate) if s else NONE),
        ("Δ to best (p)", lambda s: _compared(s.to_best) if s else NONE),
        (f"Δ to {board.baseline} (p)", lambda s: _compared(s.to_baseline) if s else NONE),
        ("n", lambda s: formatting.n(board, s) if s else NONE),
        ("rank", lambda s: _math(formatting.rank(s)) if s else NONE),
    ]
    found = beside(board)
    papers = sources(found, problem)
    columns += [
        ("printed" if len(papers) == 1 else head, _printed(found, paper))
        for paper, head in papers.items()
    ]
    title = board.metrics[primary]
    direction = "higher" if board.higher else "lower"
    caption = f"{title} in percent on {problem} ({direction} is better)."
    rows = board.on(problem)
    body = _tabular("Method", columns, rows, keys=(problem,), board=board, across=ACROSS_ONE)
    notes = [*footnotes(board), *choices(board, problem)]
    notes += [f"Printed: {CAPTION} {'; '.join(papers.values())}."] if papers else []
    label = f"{board.suite.suite}:{problem}"
    return floated(board, body, caption=caption, label=label, notes=notes)


def _printed(found: Beside, paper: str) -> Callable[[Standing | None], str]:
    """What one paper prints; where it is the only one, the note names it and not the head."""

    def cell(standing: Standing | None) -> str:
        numbers = found.get((standing.row, standing.problem), ()) if standing else ()
        return escape(text(numbers, paper)) or NONE

    return cell


def _metrics(board: Leaderboard, problem: str) -> str:
    """One problem under every metric of the suite."""

    def column(metric: str) -> Column:
        return formatting.heading(board, metric), lambda standing: _mean(board, standing, metric)

    columns = [column(metric) for metric in board.metrics]
    rows, longest = board.on(problem), max(len(head) for head, _ in columns)
    across = max(1, min(ACROSS, HEADS_WIDTH // longest))
    body = _tabular("Method", columns, rows, keys=(problem,), board=board, across=across)
    caption = f"All metrics on {problem}, in percent."
    bold = "Bold and ranks are of the first metric alone; the others are not tested."
    label = f"{board.suite.suite}:{problem}:metrics"
    return floated(
        board, body, caption=caption, label=label, notes=[*footnotes(board, brackets=False), bold]
    )


def _interval(estimate: Estimate | None) -> str:
    found = estimate.interval if estimate else None
    if found is None:
        return NONE
    return (
        f"$[{_number(formatting.percent(found.low))}, {_number(formatting.percent(found.high))}]$"
    )


def _compared(comparison: Comparison | None) -> str:
    """`$+2.10$ ($0.032$)`."""
    if comparison is None:
        return NONE
    return (
        f"{_math(formatting.difference(comparison))} ({_math(formatting.p_value(comparison.holm))})"
    )


def _math(text: str) -> str:
    return NONE if text == formatting.NO_VALUE else f"${_number(text)}$"


def _tabular(
    head: str,
    columns: Sequence[Column],
    rows: Sequence[Standing],
    *,
    keys: Sequence[str],
    board: Leaderboard,
    across: int = ACROSS,
) -> list[str]:
    """A tabular whose columns go into blocks of `across`; comments name each row's trials."""
    width = -(-len(columns) // -(-len(columns) // across))
    blocks = [columns[i : i + width] for i in range(0, len(columns), width)]
    lines = [rf"\begin{{tabular}}{{@{{}}l{'r' * width}@{{}}}}", r"\toprule"]
    for i, block in enumerate(blocks):
        lines += [r"\midrule"] if i else []
        pad = [""] * (width - len(block))
        lines += [line_of([head, *(escape(title) for title, _ in block), *pad]), r"\midrule"]
        for standing in rows:
            lines += [] if i else _trials(board, standing.row, keys)
            lines.append(
                line_of([escape(standing.title), *(cell(standing) for _, cell in block), *pad])
            )
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _trials(board: Leaderboard, row: str, problems: Sequence[str]) -> list[str]:
    lines = []
    for problem in problems:
        standing = board.standings.get((row, problem))
        if standing:
            setting = f" ({standing.setting})" if standing.setting else ""
            keys = " ".join(trial.key for trial in standing.configuration.trials)
            what = [f"{standing.title}{setting}", lineage.beside(standing.configuration.trials[0])]
            lines.append(f"{', '.join(filter(None, what))} on {problem}: {keys}")
    return comment(*lines)


def _macros(board: Leaderboard) -> str:
    """Numbers by name. An incomplete cell has none: a text that uses it does not compile."""
    numbers: dict[tuple[str, ...], str] = {}
    for (row, problem), standing in board.standings.items():
        if standing.is_whole:
            numbers |= {(row, problem, k): v for k, v in _numbers(board, standing).items()}
    names = macro_names(f"Evenhand {board.suite.suite}", numbers)
    what = comment(
        f"Numbers as macros: {board.metrics[board.suite.primary]} in percent, {board.rule}.",
        "\\Evenhand + suite + row + problem + one of: Mean, Sd, Low and High (interval), N, Rank,",
        "Difference (to the baseline, in points), P (of that difference, Holm-corrected).",
        "Names are letters alone, digits are spelled: 100 is OneZeroZero. What does not exist, or",
        "belongs to an incomplete cell, has no macro.",
    )
    lines = [f"\\newcommand{{\\{names[key]}}}{{{value}}}" for key, value in numbers.items()]
    return "\n".join([*opening(board), *what, *lines]) + "\n"


def _numbers(board: Leaderboard, standing: Standing) -> dict[str, str]:
    found = standing.scores[board.suite.primary, board.rule].estimate
    assert found is not None, "a whole standing has a mean"
    numbers = {"mean": formatting.percent(found.mean), "n": str(found.n)}
    if found.sd is not None and found.interval is not None:
        numbers["sd"] = formatting.percent(found.sd)
        numbers["low"] = formatting.percent(found.interval.low)
        numbers["high"] = formatting.percent(found.interval.high)
    if standing.rank:
        numbers["rank"] = str(standing.rank.rank)
    if standing.to_baseline:
        numbers["difference"] = formatting.difference(standing.to_baseline)
        if standing.to_baseline.holm is not None:
            numbers["p"] = formatting.p_value(standing.to_baseline.holm)
    return {name: rf"\ensuremath{{{_number(value)}}}" for name, value in numbers.items()}
