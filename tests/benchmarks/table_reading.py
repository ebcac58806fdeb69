"""Cost of reading tables, side by side with pandas: `python tests/benchmarks/table_reading.py`.

Wide: 5,000 columns × 24 rows. Long: 20 columns × 1,000,000 rows. `table` reads the file, checks the
columns, numbers the classes, splits the rows and converts the features to float32; pandas'
`read_csv` only reads the file.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from evenhand.data.files.data_root import use_data_root
from evenhand.data.sources.table import table

SHAPES = {"wide": (24, 5000, 9), "long": (1_000_000, 18, 3)}
"""Rows, columns of features and repetitions."""


def write(path: Path, n_rows: int, n_features: int) -> None:
    rng = np.random.default_rng(0)
    names = [f"g{i}" for i in range(n_features)]
    frame = pd.DataFrame(rng.normal(size=(n_rows, n_features)), columns=names)
    labels = rng.permutation(np.arange(n_rows) % 2)
    splits = np.array(["train", "train", "test", "test"])[np.arange(n_rows) % 4]
    frame.assign(species=np.array(["a", "b"])[labels], split=splits).to_csv(
        path, index=False, float_format="%.4f"
    )


def seconds(work: Callable[[], object], repetitions: int) -> float:
    work()
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, use_data_root(folder):
        for name, (n_rows, n_features, repetitions) in SHAPES.items():
            path = Path(folder) / f"{name}.csv"
            write(path, n_rows, n_features)
            ours = seconds(lambda path=path: table(path.name, "species"), repetitions)
            theirs = seconds(lambda path=path: pd.read_csv(path), repetitions)
            size = path.stat().st_size / 1e6
            print(
                f"{name}: {n_rows:,} rows × {n_features + 2:,} columns, {size:.1f} MB: table "
                f"{ours:.3f} s, pandas.read_csv {theirs:.3f} s, ratio {ours / theirs:.2f}"
            )


if __name__ == "__main__":
    main()
