"""Error rates and power of the comparisons, by simulation: the tables of the documentation.

    python tests/benchmarks/inference.py [--tables 4000] [--rows 4 16] [--seeds 3 5] [--further]

Each row of a Markdown table is one scenario with n seeds, each cell has one number for each number
of rows in `--rows`. `statistics/scenarios.py` describes the scenarios. Row 1 leads by 4 deviations
for n = 3 and 5, and by 2 for n = 10. Tables of 60 rows are a quarter as many, and so are those of
the last three measurements. A rate of 5 % has a standard error of 0.34 points with 4,000 tables
and of 0.69 points with 1,000.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import numpy as np

from evenhand_reports.statistics.detectable import seeds_needed, smallest_detectable
from evenhand_reports.statistics.moderation import moderated_pairs
from evenhand_reports.statistics.paired_tests import declared_p_values, of_family, p_values
from evenhand_reports.statistics.ranks import rank_rows
from tests.statistics.procedures import ALPHA
from tests.statistics.rates import rates
from tests.statistics.scenarios import (
    FURTHER,
    PROMISED,
    Scenario,
    collapse,
    half_wide,
    noisy_row,
    normal,
    skewed,
    unequal,
)

ROWS = 16
"""Rows of the tables for power and for the number of seeds."""

TABLES = {
    "Family-wise error and power of the declared comparisons": {
        "error, all equal": "error",
        "error, one leads": "led_error",
        "error, former": "former_error",
        "error, no weights": "unweighted_error",
        "power": "power",
        "power, former": "former_power",
        "power, no weights": "unweighted_power",
    },
    "The best group and the rank intervals": {
        "a given best row out": "one_out",
        "any best row out": "some_out",
        "the leader out": "leader_out",
        "best row incomparable": "incomparable",
        "leader incomparable": "leader_incomparable",
        "size": "size",
        "size, former": "former_size",
        "ranks covered, all equal": "covered",
        "ranks covered, one leads": "led_covered",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=4000)
    parser.add_argument("--rows", type=int, nargs="+", default=[4, 16, 60])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--further", action="store_true", help="the scenarios without a promise")
    args = parser.parse_args()
    _print_rates(FURTHER if args.further else PROMISED, args)
    if not args.further:
        args.tables //= 4
        _print_noisy(args)
        _print_detectable(args.tables, args.seeds)
        _print_seeds(args.tables)


def _print_rates(scenarios: tuple[Scenario, ...], args: argparse.Namespace) -> None:
    """Print the tables of all scenarios; progress goes to the standard error stream."""
    lines: dict[str, list[str]] = {title: [] for title in TABLES}
    for scenario in scenarios:
        for n in args.seeds:
            found = [
                rates(scenario, n=n, rows=rows, tables=_share(args.tables, rows), seed=n)
                for rows in args.rows
            ]
            for title, columns in TABLES.items():
                cells = [
                    " / ".join(_shown(cell[name], name) for cell in found)
                    for name in columns.values()
                ]
                lines[title].append(f"| {_name(scenario)} | {n} | {' | '.join(cells)} |")
                sys.stderr.write(lines[title][-1] + "\n")
    for title, columns in TABLES.items():
        _print_table(title, ["scenario", "n", *columns], lines[title])


def _share(tables: int, rows: int) -> int:
    return tables if rows < 60 else tables // 4


def _shown(value: float, name: str) -> str:
    if np.isnan(value):
        return "–"
    if "size" in name:
        return f"{value:.1f}"
    return f"{100 * value:.0f}" if "power" in name else f"{100 * value:.1f}"


def _name(scenario: Scenario) -> str:
    return scenario.__name__.replace("_", " ")


def _print_table(title: str, columns: list[str], lines: list[str]) -> None:
    head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"
    sys.stdout.write("\n".join([f"\n{title}\n", head, *lines]) + "\n")
    sys.stdout.flush()


def _print_noisy(args: argparse.Namespace) -> None:
    """Print how often a row of 10 times the deviation is bold, by its true mean."""
    lines = []
    for n in args.seeds:
        cells = []
        for below in (0, 10, 20):
            shares = []
            for rows in args.rows:
                shape = (_share(args.tables, rows), rows, n)
                scores = noisy_row(np.random.default_rng(n), shape)
                scores[:, -1] -= below
                shares.append(_shown(float(np.mean([_last_is_bold(t) for t in scores])), ""))
            cells.append(" / ".join(shares))
        lines.append(f"| {n} | {' | '.join(cells)} |")
    columns = ["n", "as good as the others", "10 below", "20 below"]
    _print_table("A row of 10 times the deviation is bold", columns, lines)


def _last_is_bold(table: np.ndarray) -> bool:
    ranks = rank_rows(table, higher=True, alpha=ALPHA).ranks
    return bool(ranks and ranks[-1] and ranks[-1].is_best)


def _print_detectable(tables: int, seeds: list[int]) -> None:
    """Print the power at multiples of the smallest difference that each table states."""
    lines = []
    for scenario in (normal, unequal, half_wide, skewed, collapse):
        for n in seeds:
            scores = scenario(np.random.default_rng(n), (tables, ROWS, n))
            cells = [
                _shown(_power(scores, factor, _stated), "power") for factor in (0.5, 1, 1.5, 2)
            ]
            lines.append(f"| {_name(scenario)} | {n} | {' | '.join(cells)} |")
    columns = ["scenario", "n", *(f"{factor} ×" for factor in ("0.5", "1", "1.5", "2"))]
    _print_table("Power at multiples of the stated smallest difference, 16 rows", columns, lines)


def _print_seeds(tables: int) -> None:
    """Print the seeds for a true difference, their power, and the number that 5 seeds state."""
    lines = []
    for difference in (0.5, 1.0, 1.5, 2.0, 3.0):
        n = _seeds(difference, 2.0, (ROWS - 2) * 4)
        scores = normal(np.random.default_rng(n), (tables, ROWS, n))
        power = _shown(_power(scores, difference, lambda _: 1.0), "power")
        stated = []
        for table in normal(np.random.default_rng(1), (tables, ROWS, 5)):
            table[1] += difference
            pairs = moderated_pairs(table)
            borrowed = float(pairs.df[0, 1]) - 4
            stated.append(_seeds(pairs.difference[0, 1], pairs.variance[0, 1], borrowed))
        low, middle, high = np.quantile(stated, (0.1, 0.5, 0.9))
        lines.append(f"| {difference} | {n} | {power} | {low:.0f} / {middle:.0f} / {high:.0f} |")
    columns = ["difference", "seeds", "power", "stated at n = 5: 10 % / 50 % / 90 % of tables"]
    _print_table("Seeds that decide, 16 rows", columns, lines)


def _seeds(difference: float, variance: float, borrowed: float) -> int:
    n = seeds_needed(difference, variance, borrowed, comparisons=ROWS - 1, alpha=ALPHA)
    assert n
    return n


def _stated(table: np.ndarray) -> float:
    declared = [(0, i) for i in range(1, len(table))]
    found = smallest_detectable(of_family(moderated_pairs(table), declared), declared, alpha=ALPHA)
    assert found
    return found


def _power(scores: np.ndarray, factor: float, unit: Callable[[np.ndarray], float]) -> float:
    """How often row 1 is found better than row 0, when it is ahead by `factor` × `unit`(table)."""
    declared = [(1, 0), *((0, i) for i in range(2, scores.shape[1]))]
    found = []
    for table in scores:
        led = table.copy()
        led[1] += factor * unit(table)
        pairs = moderated_pairs(led)
        p = declared_p_values(p_values(of_family(pairs, declared)), declared)[0]
        found.append(p <= ALPHA and pairs.difference[1, 0] > 0)
    return float(np.mean(found))


if __name__ == "__main__":
    main()
