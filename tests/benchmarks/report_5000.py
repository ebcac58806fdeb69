"""How long a report of 5,000 records takes, reading the store included.

    python tests/benchmarks/report_5000.py

10 methods × 10 problems × 50 seeds of ten classes; the bar is 10 seconds on two cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import evenhand_reports
from evenhand.store import Store
from evenhand.suite.resolve import Suite
from evenhand_reports.board import leaderboard
from evenhand_reports.formats import terminal
from tests.reports.suites import around, make_suite, scored

METHODS = ["LA", "VS", "CDT", "CB", "wCE", "Focal", "LDAM", "LDAM_DRW", "VS_DRW"]
BAR_SECONDS = 10.0


def main() -> int:
    problems = [{"ratio": float(ratio)} for ratio in range(10, 110, 10)]
    suite = make_suite(["ERM", *METHODS], problems=problems, seeds=50)
    means = {"erm": 0.65} | {name.lower(): 0.66 + 0.01 * i for i, name in enumerate(METHODS)}
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "results")
        for record in scored(suite, around(means)):
            store.write(record)
        parts = _measured(suite, Store.open(Path(folder) / "results"), Path(folder) / "report")
    for what, value in parts.items():
        print(f"{what:<12} {value:8.2f}")
    return 0 if parts["all, s"] <= BAR_SECONDS else 1


def _measured(suite: Suite, store: Store, out: Path) -> dict[str, float]:
    started = time.perf_counter()
    board = leaderboard.build(suite, store)
    built = time.perf_counter()
    written = evenhand_reports.write(board, out)
    terminal.render(board)
    ended = time.perf_counter()
    size = written.html.stat().st_size / 2**20
    assert len(board.records) == 5000
    return {
        "build, s": built - started,
        "write, s": ended - built,
        "all, s": ended - started,
        "HTML, MiB": size,
    }


if __name__ == "__main__":
    raise SystemExit(main())
