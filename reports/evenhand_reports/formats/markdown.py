"""The leaderboard as Markdown, for a README or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.figures.front_tables import HEADERS, front_note, front_rows, front_title
from evenhand_reports.figures.fronts import all_front_sets
from evenhand_reports.papers.matching import (
    PrintedNumbers,
    printed_numbers,
    quoted_text,
    sources_on,
)
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes, printed_note
from evenhand_reports.wording.summary import answer, choices, gap_cause, gap_location

MOST_GAPS = 20
SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"})


def render(board: Leaderboard) -> str:
    """The question, the answer, a table for each problem, the gaps and the footnotes."""
    suite = board.suite
    lines = [f"# {escape(suite.suite)} v{suite.version}", "", escape(suite.question), ""]
    lines += [f"**{escape(answer(board))}**", ""]
    printed = printed_numbers(board)
    for problem in board.problems:
        lines += [f"## {escape(problem)}", "", *_table(board, problem, printed), ""]
        lines += [*(f"- {escape(text)}" for text in choices(board, problem)), ""]
    lines += [line for table in _fronts(board) for line in table]
    lines += _gaps(board)
    papers = dict.fromkeys(source for p in board.problems for source in sources_on(printed, p))
    notes = [*footnotes(board), *([printed_note(papers)] if papers else [])]
    lines += [line for note in notes for line in (escape(note), "")]
    return "\n".join(_single_blanks(lines))


def escape(text: str) -> str:
    """Text with the special characters of Markdown escaped."""
    return " ".join(text.split()).translate(SPECIAL)


def _table(board: Leaderboard, problem: str, printed: PrintedNumbers) -> list[str]:
    results, papers = board.on(problem), sources_on(printed, problem)
    others = [metric for metric in board.metrics if metric != board.suite.primary]
    heads = ["rank", "method", formatting.heading(board, board.suite.primary), "interval"]
    heads += ["Δ to best (p)", f"Δ to {board.baseline} (p)", "n"]
    heads += [formatting.heading(board, metric) for metric in others]
    rows = [_cells(board, result, others) for result in results]
    for paper, head in papers.items():
        heads.append(f"printed in {head}")
        for row, result in zip(rows, results, strict=True):
            numbers = quoted_text(printed.get((result.row, problem), ()), paper)
            row.append(escape(numbers) or formatting.NO_VALUE)
    rules = ["--:", ":--", *["--:"] * (len(heads) - 2)]
    return [_line(map(escape, heads)), _line(rules), *(_line(row) for row in rows)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(board: Leaderboard, result: Result, others: Sequence[str]) -> list[str]:
    score = result.scores[board.suite.primary, board.rule]
    found = score.estimate
    marked = formatting.score_text(score) + formatting.mark(board, result)
    head = [escape(result.title), marked]
    if result.is_bold:
        head = [f"**{text}**" for text in head]
    return [
        formatting.rank(result),
        *head,
        formatting.interval(found.interval) if found else formatting.NO_VALUE,
        escape(formatting.difference_and_p(result.to_best)),
        escape(formatting.difference_and_p(result.to_baseline)),
        formatting.n(board, result),
        *(formatting.mean_sd_marked(result.scores[metric, board.rule]) for metric in others),
    ]


def _fronts(board: Leaderboard) -> list[list[str]]:
    """A table for each front of the suite's figures."""
    rules = _line(["--:" if i else ":--" for i in range(len(HEADERS))])
    return [
        [
            f"## {escape(front_title(fronts))}: {escape(fronts.scope)}",
            "",
            _line(map(escape, HEADERS)),
            rules,
            *(_line(map(escape, (row.name, *row.values))) for row in front_rows(fronts)),
            "",
            escape(front_note(fronts)),
            "",
        ]
        for fronts in all_front_sets(board, board.rule)
    ]


def _gaps(board: Leaderboard) -> list[str]:
    if not board.gaps and not board.faults:
        return []
    gaps, faults = board.gaps[:MOST_GAPS], board.faults[:MOST_GAPS]
    lines = [
        "## Not usable",
        "",
        *(f"- {escape(f'{gap_location(g)}: {gap_cause(g)}')}" for g in gaps),
    ]
    if len(board.gaps) > MOST_GAPS:
        lines.append(f"- and {len(board.gaps) - MOST_GAPS} more")
    return [*lines, *(f"- {escape(f'{f.path}: {f.reason}')}" for f in faults), ""]


def _single_blanks(lines: Sequence[str]) -> list[str]:
    return [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
