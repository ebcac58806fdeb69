"""Text of a `.csv` table: its encoding, its fields and its header.

All cells are read as text. Whether a text is a number is decided where a column is used, because
`007` may be the name of a class.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from evenhand.data.files.csv_hints import (
    describe_fields,
    reject_description,
    reject_header,
    reject_one_column,
)
from evenhand.data.files.text_encoding import read_utf8
from evenhand.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LISTED = 5
"""Largest number of rows that an error lists; it counts the others."""
MAX_BLOCK = 2**31 - 1


@dataclass(frozen=True)
class TextFormat:
    """Format of the cells of a table; None is the default."""

    encoding: str | None = None
    """Encoding of text; by default UTF-8."""
    separator: str | None = None
    """Character between two fields; by default a comma."""
    decimal: str | None = None
    """Decimal mark of numbers; by default a point."""
    thousands: str | None = None
    """Mark between groups of three digits; by default numbers have none."""
    header: Literal["none"] | None = None
    """"none" for a file whose first row is data: its columns are c1, c2, ….  """
    spaces: Literal["keep"] | None = None
    """"keep" for spaces around texts, which are removed by default."""
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing value of a feature, besides blank cells."""


class CsvTable(NamedTuple):
    """The cells of a file."""

    cells: CsvCells
    first: int
    """Row number of the first row: 2 after a header, else 1."""
    blank: tuple[int, ...]
    """Row numbers of rows without any text, which are skipped."""


@dataclass
class CsvCells(Mapping[str, np.ndarray]):
    """Columns of a file as texts, by name. An array is made when a column is read."""

    table: pa.Table
    names: tuple[str, ...]
    strip: bool
    """Whether spaces around texts are removed."""
    stripped: set[str] = field(default_factory=set)
    """Columns of which spaces were removed."""
    _place: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._place = {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._place

    def __getitem__(self, name: str) -> np.ndarray:
        import pyarrow.compute as pc

        given = self.strings(name)
        if self.strip:
            trimmed = pc.utf8_trim_whitespace(given)
            if not trimmed.equals(given):
                self.stripped.add(name)
            given = trimmed
        found = np.empty(len(given), dtype=object)
        found[:] = given.to_pylist()
        return found

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def strings(self, name: str) -> pa.Array:
        """Texts of a column as they are in the file."""
        import pyarrow as pa

        return pa.concat_arrays(self.table.column(self._place[name]).chunks)


def read_csv(path: Path, form: TextFormat) -> CsvTable:
    """Read a file. Raises `DataError` where it cannot be read without a guess."""
    data = read_utf8(path, form.encoding)
    separator = form.separator or ","
    reject_description(path, data)
    header = _first_record(path, data, separator)
    wrong: list[tuple[int, int]] = []
    table = _parse(path, data, separator, len(header), wrong)
    if wrong:
        describe = describe_fields(data, separator, header, [n for _, n in wrong])
        more = f" and {len(wrong) - MAX_LISTED} more" if len(wrong) > MAX_LISTED else ""
        told = ", ".join(f"row {row} has {n}" for row, n in wrong[:MAX_LISTED])
        n_rows = table.num_rows + len(wrong) - (form.header is None)
        raise DataError(
            f"{path}: {len(wrong):,} of {n_rows:,} rows do not have {len(header)} fields: "
            f"{told}{more}\n  {describe}"
        )
    _reject_open_quote(path, data, table)
    if len(header) == 1:
        reject_one_column(path, header[0], data, separator)
    names = tuple(f"c{i + 1}" for i in range(len(header)))
    if form.header is None:
        names = tuple(_named(i, name, form) for i, name in enumerate(header))
        reject_header(path, names)
        table = table.slice(1)
    first = 2 if form.header is None else 1
    is_blank = _blank_rows(table)
    if is_blank.any():
        import pyarrow as pa

        table = table.filter(pa.array(~is_blank)).combine_chunks()
    blank = tuple((np.flatnonzero(is_blank) + first).tolist())
    return CsvTable(CsvCells(table, names, strip=form.spaces is None), first, blank)


def _first_record(path: Path, data: bytes, separator: str) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    # The default of the reader refuses a cell of more than 131,072 characters.
    limit = csv.field_size_limit(max(csv.field_size_limit(), len(data)))
    try:
        header = next(csv.reader(lines, delimiter=separator), None)
    except csv.Error as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}\n  copy it again") from None
    finally:
        csv.field_size_limit(limit)
    has_rows = re.search(rb"[\r\n]", data.strip())
    if not header or not has_rows:
        what = "the first row is blank" if has_rows else "a table needs rows, and this one has none"
        raise DataError(f"{path}: {what}\n  the first row has the names of the columns")
    return header


def _parse(
    path: Path, data: bytes, separator: str, n: int, wrong: list[tuple[int, int]]
) -> pa.Table:
    """The cells, with the header as the first row; rows of other lengths go to `wrong`."""
    import pyarrow as pa
    from pyarrow import csv as reader

    def note(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "skip"

    try:
        return reader.read_csv(
            pa.BufferReader(data),
            # With several threads pyarrow does not give the numbers of invalid rows. A row that is
            # longer than a block cannot be read, so that the whole file is one.
            read_options=reader.ReadOptions(
                use_threads=False,
                autogenerate_column_names=True,
                block_size=min(len(data) + 1, MAX_BLOCK),
            ),
            parse_options=reader.ParseOptions(
                delimiter=separator,
                invalid_row_handler=note,
                newlines_in_values=True,
                ignore_empty_lines=False,
            ),
            convert_options=reader.ConvertOptions(
                column_types={f"f{i}": pa.large_string() for i in range(n)},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}\n  copy it again") from None


def _named(place: int, name: str, form: TextFormat) -> str:
    """Name of a column; one without a name is called by its place, as pandas does."""
    name = name if form.spaces else name.strip()
    return name or f"Unnamed: {place}"


def _reject_open_quote(path: Path, data: bytes, table: pa.Table) -> None:
    """Refuse a quotation mark that is not closed: the rows up to the next one would be one cell."""
    import pyarrow.compute as pc

    if data.count(b'"') % 2 == 0:
        return
    for column in table.columns:
        rows = np.flatnonzero(pc.match_substring(column, "\n").to_numpy())
        if len(rows):
            raise DataError(
                f"{path}: the file has an odd number of quotation marks, and the cell that begins "
                f"in row {int(rows[0]) + 1} goes on over several lines\n"
                '  close the quotation mark; a mark inside a quoted cell is written twice, `""`'
            )


def _blank_rows(table: pa.Table) -> np.ndarray:
    """Whether no cell of a row has text."""
    import pyarrow.compute as pc

    is_blank = np.ones(table.num_rows, dtype=bool)
    for column in table.columns:
        is_blank &= pc.equal(column, "").to_numpy()
        if not is_blank.any():
            break
    return is_blank
