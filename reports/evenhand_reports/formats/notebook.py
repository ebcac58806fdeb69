"""The leaderboard as a fragment of HTML for notebooks: question, answer, a table per problem."""

from __future__ import annotations

from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.formats.html import TEMPLATES
from evenhand_reports.wording import formatting
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.templating import templates


def render(board: Leaderboard) -> str:
    """The fragment, which needs no style sheet and no script."""
    template = templates(TEMPLATES, autoescape=True).get_template("notebook.html.j2")
    return template.render(
        name=f"{board.suite.suite} v{board.suite.version}",
        question=board.suite.question,
        answer=answer(board),
        baseline=board.baseline,
        level=f"{100 * (1 - board.suite.alpha):g}",
        problems=[
            {
                "name": name,
                "heading": formatting.heading(board, board.primary(name)),
                "is_compared": name in board.compared_problems,
                "rows": [_row(board, result) for result in board.on(name)],
            }
            for name in board.problems
        ],
        n_gaps=len(board.gaps),
        footnotes=footnotes(board),
    )


def _row(board: Leaderboard, result: Result) -> dict[str, Any]:
    score = board.score(result)
    found = score.estimate
    return {
        "rank": formatting.rank(result),
        "title": result.title,
        "mean": formatting.score_text(score) + formatting.mark(board, result),
        "is_best": result.is_bold,
        "interval": formatting.interval(found.interval) if found else formatting.NO_VALUE,
        "difference": formatting.difference_and_p(result.to_baseline),
        "n": formatting.n(board, result),
    }
