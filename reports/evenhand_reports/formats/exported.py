"""Tables of a suite for other programs, written as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evenhand.errors import ReportError
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.suite_trials import SuiteTrials
from evenhand_reports.formats import comparison_lines, long_form
from evenhand_reports.formats.curves import TEXTS, curve_batches, curves_table
from evenhand_reports.formats.frame import trials_frame
from evenhand_reports.formats.own_files import report_errors

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 10_000
"""Lines that are made at once; a table of curves has millions."""

MIXED = ("mixed", "mixed-integer")
"""Kinds of columns whose values have no common type: they become texts."""


def trials_table(board: Leaderboard) -> pa.Table:
    """One line for each trial × split × checkpoint rule × metric, as `to_frame` has them."""
    import pyarrow as pa
    from pandas.api.types import infer_dtype

    frame = trials_frame(SuiteTrials.of(board))
    for name in [name for name, kind in frame.dtypes.items() if kind.kind == "O"]:
        if infer_dtype(frame[name], skipna=True) in MIXED:
            frame[name] = frame[name].map(str, na_action="ignore")
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()


KINDS: dict[str, Callable[[Leaderboard], Any]] = {
    "trials": trials_table,
    "curves": lambda board: curves_table(SuiteTrials.of(board)),
    "leaderboard": lambda board: long_form.table_of(long_form.Line, long_form.lines(board)),
    "comparisons": lambda board: long_form.table_of(
        comparison_lines.ComparisonLine, comparison_lines.lines(board)
    ),
}
"""Tables by the name of the file that holds them."""


def export(board: Leaderboard, path: Path) -> None:
    """Write the table that the file is named after, in the format of the file's ending.

    Raises `ReportError` where the name has no table or no format, and where the file cannot be
    written.
    """
    table = KINDS[check_name(path)](board)
    with report_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            FORMATS[path.suffix](table, file)


def check_name(path: Path) -> str:
    """The table that a file is named after. Raises `ReportError` where there is none."""
    if path.stem in KINDS and path.suffix in FORMATS:
        return path.stem
    raise ReportError(
        f"{path}: the name of the file gives no table and format\n"
        f"  tables are {', '.join(KINDS)}; formats are {', '.join(FORMATS)}\n"
        f"  write for example {path.with_name('trials.csv')}"
    )


def _write_csv(table: pa.Table, file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(AT_ONCE):
        columns = [map(long_form.inert, _values(column)) for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))
    text.detach()


def _write_json(table: pa.Table, file: IO[bytes]) -> None:
    """A list of objects, one on each line of the file; what is undefined is null."""
    start = "[\n"
    for line in _lines(table):
        file.write(f"{start}{json.dumps(line, ensure_ascii=False, allow_nan=False)}".encode())
        start = ",\n"
    file.write(b"\n]\n" if start == ",\n" else b"[]\n")


def _write_parquet(table: pa.Table, file: IO[bytes]) -> None:
    from pyarrow import parquet

    parquet.write_table(table, file)


def _lines(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(AT_ONCE):
        for line in zip(*map(_values, batch.columns), strict=True):
            yield dict(zip(table.column_names, line, strict=True))


def _values(column: pa.Array) -> list[Any]:
    """The values of a column; a text of a dictionary is looked up in Python, which is faster."""
    if not hasattr(column, "dictionary"):
        return list(column.to_pylist())
    texts = column.dictionary.to_pylist()
    return [texts[i] for i in column.indices.to_pylist()]


FORMATS: dict[str, Callable[[Any, IO[bytes]], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}
"""Writers by the ending of the file."""


def trials_parquet(board: Leaderboard) -> bytes:
    """The file `trials.parquet` of a report."""
    stream = io.BytesIO()
    _write_parquet(trials_table(board), stream)
    return stream.getvalue()


def curves_parquet(board: Leaderboard) -> bytes:
    """The file `curves.parquet` of a report, made some trials at a time."""
    from pyarrow import parquet

    stream = io.BytesIO()
    schema, batches = curve_batches(SuiteTrials.of(board))
    with parquet.ParquetWriter(stream, schema, use_dictionary=[*TEXTS, "seed", "epoch"]) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return stream.getvalue()
