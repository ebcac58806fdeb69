"""The leaderboard as Markdown, for a README or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures import front_figures as fronts
from evenhand_reports.figures.fronts import planes
from evenhand_reports.papers.matching import CAPTION, Beside, beside, sources, text
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.summary import answer, choices, gap_text, place

MOST_GAPS = 20
SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"})


def render(board: Leaderboard) -> str:
    """Question, answer, one table a problem, what is lacking, footnotes."""
    suite = board.suite
    lines = [f"# {escape(suite.suite)} v{suite.version}", "", escape(suite.question), ""]
    lines += [f"**{escape(answer(board))}**", ""]
    printed = beside(board)
    for problem in board.problems:
        lines += [f"## {escape(problem)}", "", *_table(board, problem, printed), ""]
        lines += [*(f"- {escape(text)}" for text in choices(board, problem)), ""]
    lines += [line for table in _fronts(board) for line in table]
    lines += _gaps(board)
    notes = [*footnotes(board), *([f"Printed: {CAPTION}"] if printed else [])]
    lines += [line for note in notes for line in (escape(note), "")]
    return "\n".join(_single_blanks(lines))


def escape(text: str) -> str:
    """Text as it is, whatever Markdown means by its characters."""
    return " ".join(text.split()).translate(SPECIAL)


def _table(board: Leaderboard, problem: str, printed: Beside) -> list[str]:
    standings, papers = board.on(problem), sources(printed, problem)
    others = [metric for metric in board.metrics if metric != board.suite.primary]
    heads = ["rank", "method", formatting.heading(board, board.suite.primary), "interval"]
    heads += ["Δ to best (p)", f"Δ to {board.baseline} (p)", "n"]
    heads += [formatting.heading(board, metric) for metric in others]
    rows = [_cells(board, standing, others) for standing in standings]
    for paper, head in papers.items():
        heads.append(f"printed in {head}")
        for row, standing in zip(rows, standings, strict=True):
            found = text(printed.get((standing.row, problem), ()), paper)
            row.append(escape(found) or formatting.NO_VALUE)
    rules = ["--:", ":--", *["--:"] * (len(heads) - 2)]
    return [_line(map(escape, heads)), _line(rules), *(_line(row) for row in rows)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(board: Leaderboard, standing: Standing, others: Sequence[str]) -> list[str]:
    found = standing.scores[board.suite.primary, board.rule].estimate
    head = [escape(standing.title), formatting.mean_sd(found) + formatting.mark(standing)]
    if standing.is_bold:
        head = [f"**{text}**" for text in head]
    return [
        formatting.rank(standing),
        *head,
        formatting.interval(found.interval) if found else formatting.NO_VALUE,
        escape(formatting.difference_and_p(standing.to_best)),
        escape(formatting.difference_and_p(standing.to_baseline)),
        formatting.n(board, standing),
        *(formatting.marked(standing.scores[metric, board.rule]) for metric in others),
    ]


def _fronts(board: Leaderboard) -> list[list[str]]:
    """A table for each front of the suite's figures."""
    rules = _line(["--:" if i else ":--" for i in range(len(fronts.HEADS))])
    return [
        [
            f"## {escape(fronts.what(plane))}: {escape(plane.place)}",
            "",
            _line(map(escape, fronts.HEADS)),
            rules,
            *(_line(map(escape, (row.name, *row.cells))) for row in fronts.rows(plane)),
            "",
            escape(fronts.note(plane)),
            "",
        ]
        for plane in planes(board, board.rule)
    ]


def _gaps(board: Leaderboard) -> list[str]:
    if not board.gaps and not board.faults:
        return []
    gaps, faults = board.gaps[:MOST_GAPS], board.faults[:MOST_GAPS]
    lines = ["## Not usable", "", *(f"- {escape(f'{place(g)}: {gap_text(g)}')}" for g in gaps)]
    if len(board.gaps) > MOST_GAPS:
        lines.append(f"- and {len(board.gaps) - MOST_GAPS} more")
    return [*lines, *(f"- {escape(f'{f.path}: {f.reason}')}" for f in faults), ""]


def _single_blanks(lines: Sequence[str]) -> list[str]:
    return [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
