"""The caption of a problem's table on the page."""

from __future__ import annotations

from evenhand.metrics import better, unit
from evenhand_reports.board.baseline import has_one_baseline_per_recipe
from evenhand_reports.board.environment import share_initial_weights
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.wording.summary import baseline_phrase

MEANS = (
    "{unit}, mean ± sample standard deviation; {direction} is better. {dashed}The intervals of two "
    "rows can overlap although their difference is beyond chance: at each seed all rows share "
    "{shared}, and differences are paired."
)
BOLD = " Bold: the best group. Small, at the rank: its interval."
APART = " §: no row is shown to be better, only because the scores scatter so much."
DASHED = "The dashed line is {baseline}. "
ONE_SEED = "{unit}, one seed; {direction} is better."


def table_caption(board: Leaderboard, problem: str) -> str:
    """The unit, the baseline, and what the rows of the problem share at each seed."""
    template = MEANS if board.n_seeds > 1 else ONE_SEED
    ranks = [r.rank for r in board.on(problem) if r.rank]
    apart = any(rank.is_incomparable for rank in ranks)
    compared = [result for (_, name), result in board.compared.items() if name == problem]
    has_baseline = has_one_baseline_per_recipe(board.suite, board.compared.values())
    shared = "the data and the initial weights of the backbone"
    text = template.format(
        unit={"%": "Percent", "nats": "Nats"}.get(unit(board.primary(problem)), "No unit"),
        direction=better(board.primary(problem)),
        dashed=DASHED.format(baseline=baseline_phrase(board)) if has_baseline else "",
        shared=shared if share_initial_weights(compared) else "the data",
    )
    return f"{text}{BOLD if ranks else ''}{APART if apart else ''}"
