"""The HTML page, one file that opens from disk; figures and lists of trials need JavaScript."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evenhand.declared.record import RULES, Rule
from evenhand.declared.visible_text import visible
from evenhand.suite.commands import Place, store_command
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.provenance import environments
from evenhand_reports.board.results import Result
from evenhand_reports.board.row_order import drawn_rows
from evenhand_reports.figures.interval_bars import bar, scale_of
from evenhand_reports.figures.page_figures import figure_texts, page_figures, suite_captions
from evenhand_reports.formats.page_across import across_section
from evenhand_reports.formats.page_cells import cell_table
from evenhand_reports.formats.page_costs import costs
from evenhand_reports.formats.page_printed import (
    overview_note,
    printed_by_metric,
    printed_caption,
    printed_details,
    replicated,
    shared_rule,
    shown_small,
)
from evenhand_reports.formats.page_trials import page_trials
from evenhand_reports.papers.matching import (
    PrintedNumbers,
    on_problem,
    printed_numbers,
    sources_on,
)
from evenhand_reports.wording import formatting
from evenhand_reports.wording.across import across_rows
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.primary_phrase import AVERAGED, primary_phrase
from evenhand_reports.wording.problem_names import short_names
from evenhand_reports.wording.summary import (
    RULE_PHRASES,
    choices,
    gap_location,
    sample_size,
)
from evenhand_reports.wording.table_caption import table_caption
from evenhand_reports.wording.templating import templates
from evenhand_reports.wording.verdicts import verdict_lines, verdict_note

TEMPLATES = Path(__file__).parent / "templates"
MOST_GAPS = 300


def render(board: Leaderboard, *, command: str = "") -> str:
    """The page with Plotly inside, so that it loads nothing; `command` is shown as its origin."""
    from plotly.offline import get_plotlyjs

    figures = page_figures(board)
    template = templates(TEMPLATES, autoescape=True).get_template("report.html.j2")
    return template.render(
        page=_page(board, figures) | {"report_command": command},
        style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "script.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
        data=_json(_data(board, figures)),
    )


def _json(value: Any) -> str:
    """JSON for a script element: with `<` escaped, no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return visible(text).replace("<", "\\u003c")


def _page(board: Leaderboard, figures: Mapping[str, Any]) -> dict[str, Any]:
    suite = board.suite
    numbers = {place: i for i, place in enumerate(board.results)}
    printed = {metric: printed_numbers(board, metric) for metric in board.metrics}
    ranked = printed_numbers(board)
    return {
        "name": f"{suite.suite} v{suite.version}",
        "edition": board.edition,
        "question": suite.question,
        "answer": formatting.unbroken(answer(board)),
        "expect": suite.expect,
        "measured": suite.measured,
        "facts": _facts(board),
        "rule": board.rule,
        "rule_words": RULE_PHRASES[board.rule],
        "rules": _rules(board),
        "primary": primary_phrase(board),
        "averaged": AVERAGED if len(board.ranked_by) > 1 else "",
        "column_metrics": {
            problem: formatting.heading(board, metric) if len(board.ranked_by) > 1 else ""
            for metric, problems in board.ranked_by.items()
            for problem in problems
        },
        "baseline": board.baseline,
        "level": f"{100 * (1 - suite.alpha):g}",
        "several": board.n_seeds > 1,
        "overview": _overview(board, ranked) if len(board.problems) > 1 else [],
        "across": across_section(board, figures["profile"]),
        "figures": suite_captions(figures["over"]),
        "short": short_names(board.problems),
        "problems": [
            _problem(board, problem, numbers, printed) | figure_texts(board, problem, drawn)
            for problem, drawn in zip(board.problems, figures["problems"], strict=True)
        ],
        "printed_caption": overview_note(board, ranked),
        "replicated": replicated(board),
        "gaps": [(gap_location(gap), gap) for gap in board.gaps[:MOST_GAPS]],
        "more_gaps": max(0, len(board.gaps) - MOST_GAPS),
        "faults": board.faults,
        "environments": environments(list(board.records.values())),
        "command": board.command,
        "keys_command": board.keys_command,
        "show_command": store_command("show", "KEY", place=Place(board.location, board.edition)),
        "footnotes": [formatting.unbroken(note) for note in footnotes(board)],
    }


def _facts(board: Leaderboard) -> list[tuple[str, str]]:
    records = board.records.values()
    done = sum(record.exit.status == "done" for record in records)
    days = sorted(r.provenance.finished[:10] for r in records if r.provenance.finished)
    when = "" if not days else days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    spent = sum(record.cost.seconds for record in records)
    commits = board.commits[0] if len(board.commits) == 1 else f"{len(board.commits)} commits"
    facts = [
        ("trials done", f"{done:,} of {board.trials:,}"),
        ("seeds", sample_size(board)),
        ("time in trials", formatting.seconds(spent)),
        ("commit", commits),
        ("finished", when),
        ("records", board.location),
    ]
    return [(name, value) for name, value in facts if value]


def _rules(board: Leaderboard) -> list[dict[str, Any]]:
    known = {r for r in RULES for s in board.results.values() if board.score(s, r).estimate}
    return [{"name": r, "words": RULE_PHRASES[r], "available": r in known} for r in RULES]


def _by_rule(result: Result, metric: str) -> dict[Rule, str]:
    return {rule: formatting.score_text(result.scores[metric, rule]) for rule in RULES}


def _overview(board: Leaderboard, printed: PrintedNumbers) -> list[dict[str, Any]]:
    return [
        {
            "title": each.title,
            "cells": [
                _overview_cell(board, board.results.get((each.row, p)))
                | {
                    "printed": [
                        shown_small(quote, board) for quote in printed.get((each.row, p), ())
                    ]
                }
                for p in board.problems
            ],
            "average": each.rank,
        }
        for each in across_rows(board)
    ]


def _overview_cell(board: Leaderboard, result: Result | None) -> dict[str, Any]:
    if result is None:
        return {"text": dict.fromkeys(RULES, formatting.NO_VALUE), "bold": False, "marks": {}}
    text = _by_rule(result, board.primary(result.problem))
    return {"text": text, "bold": result.is_bold, "marks": formatting.mark_meanings(board, result)}


def _problem(
    board: Leaderboard,
    problem: str,
    numbers: Mapping[tuple[str, str], int],
    printed: Mapping[str, PrintedNumbers],
) -> dict[str, Any]:
    results = board.on(problem)
    scale = scale_of(board, results)
    primary = board.primary(problem)
    here = {metric: on_problem(problem, found) for metric, found in printed.items()}
    papers = sources_on([problem], here[primary])
    return {
        "name": problem,
        "heading": formatting.heading(board, primary),
        "others": [formatting.heading(board, metric) for metric in board.others(problem)],
        "is_compared": problem in board.compared_problems,
        "id": f"problem-{board.problems.index(problem)}",
        "rows": [
            _row(board, s, scale, numbers[s.row, problem])
            | printed_by_metric(board, s, here, papers)
            for s in results
        ],
        "printed_in": list(papers.values()),
        "printed_at": shared_rule(here[primary]) or "",
        "caption": table_caption(board, problem),
        "printed_caption": printed_caption(board, problem, printed),
        "verdicts": verdict_lines(board, problem),
        "verdict_note": verdict_note(board, problem),
        "choices": choices(board, problem),
        "costs": costs(results),
        "printed": printed_details(board, problem),
        "cells": cell_table(board, problem),
    }


def _row(
    board: Leaderboard, result: Result, scale: tuple[float, float], number: int
) -> dict[str, Any]:
    span = formatting.span(result)
    kinds = Counter(gap.kind for gap in result.gaps)
    return {
        "result": number,
        "rank": formatting.rank(result),
        "span": span if "–" in span and result.rank else "",
        "title": result.title,
        "setting": ", ".join(filter(None, (result.configuration.local, result.setting))),
        "note": ", ".join(
            [
                *(f"{n} {kind}" for kind, n in kinds.items()),
                *_unchosen(result),
                *map(str, result.deviations),
            ]
        ),
        "bold": result.is_bold,
        "complete": result.is_complete,
        "marks": formatting.mark_meanings(board, result),
        "primary": _by_rule(result, board.primary(result.problem)),
        "bars": {rule: bar(board, result, rule, scale) for rule in RULES},
        "compared": _comparisons(board, result),
        "n": formatting.n(board, result),
    }


def _comparisons(board: Leaderboard, result: Result) -> list[dict[str, str]]:
    """The comparisons with the best row and, where the problem has a baseline, with that."""
    has_baseline = result.problem in board.compared_problems
    return [
        {
            "difference": formatting.difference(comparison),
            "p": formatting.p_text(comparison.adjusted) if comparison else "",
            "why": comparison.caveat if comparison else "",
        }
        for comparison in (result.to_best, *([result.to_baseline] if has_baseline else []))
    ]


def _unchosen(result: Result) -> list[str]:
    choice = result.choice
    is_unchosen = choice is not None and choice.chosen is None and len(choice.candidates) > 1
    return ["no setting could be chosen"] if is_unchosen else []


def _data(board: Leaderboard, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The data of the page's script."""
    return {
        "rules": RULES,
        "shown": drawn_rows(board),
        "titles": board.rows,
        **figures,
        **page_trials(board),
    }
