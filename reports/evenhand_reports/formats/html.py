"""One HTML file that opens from disk: tables without JavaScript, figures and trials with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.cells_table import cells_table
from evenhand_reports.board.costs import costs
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.origins import origins
from evenhand_reports.board.provenance import made_with, rerun_suite
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.interval_bars import bar, scale_of
from evenhand_reports.figures.page_figures import beside_figures, heads, page_figures
from evenhand_reports.figures.recall_and_curves import by_place, shown
from evenhand_reports.papers import published
from evenhand_reports.papers.matching import CAPTION as PRINTED
from evenhand_reports.papers.matching import Beside, Quote, beside, in_words, sources
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.problem_names import short_names
from evenhand_reports.wording.summary import RULES_IN_WORDS, against, answer, choices, place, seeds

TEMPLATES = Path(__file__).parent / "templates"
MOST_GAPS = 300
OVERLAP = (
    " Intervals of two rows may overlap although their difference is beyond chance: all rows share "
    "each seed's data and initial weights, and differences are paired."
)


def render(board: Leaderboard, *, command: str = "") -> str:
    """The whole page; Plotly is in it once, and nothing is fetched. command is what made it."""
    from plotly.offline import get_plotlyjs

    loader, figures = FileSystemLoader(TEMPLATES), page_figures(board)
    jinja = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template("report.html.j2").render(
        page=_page(board, figures) | {"made_by": command},
        style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "script.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
        data=_json(_data(board, figures)),
    )


def _json(value: Any) -> str:
    """JSON that no text in it can end early: `<` is written as its code."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _page(board: Leaderboard, figures: Mapping[str, Any]) -> dict[str, Any]:
    suite = board.suite
    numbers = {s: i for i, s in enumerate(board.standings)}
    printed = {metric: beside(board, metric) for metric in board.metrics}
    gaps = [{"place": place(g), "kind": g.kind, "cause": g.cause, "key": g.key} for g in board.gaps]
    return {
        "name": f"{suite.suite} v{suite.version}",
        "edition": board.edition,
        "question": suite.question,
        "answer": _unbroken(answer(board)),
        "expect": suite.expect,
        "facts": _facts(board),
        "rule": board.rule,
        "rule_words": RULES_IN_WORDS[board.rule],
        "rules": _rules(board),
        "primary": board.metrics[suite.primary],
        "heading": formatting.heading(board, suite.primary),
        "direction": "higher" if board.higher else "lower",
        "others": [formatting.heading(board, m) for m in board.metrics if m != suite.primary],
        "baseline": board.baseline,
        "level": f"{100 * (1 - suite.alpha):g}",
        "several": board.n_seeds > 1,
        "overview": _overview(board, printed[suite.primary]) if len(board.problems) > 1 else [],
        "figures": heads(figures["over"]),
        "short": short_names(board.problems),
        "problems": [
            _problem(board, problem, numbers, printed) | beside_figures(board, problem, drawn)
            for problem, drawn in zip(board.problems, figures["problems"], strict=True)
        ],
        "printed_caption": PRINTED if printed[suite.primary] else "",
        "gaps": gaps[:MOST_GAPS],
        "more_gaps": max(0, len(gaps) - MOST_GAPS),
        "faults": board.faults,
        "made_with": made_with(list(board.records.values())),
        "command": rerun_suite(board.source, board.records.values()),
        "footnotes": footnotes(board),
        "table_caption": _caption(board),
    }


def _caption(board: Leaderboard) -> str:
    direction = "higher" if board.higher else "lower"
    text = f"Percent, mean ± sample standard deviation; {direction} is better."
    several = board.n_seeds > 1
    dashed = f" The dashed line is {against(board)}."
    return text + dashed + OVERLAP if several else f"Percent, one seed; {direction} is better."


def _unbroken(text: str) -> str:
    """`n = 5` stays on one line."""
    return text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")


def _facts(board: Leaderboard) -> list[tuple[str, str]]:
    records = board.records.values()
    done = sum(record.exit.status == "done" for record in records)
    days = sorted(r.provenance.finished[:10] for r in records if r.provenance.finished)
    when = "" if not days else days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    spent = sum(record.cost.seconds for record in records)
    commits = board.commits[0] if len(board.commits) == 1 else f"{len(board.commits)} commits"
    facts = [
        ("trials done", f"{done:,} of {board.trials:,}"),
        ("seeds", seeds(board)),
        ("time in trials", formatting.seconds(spent)),
        ("commit", commits),
        ("finished", when),
        ("records", board.location),
    ]
    return [(name, value) for name, value in facts if value]


def _rules(board: Leaderboard) -> list[dict[str, Any]]:
    primary = board.suite.primary
    known = {r for r in RULES for s in board.standings.values() if s.scores[primary, r].estimate}
    return [{"name": r, "words": RULES_IN_WORDS[r], "available": r in known} for r in RULES]


def _by_rule(standing: Standing, metric: str) -> dict[Rule, str]:
    return {rule: formatting.mean_sd(standing.scores[metric, rule].estimate) for rule in RULES}


def _marked(standing: Standing, metric: str) -> dict[Rule, str]:
    return {rule: formatting.marked(standing.scores[metric, rule]) for rule in RULES}


def _overview(board: Leaderboard, printed: Beside) -> list[dict[str, Any]]:
    averages = board.average_ranks
    order = sorted(by_place(board), key=lambda r: (averages[r] is None, averages[r] or 0))
    return [
        {
            "title": board.rows[row],
            "cells": [
                _overview_cell(board, board.standings.get((row, p)))
                | {"printed": [quote.text for quote in printed.get((row, p), ())]}
                for p in board.problems
            ],
            "average": formatting.NO_VALUE if averages[row] is None else f"{averages[row]:.2f}",
        }
        for row in order
    ]


def _overview_cell(board: Leaderboard, standing: Standing | None) -> dict[str, Any]:
    if standing is None:
        return {"text": dict.fromkeys(RULES, formatting.NO_VALUE), "bold": False, "mark": ""}
    text = _by_rule(standing, board.suite.primary)
    return {"text": text, "bold": standing.is_bold, "mark": formatting.mark(standing)}


def _problem(
    board: Leaderboard,
    problem: str,
    numbers: Mapping[tuple[str, str], int],
    printed: Mapping[str, Beside],
) -> dict[str, Any]:
    standings = board.on(problem)
    scale = scale_of(board, standings)
    papers = sources(printed[board.suite.primary], problem)
    return {
        "name": problem,
        "id": f"problem-{board.problems.index(problem)}",
        "rows": [
            _row(board, s, scale, numbers[s.row, problem]) | _beside(board, s, printed, papers)
            for s in standings
        ],
        "beside": list(papers.values()),
        "printed_caption": _printed_caption(board, problem, printed),
        "choices": choices(board, problem),
        "costs": costs(standings),
        "printed": published.on(standings[0].configuration.problem, board.suite.sources),
        "cells": cells_table(board, problem),
    }


def _row(
    board: Leaderboard, standing: Standing, scale: tuple[float, float], number: int
) -> dict[str, Any]:
    span = formatting.span(standing)
    kinds = Counter(gap.kind for gap in standing.gaps)
    return {
        "standing": number,
        "rank": formatting.rank(standing),
        "span": span if "–" in span and standing.rank else "",
        "title": standing.title,
        "setting": ", ".join(filter(None, (standing.configuration.local, standing.setting))),
        "note": ", ".join([*(f"{n} {kind}" for kind, n in kinds.items()), *_unchosen(standing)]),
        "bold": standing.is_bold,
        "whole": standing.is_whole,
        "mark": formatting.mark(standing),
        "primary": _by_rule(standing, board.suite.primary),
        "bars": {rule: bar(board, standing, rule, scale) for rule in RULES},
        "compared": [_compared(standing.to_best), _compared(standing.to_baseline)],
        "n": formatting.n(board, standing),
    }


def _printed_caption(board: Leaderboard, problem: str, printed: Mapping[str, Beside]) -> str:
    """What papers print of a problem, and where it stands; "" where they print nothing."""
    there = {metric for metric, found in printed.items() if any(at == problem for _, at in found)}
    where = ["printed"] if board.suite.primary in there else []
    where += ["small under other metrics"] if there - {board.suite.primary} else []
    papers = dict.fromkeys(p for found in printed.values() for p in sources(found, problem))
    return f"{', '.join(where).capitalize()}: {PRINTED} {'; '.join(papers)}." if where else ""


def _beside(
    board: Leaderboard,
    standing: Standing,
    printed: Mapping[str, Beside],
    papers: Mapping[str, str],
) -> dict[str, Any]:
    """Printed numbers: of the primary, and under the scores by each other metric."""
    place = standing.row, standing.problem
    quotes = {metric: printed[metric].get(place, ()) for metric in board.metrics}
    return {
        "printed": _printed(quotes.pop(board.suite.primary), papers),
        "others": [
            {"text": _marked(standing, metric), "printed": [quote.text for quote in found]}
            for metric, found in quotes.items()
        ],
    }


def _printed(quotes: Sequence[Quote], papers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each number and, where the column's head does not say it, whose it is."""
    if len(papers) > 1:
        return [(quote.text, quote.source) for quote in quotes]
    return [(quote.text, in_words(quote.tables) if len(quotes) > 1 else "") for quote in quotes]


def _compared(comparison: Comparison | None) -> dict[str, str]:
    return {
        "difference": formatting.difference(comparison),
        "p": formatting.p_text(comparison.holm) if comparison else "",
        "why": comparison.caveat if comparison else "",
    }


def _unchosen(standing: Standing) -> list[str]:
    choice = standing.choice
    return ["no setting could be chosen"] if choice and choice.chosen is None else []


def _data(board: Leaderboard, figures: Mapping[str, Any]) -> dict[str, Any]:
    """What the script draws and lists."""
    return {
        "primary": board.metrics[board.suite.primary],
        "rules": RULES,
        "baseline": next(iter(board.baselines), ""),
        "shown": shown(board),
        "titles": board.rows,
        **figures,
        **origins(board),
    }
