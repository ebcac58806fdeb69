"""LaTeX tables for a paper: booktabs, the best group in bold, the trials of a row in a comment.

The files depend only on the records, not on the time and place of writing: the same records give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evenhand.metrics import better
from evenhand_reports.board import lineage
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.formats.file_names import file_names, slug
from evenhand_reports.formats.latex_across import across_tables, diagram_files
from evenhand_reports.formats.latex_comparisons import comparison_tables
from evenhand_reports.formats.latex_figures import PREAMBLE, figure_files
from evenhand_reports.formats.latex_fronts import front_tables
from evenhand_reports.formats.latex_macros import macros
from evenhand_reports.formats.latex_printed import printed_by, printed_by_all
from evenhand_reports.formats.tex_frame import (
    HEAD_LETTERS,
    Block,
    floated,
    opening,
    table_block,
    table_row,
)
from evenhand_reports.formats.tex_text import comment, tex_number
from evenhand_reports.papers.matching import (
    PrintedNumbers,
    on_problem,
    printed_numbers,
    sources_on,
)
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording import formatting
from evenhand_reports.wording.across import across_rows
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.primary_phrase import primary_phrase
from evenhand_reports.wording.printed_notes import printed_note
from evenhand_reports.wording.summary import choices

ACROSS = 4
"""Columns of numbers that fit side by side; more columns go into a block underneath."""

ACROSS_NARROW = 7
"""The same for the narrower columns of the table of one problem."""

HEADERS_WIDTH = 70
"""Letters of column headers that fit side by side."""

NONE = "--"
MARKS = {
    formatting.INCOMPLETE: r"\dagger",
    formatting.ELSEWHERE: r"\ddagger",
    formatting.INCOMPARABLE: r"\S",
}
Column = tuple[str, Callable[[Result | None], str]]

STANDALONE = r"""\documentclass[a4paper]{article}
\usepackage[margin=22mm]{geometry}
\usepackage{booktabs,amsmath,graphicx}
%s\input{macros.tex}
\begin{document}
%s
\end{document}
"""


def files(board: Leaderboard) -> dict[str, str]:
    """LaTeX text by file name: tables, figures, macros, and a document that includes them all."""
    tables = {"leaderboard.tex": _leaderboard(board)}
    names = dict(zip(board.all_problems, file_names(board.all_problems), strict=True))
    for problem in board.problems:
        label = f"{slug(board.suite.suite)}-{names[problem]}"
        tables[f"problem-{names[problem]}.tex"] = _problem(board, problem, label)
        if len(board.metrics) > 1:
            tables[f"metrics-{names[problem]}.tex"] = _metrics(board, problem, f"{label}:metrics")
    figures = figure_files(board) | diagram_files(board)
    tables |= comparison_tables(board) | across_tables(board) | front_tables(board) | figures
    inputs = "\n\\clearpage\n".join(f"\\input{{{name}}}" for name in tables)
    head, needed = "\n".join(opening(board)), f"{PREAMBLE}\n" if figures else ""
    document = {
        "macros.tex": macros(board),
        "standalone.tex": f"{head}\n{STANDALONE % (needed, inputs)}",
    }
    return tables | document


def _leaderboard(board: Leaderboard) -> str:
    """The table of the primary metric on all problems, with the average rank."""
    first = {name: _anywhere(board, name) for name in board.rows}
    columns: list[Column] = [(p, _mean_on(board, p)) for p in board.problems]
    averages = {row.row: row.rank for row in across_rows(board)}
    if len(board.problems) > 1:
        columns.append(("rank", lambda s: _math(averages[s.row]) if s else NONE))
    caption = f"{primary_phrase(board)}."
    blocks, spec = _blocks(columns, list(first.values()), keys=board.problems, board=board)
    notes = list(footnotes(board, shows="means in order"))
    if len(board.problems) > 1:
        notes.append("The last column is the average rank over problems, by the means.")
    label = slug(board.suite.suite)
    return floated(board, blocks, columns=spec, caption=caption, label=label, notes=notes)


def _anywhere(board: Leaderboard, row: str) -> Result:
    return next(s for (name, _), s in board.results.items() if name == row)


def _mean_on(board: Leaderboard, problem: str) -> Callable[[Result | None], str]:
    def cell(result: Result | None) -> str:
        on_problem = board.results.get((result.row, problem)) if result else None
        return _mean(board, on_problem, board.primary(problem))

    return cell


def _mean(board: Leaderboard, result: Result | None, metric: str) -> str:
    """`$\\mathbf{71.94} \\pm 0.38$`, a dagger if incomplete; only the primary is bold."""
    score = result.scores[metric, board.rule] if result else None
    if result is None or score is None:
        return NONE
    marks = formatting.mark_meanings(board, result)
    if not score.is_complete and score.estimate is not None:
        marks |= {formatting.INCOMPLETE: ""}
    signs = "".join(MARKS[sign] for sign in marks)
    raised = rf"\rlap{{$^{{{signs}}}$}}" if signs else ""
    if score.estimate is None:
        return f"{formatting.UNDEFINED if score.is_undefined else NONE}{raised}"
    bold = result.is_bold and metric == board.primary(result.problem)
    mean = tex_number(formatting.number(score.estimate.mean, score.estimate.unit))
    sd = score.estimate.sd
    spread = "" if sd is None else rf" \pm {formatting.number(sd, score.estimate.unit)}"
    shown = rf"\mathbf{{{mean}}}" if bold else mean
    return f"${shown}{spread}${raised}"


def _problem(board: Leaderboard, problem: str, label: str) -> str:
    """The full table of one problem: intervals, differences, p-values, n and printed numbers."""
    primary = board.primary(problem)
    columns: list[Column] = [
        ("mean ± sd", lambda s: _mean(board, s, primary)),
        ("interval", lambda s: _interval(board.score(s).estimate) if s else NONE),
        ("Δ to best (p)", lambda s: _compared(s.to_best) if s else NONE),
        *_to_baseline(board, problem),
        ("n", lambda s: formatting.n(board, s) if s else NONE),
        ("rank", _rank),
    ]
    printed = printed_numbers(board)
    papers = sources_on([problem], printed)
    columns += [
        # The note names the paper where there is only one.
        ("printed" if len(papers) == 1 else head, printed_by(printed, paper))
        for paper, head in papers.items()
    ]
    title, direction = board.metrics[primary], better(primary)
    caption = f"{title} {formatting.unit_words(primary)} on {problem} ({direction} is better)."
    rows = board.on(problem)
    blocks, spec = _blocks(columns, rows, keys=(problem,), board=board, across=ACROSS_NARROW)
    notes = [*footnotes(board, problem=problem), *choices(board, problem)]
    on = on_problem(problem, printed)
    notes += [printed_note(board, [on], papers.values(), marks=True)] if papers else []
    return floated(board, blocks, columns=spec, caption=caption, label=label, notes=notes)


def _rank(result: Result | None) -> str:
    """`1 (1--3)`: the rank and its interval."""
    if result is None or result.rank is None:
        return NONE
    return formatting.rank_and_span(result).replace("–", "--")


def _to_baseline(board: Leaderboard, problem: str) -> list[Column]:
    """The column of differences to the baseline; none where no row has one."""
    if problem not in board.compared_problems:
        return []
    return [(f"Δ to {board.baseline} (p)", lambda s: _compared(s.to_baseline) if s else NONE)]


def _metrics(board: Leaderboard, problem: str, label: str) -> str:
    """The table of one problem by every metric of the suite."""

    def column(metric: str) -> Column:
        return formatting.heading(board, metric), lambda result: _mean(board, result, metric)

    primary, columns, quoted = board.primary(problem), list[Column](), list[PrintedNumbers]()
    for metric in (primary, *board.others(problem)):
        columns.append(column(metric))
        printed = printed_numbers(board, metric)
        if sources_on([problem], printed):
            quoted.append(on_problem(problem, printed))
            # With the metric, because the next block may begin with this column.
            columns.append((f"{board.metrics[metric]}, printed", printed_by_all(printed)))
    longest = max(min(len(header), HEAD_LETTERS) for header, _ in columns)
    across = max(1, min(ACROSS, HEADERS_WIDTH // longest))
    rows = board.on(problem)
    blocks, spec = _blocks(columns, rows, keys=(problem,), board=board, across=across)
    caption = f"All metrics on {problem}, {formatting.unit_of_all(board)}."
    bold = "Bold and ranks refer to the first metric."
    papers = sources_on([problem], *quoted).values()
    return floated(
        board,
        blocks,
        columns=spec,
        caption=caption,
        label=label,
        notes=[
            *footnotes(board, problem=problem, shows="means"),
            bold,
            *([printed_note(board, quoted, papers, marks=True)] if papers else []),
        ],
    )


def _interval(estimate: Estimate | None) -> str:
    found = estimate.interval if estimate else None
    if found is None:
        return NONE
    return f"${tex_number(formatting.interval(found))}$"


def _compared(comparison: Comparison | None) -> str:
    """`$+2.10$ ($0.032$)`."""
    if comparison is None:
        return NONE
    p = formatting.p_value(comparison.adjusted)
    return f"{_math(formatting.difference(comparison))} ({_math(p)})"


def _math(text: str) -> str:
    return NONE if text == formatting.NO_VALUE else f"${tex_number(text)}$"


def _blocks(
    columns: Sequence[Column],
    rows: Sequence[Result],
    *,
    keys: Sequence[str],
    board: Leaderboard,
    across: int = ACROSS,
) -> tuple[list[Block], str]:
    """Blocks of at most `across` columns side by side, and the argument of the tabular.

    Comments name each row's trials.
    """
    # Blocks of nearly equal width: nine columns become 3 + 3 + 3, not 4 + 4 + 1.
    width = -(-len(columns) // -(-len(columns) // across))
    blocks = []
    for first in range(0, len(columns), width):
        shown = columns[first : first + width]
        pad = [""] * (width - len(shown))
        lines = [
            # A wide table repeats every row in each block, and the keys are needed once.
            table_row(
                result.title,
                [*(cell(result) for _, cell in shown), *pad],
                () if first else _trials(board, result.row, keys),
            )
            for result in rows
        ]
        blocks.append(table_block("Method", [title for title, _ in shown], lines, width=width))
    return blocks, rf"@{{}}l{'r' * width}@{{}}"


def _trials(board: Leaderboard, row: str, problems: Sequence[str]) -> list[str]:
    lines = []
    for problem in problems:
        result = board.results.get((row, problem))
        if result:
            setting = f" ({result.setting})" if result.setting else ""
            keys = " ".join(trial.key for trial in result.configuration.trials)
            parts = [
                f"{result.title}{setting}",
                lineage.teacher_and_posthoc(result.configuration.trials[0]),
            ]
            lines.append(f"{', '.join(filter(None, parts))} on {problem}: {keys}")
    return comment(*lines)
