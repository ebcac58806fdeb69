"""The caption of a problem's table on the page."""

from __future__ import annotations

from evenhand.metrics import better, unit
from evenhand_reports.board.environment import share_initial_weights
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.wording.summary import baseline_phrase

MEANS = (
    "{unit}, mean ± sample standard deviation; {direction} is better. The dashed line is "
    "{baseline}. The intervals of two rows can overlap although their difference is beyond chance: "
    "at each seed all rows share {shared}, and differences are paired."
)
ONE_SEED = "{unit}, one seed; {direction} is better."


def table_caption(board: Leaderboard, problem: str) -> str:
    """The unit, the baseline, and what the rows of the problem share at each seed."""
    template = MEANS if board.n_seeds > 1 else ONE_SEED
    compared = [result for (_, name), result in board.compared.items() if name == problem]
    shared = "the data and the initial weights of the backbone"
    return template.format(
        unit={"%": "Percent", "nats": "Nats"}.get(unit(board.primary(problem)), "No unit"),
        direction=better(board.primary(problem)),
        baseline=baseline_phrase(board),
        shared=shared if share_initial_weights(compared) else "the data",
    )
