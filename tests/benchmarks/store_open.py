"""How long a store of 10,000 records takes to write, to open and to read.

    python tests/benchmarks/store_open.py [--records 10000] [--runs 5] [--folder DIR]

Every open happens in a fresh Python process that has imported the store already. Cold is without
an index; the records are in the page cache, as they are after a copy. Prints medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

from evenhand.declared.record import Record
from evenhand.store import Store
from tests.records import make_record

TARGETS = {"cold open": 3.0, "warm open": 0.5, "read half": 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", help="where to write; default: a temporary folder")
    parser.add_argument("--once", nargs=2, metavar=("STORE", "WHAT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(measure(*options.once))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        times = write(Store.open(folder), options.records)
        print(f"{options.records} records, {record_kib(folder):.1f} KiB each")
        print(f"write      {1000 * statistics.median(times):8.3f} ms a record")
        for what, target in TARGETS.items():
            runs = [once(folder, what) for _ in range(options.runs)]
            median = statistics.median(runs)
            spread = f"{min(runs):.3f} to {max(runs):.3f}"
            print(f"{what}  {median:8.3f} s ({spread}, n = {len(runs)}; target {target} s)")


def write(store: Store, n: int) -> list[float]:
    """Seconds of each write."""
    times = []
    for record in records(n):
        start = time.perf_counter()
        store.write(record)
        times.append(time.perf_counter() - start)
    return times


def records(n: int) -> Iterator[Record]:
    """Twenty methods, the rest seeds."""
    for i in range(n):
        yield make_record(method=f"method_{i % 20}", seed=i // 20, accuracy=0.5 + 0.4 * (i / n))


def once(folder: str, what: str) -> float:
    """Seconds, as measured by a process of its own."""
    command = [sys.executable, __file__, "--once", folder, what]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(folder: str, what: str) -> float:
    """Seconds of one open (or of reading half of the records) in this process."""
    if what == "cold open":
        (Path(folder) / "main" / "index.json").unlink(missing_ok=True)
    store = Store.open(folder)
    half = list(store.heads())[::2] if what == "read half" else []
    start = time.perf_counter()
    if what == "read half":
        assert len(store.records(half)) == len(half), "every record can be read"
    else:
        store = Store.open(folder)
        store.heads()
    seconds = time.perf_counter() - start
    assert not store.faults, store.faults
    return seconds


def record_kib(folder: str) -> float:
    sizes = [path.stat().st_size for path in Path(folder).glob("main/*/record.json")]
    return statistics.mean(sizes) / 1024


if __name__ == "__main__":
    main()
