"""Time and memory of a report on 10,000 records of ten classes, reading the store included.

    python tests/benchmarks/report_10000.py

Two shapes: 20 rows × 10 problems × 50 seeds, and 100 rows × 20 problems × 5 seeds. The bars are 20
seconds and 1 GB on two cores. Each shape is measured in a process of its own, and another process
writes its store, so that the peak is that of the report alone.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import evenhand_reports
from evenhand.store import Store
from evenhand.suite.resolve import Suite
from evenhand_reports.board import leaderboard
from evenhand_reports.formats import terminal
from tests.records import make_record
from tests.reports.suites import around, make_suite

BAR_SECONDS = 20.0
BAR_GB = 1.0


class Shape(NamedTuple):
    """Size of a suite."""

    rows: int
    problems: int
    seeds: int


SHAPES = (Shape(20, 10, 50), Shape(100, 20, 5))


def main() -> int:
    is_within = True
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            _in_a_process(_write, shape, folder)
            parts = _in_a_process(_measured, shape, folder)
        print(f"{shape.rows} rows × {shape.problems} problems × {shape.seeds} seeds")
        for what, value in parts.items():
            print(f"  {what:<12} {value:8.2f}")
        is_within &= parts["all, s"] <= BAR_SECONDS and parts["peak, GB"] <= BAR_GB
    return 0 if is_within else 1


def _in_a_process(function: Callable[..., Any], *given: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def _suite(shape: Shape) -> Suite:
    settings = [{"tau": round(0.05 * i, 2)} for i in range(1, shape.rows)]
    problems = [{"ratio": 10.0 * (i + 1)} for i in range(shape.problems)]
    return make_suite({"ERM": [{}], "VS": settings}, problems=problems, seeds=shape.seeds)


def _write(shape: Shape, folder: str) -> None:
    store, accuracy = Store.open(Path(folder) / "results"), around({"erm": 0.65, "vs": 0.68})
    for trial in _suite(shape).trials.values():
        store.write(make_record(trial=trial, accuracy=accuracy(trial)))


def _measured(shape: Shape, folder: str) -> dict[str, float]:
    suite = _suite(shape)
    started = time.perf_counter()
    board = leaderboard.build(suite, Store.open(Path(folder) / "results"))
    built = time.perf_counter()
    written = evenhand_reports.write(board, Path(folder) / "report")
    terminal.render(board)
    ended = time.perf_counter()
    assert len(board.records) == 10_000
    return {
        "build, s": built - started,
        "write, s": ended - built,
        "all, s": ended - started,
        "peak, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "HTML, MiB": written.html.stat().st_size / 2**20,
    }


if __name__ == "__main__":
    raise SystemExit(main())
