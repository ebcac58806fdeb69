"""The curves of a suite's trials over the epochs, as an Arrow table and as a pandas frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.record_source import Records
from evenhand_reports.board.suite_trials import SuiteTrials

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

EPOCH = "epoch"
TEXTS = ("row", "title", "setting", "problem", "key", "status", "series")
"""Columns of few values, which are held as numbers of a dictionary."""

AT_ONCE = 500
"""Trials of one batch, which is a row group of a Parquet file."""

Run = tuple[Configuration, Trial, Record]
Numbered = dict[str, dict[str, int]]
"""A number for each text, by column."""


def to_curves(suite: Suite, store: Records) -> pd.DataFrame:
    """One row for each trial × series × epoch. Trials without curves have no rows.

    Columns:

    row, title, setting   the leaderboard's row, its name in print, and the setting that competes
                          within the row under `select:`
    problem, seed         such as cifar10-exp-100
    key                   key of the trial, as in `to_frame`, which has its settings and scores
    status                done, failed, diverged, interrupted or "other data" (the data differ from
                          those of the other records)
    series                name of the series, such as train_loss
    epoch, value          value of the series after so many epochs; NaN where it was not finite

    The columns of text are categorical. Raises `StoreError` where the store cannot be read.
    """
    frame: pd.DataFrame = curves_table(SuiteTrials.read(suite, store)).to_pandas()
    return frame


def curves_table(trials: SuiteTrials) -> pa.Table:
    """The curves as one Arrow table; a value that was not finite is null."""
    import pyarrow as pa

    schema, batches = curve_batches(trials)
    return pa.Table.from_batches(batches, schema)


def curve_batches(trials: SuiteTrials) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema of the curves, and the curves of some trials at a time."""
    import pyarrow as pa

    runs = [(c, t, r) for c, t, r in trials if r is not None and r.curves.get(EPOCH)]
    texts: Numbered = {name: {} for name in TEXTS}
    for run in runs:
        for name, text in _texts(trials, run).items():
            texts[name].setdefault(text, len(texts[name]))
        for series in _series(run[2]):
            texts["series"].setdefault(series, len(texts["series"]))
    kinds = {name: pa.dictionary(_index(len(known)), pa.string()) for name, known in texts.items()}
    kinds |= {"seed": pa.int64(), EPOCH: pa.int32(), "value": pa.float64()}
    order = ("row", "title", "setting", "problem", "seed", "key", "status", "series")
    schema = pa.schema([(name, kinds[name]) for name in (*order, EPOCH, "value")])
    parts = iter(runs)
    groups = iter(lambda: list(islice(parts, AT_ONCE)), [])
    return schema, (_batch(trials, group, schema, texts) for group in groups)


def _batch(
    trials: SuiteTrials, runs: Sequence[Run], schema: pa.Schema, texts: Numbered
) -> pa.RecordBatch:
    import pyarrow as pa

    parts = [_columns(trials, run, texts) for run in runs]
    arrays = []
    for field in schema:
        column = np.concatenate([part[field.name] for part in parts])
        if field.name in texts:
            codes = pa.array(column, field.type.index_type)
            arrays.append(pa.DictionaryArray.from_arrays(codes, list(texts[field.name])))
        else:
            arrays.append(pa.array(column, field.type, from_pandas=True))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _columns(trials: SuiteTrials, run: Run, texts: Numbered) -> dict[str, np.ndarray]:
    """The columns of one trial, with texts as their numbers."""
    _, trial, record = run
    names, epochs = _series(record), np.asarray(record.curves[EPOCH], dtype=np.int32)
    n = len(names) * len(epochs)
    found = _texts(trials, run).items()
    curves = [np.asarray(record.curves[name], dtype=np.float64) for name in names]
    return {
        **{name: np.full(n, texts[name][text], dtype=np.int32) for name, text in found},
        "seed": np.full(n, trial.seed, dtype=np.int64),
        "series": np.repeat([texts["series"][name] for name in names], len(epochs)),
        EPOCH: np.tile(epochs, len(names)),
        "value": np.concatenate([np.empty(0), *curves]),
    }


def _texts(trials: SuiteTrials, run: Run) -> dict[str, str]:
    configuration, trial, record = run
    return {
        "row": configuration.row,
        "title": configuration.title,
        "setting": configuration.setting,
        "problem": trial.problem.name,
        "key": trial.key,
        "status": trials.end(trial, record)[0],
    }


def _series(record: Record) -> list[str]:
    return [name for name in record.curves if name != EPOCH]


def _index(n: int) -> pa.DataType:
    """The smallest type of the numbers below n."""
    import pyarrow as pa

    return pa.int8() if n <= 1 << 7 else pa.int16() if n <= 1 << 15 else pa.int32()
