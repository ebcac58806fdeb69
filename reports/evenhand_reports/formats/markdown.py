"""The leaderboard as Markdown, for a README or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.figures.front_tables import HEADERS, front_note, front_rows, front_title
from evenhand_reports.figures.fronts import all_front_sets
from evenhand_reports.papers.matching import (
    PrintedNumbers,
    cited_text,
    printed_numbers,
    quoted_text,
    sources_on,
)
from evenhand_reports.wording import formatting
from evenhand_reports.wording.across import across_heads, across_notes, across_rows, has_across
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.printed_notes import printed_note, replication_sentences, told
from evenhand_reports.wording.summary import choices, gap_cause, gap_location
from evenhand_reports.wording.verdicts import HEADERS as HEADERS_OF_VERDICTS
from evenhand_reports.wording.verdicts import detectable_note, verdict_lines, verdict_note

MOST_GAPS = 20
SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"})


def render(board: Leaderboard) -> str:
    """The question, the answer, a table for each problem, the gaps and the footnotes."""
    suite = board.suite
    lines = [f"# {escape(suite.suite)} v{suite.version}", "", escape(suite.question), ""]
    lines += [f"**{escape(answer(board))}**", ""]
    printed = {metric: printed_numbers(board, metric) for metric in board.metrics}
    for problem in board.problems:
        lines += [f"## {escape(problem)}", "", *_table(board, problem, printed), ""]
        lines += _comparisons(board, problem)
        lines += [*(f"- {escape(text)}" for text in choices(board, problem)), ""]
    lines += _across(board)
    lines += [line for table in _fronts(board) for line in table]
    lines += _gaps(board)
    lines += _replicated(board)
    papers = sources_on(board.problems, *printed.values()).values()
    note = [printed_note(board, list(printed.values()), papers)] if papers else []
    notes = [*footnotes(board), *note]
    lines += [line for note in notes for line in (escape(note), "")]
    return "\n".join(_single_blanks(lines))


def escape(text: str) -> str:
    """Text with the special characters of Markdown escaped."""
    return " ".join(text.split()).translate(SPECIAL)


def _table(board: Leaderboard, problem: str, printed: Mapping[str, PrintedNumbers]) -> list[str]:
    """The table of a problem: the primary metric, then each other metric with printed numbers."""
    results, primary = board.on(problem), board.primary(problem)
    heads = ["rank", "method", formatting.heading(board, primary), "interval"]
    is_compared = problem in board.compared_problems
    heads += ["Δ to best (p)", *([f"Δ to {board.baseline} (p)"] if is_compared else []), "n"]
    rows = [_cells(board, result) for result in results]
    for paper, source in sources_on([problem], printed[primary]).items():
        quotes = [printed[primary].get((r.row, problem), ()) for r in results]
        _append(
            heads,
            rows,
            f"printed in {source}",
            [quoted_text(q, paper, told(board)) for q in quotes],
        )
    for metric in board.others(problem):
        head = formatting.heading(board, metric)
        scores = [result.scores[metric, board.rule] for result in results]
        _append(heads, rows, head, [formatting.with_interval(score) for score in scores])
        quotes = [printed[metric].get((r.row, problem), ()) for r in results]
        if any(quotes):
            _append(
                heads, rows, f"{head}, printed", [cited_text(each, told(board)) for each in quotes]
            )
    rules = ["--:", ":--", *["--:"] * (len(heads) - 2)]
    return [_line(map(escape, heads)), _line(rules), *(_line(row) for row in rows)]


def _comparisons(board: Leaderboard, problem: str) -> list[str]:
    """The table of declared comparisons; none where there is none."""
    found = verdict_lines(board, problem)
    if not found:
        return []
    rules = [":--", "--:", "--:", "--:", "--:", ":--"]
    rows = [_line(map(escape, each.cells)) for each in found]
    notes = " ".join(filter(None, [verdict_note(board, problem), detectable_note(board, problem)]))
    return [_line(HEADERS_OF_VERDICTS), _line(rules), *rows, "", escape(notes), ""]


def _append(heads: list[str], rows: Sequence[list[str]], head: str, cells: Sequence[str]) -> None:
    """Add a column to a table."""
    heads.append(head)
    for row, cell in zip(rows, cells, strict=True):
        row.append(escape(cell) or formatting.NO_VALUE)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(board: Leaderboard, result: Result) -> list[str]:
    score = board.score(result)
    found = score.estimate
    marked = formatting.score_text(score) + formatting.mark(board, result)
    head = [escape(result.title), marked]
    compared = [result.to_best]
    compared += [result.to_baseline] if result.problem in board.compared_problems else []
    if result.is_bold:
        head = [f"**{text}**" for text in head]
    return [
        formatting.rank_and_span(result),
        *head,
        formatting.interval(found.interval) if found else formatting.NO_VALUE,
        *(escape(formatting.difference_and_p(each)) for each in compared),
        formatting.n(board, result),
    ]


def _across(board: Leaderboard) -> list[str]:
    """The table over problems; nothing for a suite of one problem."""
    if not has_across(board):
        return []
    heads = ["method", *across_heads(board)]
    return [
        "## Across problems",
        "",
        _line(map(escape, heads)),
        _line([":--", *["--:"] * (len(heads) - 1)]),
        *(_line(map(escape, (row.title, *row.cells))) for row in across_rows(board)),
        "",
        *(line for note in across_notes(board) for line in (escape(note), "")),
    ]


def _replicated(board: Leaderboard) -> list[str]:
    """The sentences on the printed tables; none where no row has a printed number."""
    sentences = replication_sentences(board)
    items = [f"- {escape(sentence)}" for sentence in sentences]
    return ["## Printed numbers", "", *items, ""] if items else []


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
