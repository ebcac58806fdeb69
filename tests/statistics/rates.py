"""How often the verdicts on simulated tables are right and wrong."""

from __future__ import annotations

import numpy as np

from evenhand_reports.statistics.ranks import Rank
from tests.statistics.procedures import ALPHA, Verdicts, verdicts
from tests.statistics.scenarios import Scenario

LEADER = 1


def lead(n: int) -> float:
    """How far row 1 is truly ahead in a table with a leader, in typical deviations over seeds."""
    return 2.0 if n >= 10 else 4.0


def rates(scenario: Scenario, *, n: int, rows: int, tables: int, seed: int) -> dict[str, float]:
    """Rates over tables without a leader and over the same tables with one; NaN where undefined."""
    scores = scenario(np.random.default_rng(seed), (tables, rows, n))
    ahead = scores.copy()
    ahead[:, LEADER] += lead(n)
    found = [
        _equal(verdicts(equal)) | _led(verdicts(led))
        for equal, led in zip(scores, ahead, strict=True)
    ]
    counted = {name: [table[name] for table in found if name in table] for name in _NAMES}
    return {name: float(np.mean(seen)) if seen else np.nan for name, seen in counted.items()}


def _equal(found: Verdicts) -> dict[str, float]:
    """What is found where all rows are equal: every decision is an error."""
    errors = {
        "error": found.declared.any(),
        "former_error": found.former.any(),
        "unweighted_error": found.unweighted.any(),
    }
    ranks = found.ranking.ranks or ()
    kept = [rank for rank in ranks if rank]
    if kept:
        errors["some_out"] = any(_is_out(rank) for rank in kept)
        errors["covered"] = all(rank.span == (1, len(kept)) for rank in kept)
    if ranks and (typical := ranks[LEADER]):
        errors["one_out"] = _is_out(typical)
        errors["incomparable"] = typical.is_incomparable
    return errors


def _led(found: Verdicts) -> dict[str, float]:
    """What is found where row 1 leads and all others are equal."""
    ahead = found.ranking.pairs.difference[0, LEADER] < 0
    rates = {
        "led_error": found.declared[1:].any(),
        "former_led_error": found.former[1:].any(),
        "unweighted_led_error": found.unweighted[1:].any(),
        "power": found.declared[0] and ahead,
        "former_power": found.former[0] and ahead,
        "unweighted_power": found.unweighted[0] and ahead,
    }
    ranks = found.ranking.ranks or ()
    if ranks and (leader := ranks[LEADER]):
        kept = [rank for rank in ranks if rank]
        rates["leader_out"] = _is_out(leader)
        rates["leader_incomparable"] = leader.is_incomparable
        rates["size"] = sum(rank.is_best for rank in kept)
        rates["led_covered"] = all(
            rank.span[0] == 1 if rank is leader else rank.span[0] <= 2 and rank.span[1] == len(kept)
            for rank in kept
        )
        if all(ranks):
            rates["former_size"] = found.former_best.sum()
    return rates


def _is_out(rank: Rank) -> bool:
    return rank.p_best <= ALPHA


_NAMES = (
    *("error", "former_error", "unweighted_error", "some_out", "covered"),
    *("one_out", "incomparable", "led_error", "former_led_error", "unweighted_led_error"),
    *("power", "former_power", "unweighted_power", "leader_out", "leader_incomparable"),
    *("size", "former_size", "led_covered"),
)
