"""A `.csv` file is decoded to what a careful person sees, or refused with its rows."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.files.columns import read
from evenhand.data.files.csv_text import TextFormat
from evenhand.errors import DataError
from tests.data.samples import has_facts


def write(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(path, **form):
    columns = read(path, TextFormat(**form))
    return {name: values.tolist() for name, values in columns.values.items()}


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\r1,x\r2,y",
        "\ufeffa,b\n1,x\n2,y\n\n\n",
        '"a","b"\n"1","x"\n"2","y"',
        " a , b\n1 , x\n 2,y\t\n",
        "a,b\n\n1,x\n,\n2,y\n",
    ],
)
def test_line_ends_quotes_marks_and_blank_lines_do_not_change_a_table(tmp_path, content):
    assert cells(write(tmp_path, content)) == {"a": ["1", "2"], "b": ["x", "y"]}


def test_cells_are_texts_as_they_are_written(tmp_path):
    path = write(tmp_path, 'a,b\n007,"x, ""y""\nz"\n7.0,NA\n1e3,nan\n')
    assert cells(path) == {"a": ["007", "7.0", "1e3"], "b": ['x, "y"\nz', "NA", "nan"]}


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path):
    path = write(tmp_path, 'a,b\n\n1,x\n\n,\n2,"y\ny"\n3,z\n')
    columns = read(path)
    assert [columns.row_number(row) for row in range(3)] == [3, 6, 7]
    assert columns.notes() == ("3 blank rows were skipped",)


def test_spaces_are_removed_with_a_note_or_kept(tmp_path):
    path = write(tmp_path, "a, b\n x ,1\ny,2\n")
    columns = read(path)
    assert columns.texts("a", "label").tolist() == ["x", "y"]
    assert columns.texts("b", "label").tolist() == ["1", "2"]
    assert columns.notes() == (
        "spaces around texts were removed in 'a'; `spaces: keep` keeps them",
    )
    kept = read(path, TextFormat(spaces="keep"))
    assert kept.texts("a", "label").tolist() == [" x ", "y"]
    assert [*kept.values] == ["a", " b"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "gb18030"])
def test_a_declared_encoding_is_decoded(tmp_path, encoding):
    name = "熊" if encoding == "gb18030" else "Bär"
    path = write(tmp_path, f"name,b\n{name},1\n".encode(encoding))
    assert cells(path, encoding=encoding)["name"] == [name]


@pytest.mark.parametrize(
    ("content", "form", "facts"),
    [
        ("a,b\nBär,1\n".encode("latin-1"), {}, "row 2 … UTF-8 … 0xe4 … `encoding: latin-1` … Bär"),
        ("a,b\n“Bär”,1\n".encode("cp1252"), {}, "row 2 … `encoding: cp1252` … “Bär”"),
        ("a,b\n“x”,1\n".encode("cp1252"), {"encoding": "latin-1"}, "row 2 … U+0093 … cp1252"),
        ("a,b\nBär,1\n".encode(), {"encoding": "latin-1"}, "is UTF-8 … leave `encoding` out"),
        ("a,b\nx,1\n".encode("utf-16"), {}, "UTF-16 … `encoding: utf-16`"),
        ("a,b\nx,1\n".encode("utf-16-le"), {}, "NUL … `encoding: utf-16-le`"),
        ("a,b\nBär,1\n".encode(), {"encoding": "ascii"}, "row 2 … leave `encoding` out"),
        ("a,b\nBär,1\n".encode() + "Bär,2\n".encode("latin-1"), {"encoding": "latin-1"},
         "row 2 is in UTF-8 … two encodings"),
        (b"\x1f\x8b\x08\x00", {}, "gzip"),
        (b"PK\x03\x04rest", {}, "Excel … export it as CSV"),
        (b"# made, by\n1,2\n", {}, "'b' … begins with # … remove it"),
        (b"a,b\nx,1\n", {"encoding": "utf-9"}, "'utf-9' … latin-1"),
        (b"a,b\n1,2\n3\n4,5,6\n", {}, "2 of 3 rows … 2 fields: row 3 has 1, row 4 has 3"),
        (b"|1x3 Cross validator\n25, Private\n38, Local\n", {}, "2 … '|1x3 … remove it"),
        (b"a;b\n1,5;x\n2;y\n", {}, '`separator: ";"`'),
        (b"a\tb\n1\tx\n2\ty\n", {}, '`separator: "\\t"`'),
        (b"a|b\n1|x\n", {}, '`separator: "|"`'),
        (b"a,b\n1,x\n", {"separator": ";"}, '`separator: ","`'),
        (b"a\n1\n", {}, "has one, 'a'"),
        (b"1;x\n2;y\n", {"header": "none"}, "has one, '1;x' … `separator: \";\"`"),
        (b"a 1  x\nb 2  y\n", {"header": "none"}, "several spaces … one comma"),
        (b"a,b,a\n1,2,3\n", {}, "several are called a\n  rename"),
        (b"1,2,1\n3,4,5\n", {}, "several are called 1\n … `header: none`"),
        (b'a,b\n1,"x\n2,y\n3,z\n', {}, "quotation marks … row 2 … over several lines"),
        (b'a,b\n1,2\n3,"4 5\n', {}, "quotation marks … row 3"),
        (b'a,b\n1, "x"\n', {}, "space before a quotation mark … row 2"),
        (b"@relation chess\n@attribute a {x, y}\n@data\nx, y\n", {}, "@data"),
        (b"sep=;\na;b\n1;x\n", {}, "'sep=;' … Excel … remove the row, and … `separator: \";\"`"),
        (b"sep=,\r\na,b\r\n1,x\r\n", {}, "'sep=,' … Excel … remove the row"),
        (b"version https://git-lfs.github.com/spec/v1\noid 1\n", {}, "Git LFS … `git lfs pull`"),
        (b"<!DOCTYPE html>\n<html><body>a,b</body></html>\n", {}, "web page … download"),
        (b"", {}, "needs rows"),
        (b"a,b\n", {}, "needs rows"),
        (b"a,b", {}, "needs rows"),
        (b"\n\na,b\n1,2\n", {}, "first row is blank"),
    ],
)  # fmt: skip
def test_what_would_be_guessed_is_refused_with_what_is_right(tmp_path, content, form, facts):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as raised:
        read(path, TextFormat(**form)).texts("b", "label")
    assert has_facts(raised.value, f"{path} … {facts}")


def test_a_header_that_looks_like_data_is_recognised(tmp_path):
    path = write(tmp_path, "39, State-gov, <=50K\n50, Private, >50K\n")
    with pytest.raises(DataError) as raised:
        read(path).texts("income", "label")
    assert has_facts(raised.value, "'income' … `header: none` … c1, c2")
    assert cells(path, header="none") == {
        "c1": ["39", "50"],
        "c2": ["State-gov", "Private"],
        "c3": ["<=50K", ">50K"],
    }


def test_columns_without_a_name_are_called_by_their_place(tmp_path):
    path = write(tmp_path, ",a,\n0,x,\n1,y,\n")
    assert [*cells(path)] == ["Unnamed: 0", "a", "Unnamed: 2"]


def test_a_header_beyond_a_megabyte_is_read(tmp_path):
    names = [f"{'x' * 2000}{i}" for i in range(1000)]
    path = write(tmp_path, f"{','.join(names)}\n{','.join(['1'] * 1000)}\n")
    assert [*read(path).values] == names


def test_a_long_cell_is_read(tmp_path):
    path = write(tmp_path, f'{"n" * 200_000},b\n"{"x" * 2_000_000}",1\n')
    assert [len(values[0]) for values in read(path).values.values()] == [2_000_000, 1]


def test_two_compositions_of_one_name_are_refused_with_their_rows(tmp_path):
    path = write(tmp_path, "a,b\nBa\u0308r,1\nB\u00e4r,2\nMaus,3\nB\u00e4r,4\n")
    with pytest.raises(DataError) as raised:
        read(path).texts("a", "label")
    says = str(raised.value)
    assert "look alike" in says
    assert "'Ba\\u0308r' in row 2" in says
    assert "'B\\xe4r' in rows 3, 5" in says


def test_a_row_may_have_100_000_cells(tmp_path):
    n = 100_000
    path = write(tmp_path, f"{','.join(f'g{i}' for i in range(n))}\n{','.join(['1'] * n)}\n")
    columns = read(path)
    assert (len(columns.values), len(columns)) == (n, 1)
    assert np.array_equal(columns["g99999"], ["1"])
