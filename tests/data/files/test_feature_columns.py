"""Columns become features as a careful person reads them, or are refused with what mends it."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenhand.data.files.data_root import use_data_root
from evenhand.data.sources.table import table
from evenhand.errors import DataError
from tests.data.samples import has_facts

N = 40


@pytest.fixture
def root(tmp_path):
    with use_data_root(tmp_path):
        yield tmp_path


def frame(**columns):
    """Noise f1 and f2 with a label y and a split, and further columns."""
    rng = np.random.default_rng(0)
    found = pd.DataFrame({"f1": rng.normal(size=N).round(3), "f2": rng.normal(size=N).round(3)})
    found["y"] = np.where(np.arange(N) % 3 == 0, "b", "a")
    found["split"] = np.where(np.arange(N) % 4 < 2, "train", "test")
    return found.assign(**columns)


def source(root, given, *, sep=",", **settings):
    given.to_csv(root / "t.csv", index=False, sep=sep)
    return table("t.csv", "y", **settings)


def raw(found):
    """Pixels of train, then test."""
    return np.concatenate([part.pixels[:, 0, 0] for part in (found.train, found.test)])


def in_order(values):
    values = np.asarray(values, dtype=np.float32)
    is_train = np.arange(N) % 4 < 2
    return np.concatenate([values[is_train], values[~is_train]])


def refusal(root, given, **settings):
    with pytest.raises(DataError) as raised:
        source(root, given, **settings)
    return str(raised.value)


def test_the_reading_states_each_column(root):
    found = source(root, frame(place="sea", z=np.arange(N) % 7), leave_out=("place",))
    assert found.reading.features == ("f1", "f2", "z")
    assert found.reading.left_out == {"y": "label", "split": "split", "place": "`leave_out`"}
    only = source(root, frame(z=np.arange(N) % 7), features="f*")
    assert only.reading.left_out["z"] == "not in `features`"


SHUFFLED = np.random.default_rng(1).permutation(10 * N)[:N]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Unnamed: 0", np.random.default_rng(0).normal(size=N)),
        ("__index_level_0__", np.arange(N) % 5),
        ("x", np.arange(N)),
        ("x", np.arange(N)[::-1] + 1000),
        ("x", np.random.default_rng(0).permutation(N)),
        ("x", np.arange(N) ** 2),
        ("x", np.linspace(0, 1, N)),
        ("x", np.arange(N) % (N // 2)),
        ("id", SHUFFLED * 1000),
        ("patientId", SHUFFLED * 1000),
        ("sample no.", SHUFFLED * 1000),
        ("row names", SHUFFLED * 1000),
        ("x", np.random.default_rng(0).permutation(N + 20)[:N]),
    ],
)
def test_row_numbers_are_refused_unless_named(root, name, values):
    given = frame(**{name: values})
    says = refusal(root, given)
    assert has_facts(says, f"row numbers or names of rows: '{name}'")
    assert "leave_out: [" in says
    assert source(root, given, leave_out=(name,)).reading.features == ("f1", "f2")
    assert source(root, given, features=("f*", name)).reading.features == ("f1", "f2", name)


@pytest.mark.parametrize("name", ["id", "x"])
def test_row_numbers_with_gaps_are_row_numbers(root, name):
    values = SHUFFLED * 1000.0 if name == "id" else np.arange(N, dtype=float)
    values[[0, 5]] = np.nan
    says = refusal(root, frame(**{name: values}), impute="median")
    assert has_facts(says, f"row numbers or names of rows: '{name}'")


@pytest.mark.parametrize("name", ["num_pages", "number of votes", "No_of_rooms", "key pressure"])
def test_counts_are_no_names_of_rows(root, name):
    values = SHUFFLED * 1000
    assert name in source(root, frame(**{name: values})).reading.features


def test_a_few_rising_numbers_in_a_sparse_column_are_no_row_numbers(root):
    values = np.full(N, np.nan)
    values[[3, 20, 30]] = 5, 9, 40
    assert "x" in source(root, frame(x=values), impute="median").reading.features


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(3).integers(0, 1000, N),
        np.random.default_rng(3).integers(18, 90, N),
        np.sort(np.random.default_rng(3).normal(size=N)),
        np.random.default_rng(3).choice(10**6, N, replace=False),
        np.arange(N) % 2,
        np.arange(N) // 4,
    ],
)
def test_measured_numbers_are_no_row_numbers(root, values):
    assert "x" in source(root, frame(x=values)).reading.features


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("one value in all rows", np.full(N, 3)),
        ("one value in all rows", np.full(N, "sea")),
        ("copies of the label", np.where(np.arange(N) % 3 == 0, 1, 0)),
        ("copies of the label", np.where(np.arange(N) % 3 == 0, -2.5, 7)),
        ("copies of the label", np.where(np.arange(N) % 3 == 0, "B", "A")),
        ("no value in any row", np.full(N, np.nan)),
    ],
)
@pytest.mark.parametrize("one_hot", [None, "all"])
def test_constants_and_copies_of_the_label_are_refused(root, kind, values, one_hot):
    says = refusal(root, frame(x=values), one_hot=one_hot)
    assert has_facts(says, f"{kind} … 'x' … `leave_out: [x]`")


def test_a_column_of_splits_that_the_suite_does_not_use_is_no_feature(root):
    given = frame()
    rule = {"split": {"test": 0.5}, "one_hot": "all"}
    says = refusal(root, given, **rule)
    assert has_facts(says, "splits of the rows … 'split' … `leave_out: [split]`")
    assert source(root, given, **rule, leave_out="split").reading.features == ("f1", "f2")
    part = frame(part=np.array(["0", "2"])[np.arange(N) // 3 % 2])
    assert "part" in source(root, part, one_hot="part").reading.features


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("one value in all rows", [4.0, np.nan]),
        ("one value in all rows", ["true", ""]),
        ("copies of the label", [4.0, 7.0]),
        ("copies of the label", ["yes", "no"]),
    ],
)
def test_gaps_do_not_hide_constants_and_copies_of_the_label(root, kind, values):
    x = np.where(np.arange(N) % 3 == 0, *values).astype(object)
    x[[0, 1, 7]] = None
    says = refusal(root, frame(x=x), one_hot="all", impute="most_frequent")
    assert has_facts(says, f"{kind} … 'x' … `leave_out: [x]`")


def test_a_value_for_each_of_three_classes_is_a_copy_of_the_label(root):
    given = frame(y=np.array(["a", "b", "c"])[np.arange(N) % 3], x=np.arange(N) % 3 == 1)
    assert "copies of the label" in refusal(root, given)


def test_all_columns_that_cannot_be_features_are_told_at_once(root):
    given = frame(id=np.arange(N), name=[f"n{i}" for i in range(N)], colour=["r", "g"] * (N // 2))
    given["my col"] = given.pop("f1").astype(object)
    given.loc[3, "my col"] = "5more"
    given.loc[[5, 7], "f2"] = np.nan
    says = refusal(root, given)
    for facts in (
        "5 of 7 columns cannot be features",
        "row numbers or names of rows: 'id'",
        "different texts in most rows: 'name' (40 texts",
        "text: 'colour' (2 texts, 'r' in row 2)",
        "1 of 40 rows have no number in 'my col': row 5 ('5more')",
        "2 of 40 rows have no value in 'f2': rows 7, 9",
        "`leave_out: [id, name]` and `one_hot: [colour]`",
        '`missing: ["5more"]` … `one_hot: [my col]`',
        "`impute: median`",
    ):
        assert has_facts(says, facts), facts


def test_numbers_between_texts_are_no_row_numbers(root):
    x = [str(1000 + k) if k % 2 else f"A/5 {k}" for k in range(N)]
    says = refusal(root, frame(ticket=x))
    assert has_facts(says, "20 of 40 rows have no number in 'ticket'")
    assert "row numbers" not in says


def test_a_hint_names_all_missing_texts_or_how_many_there_are(root):
    x = np.array([f"<{k}" if k < 3 else str(k % 7) for k in range(N)], dtype=object)
    assert '`missing: ["<0", "<1", "<2"]`' in refusal(root, frame(x=x))
    x[:9] = [f"<{k}" for k in range(9)]
    assert "`missing: […]` with all 9 texts" in refusal(root, frame(x=x))


def test_spaces_around_numbers_are_told_unless_they_are_kept(root):
    given = frame(x=[f" {k % 5} " for k in range(N)])
    assert "spaces around texts were removed in 'x'" in source(root, given).reading.notes[0]
    assert source(root, given, spaces="keep").reading.notes == ()


def test_hundreds_of_columns_are_counted(root):
    ones = pd.DataFrame(np.ones((N, 300)), columns=[f"x{i}" for i in range(300)])
    says = refusal(root, pd.concat([frame(), ones], axis=1))
    assert "and 288 more" in says
    assert len(says) < 2000


@pytest.mark.parametrize(
    ("texts", "form", "values"),
    [
        (["1,5", "−2,25"], {"decimal": ","}, [1.5, -2.25]),
        (["1,500", "2"], {"thousands": ","}, [1500, 2]),
        (["1.234,5", "0,5"], {"decimal": ",", "thousands": "."}, [1234.5, 0.5]),
        (["1 234,5", "2"], {"decimal": ",", "thousands": " "}, [1234.5, 2]),
        (["1'000", "2'000.5"], {"thousands": "'"}, [1000, 2000.5]),
        (["1’000", "2’000.5"], {"thousands": "’"}, [1000, 2000.5]),
        ([" 5 ", "1e2"], {}, [5, 100]),
        (["−3", "+4"], {}, [-3, 4]),
        ([".5", "5."], {}, [0.5, 5]),
        (["True", "false"], {}, [1, 0]),
        (["–3", "1.5"], {}, [-3, 1.5]),
    ],
)
def test_number_like_texts_are_read_as_declared(root, texts, form, values):
    found = source(root, frame(x=texts * (N // 2)), **form)
    np.testing.assert_array_equal(raw(found)[:, 2], in_order(values * (N // 2)))


@pytest.mark.parametrize(
    ("texts", "form", "facts"),
    [
        (["1,5", "2,25"], {}, '`decimal: ","`: \'x\' (\'1,5\' in row 2)'),
        (["0,123", "2,250"], {}, '`decimal: ","`'),
        (["1’000", "2’000.5"], {}, '`thousands: "\\u2019"`'),
        (["1\u202f000", "2.5"], {}, 'numbers with `thousands: "\\u202f"`'),
        (["1,000", "2,500"], {}, '`decimal: ","` or `thousands: ","`'),
        (["1,000", "2,000,000"], {}, '`thousands: ","`'),
        (["950", "1,000", "12,500", "7"], {}, '`thousands: ","`'),
        (["1.234,5", "2.000,0"], {}, '`decimal: ",", thousands: "."`'),
        (["12%", "3.5 %"], {}, "percentages: remove the % signs"),
        (["$3", "-$4.50"], {}, "money: remove the currency signs"),
        (["1.500", "2.500"], {"decimal": ","}, 'a decimal point or `decimal: ",", thousands: "."`'),
        (["1,5", "2,5"], {"thousands": ","}, '`decimal: ","`'),
        (["2024-01-05", "2024-02-05"], {}, "text: 'x'"),
        (["0x1f", "0x2f"], {}, "text: 'x'"),
        (["1_0", "2_0"], {}, "text: 'x'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("one_hot", [None, "all"])
def test_numbers_in_another_format_are_refused_with_the_declaration(
    root, texts, form, facts, one_hot
):
    if one_hot and "text:" in facts:
        assert source(root, frame(x=texts * (N // 2)), one_hot="all", **form).encoder
        return
    says = refusal(root, frame(x=texts * (N // len(texts))), one_hot=one_hot, **form)
    assert has_facts(says, facts)


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        ("inf", "1 of 40 rows have infinity … 'f1': row 6"),
        ("-1e39", "beyond float32, in 'f1': row 6"),
        ("oops", "no number in 'f1': row 6 ('oops')"),
        ("", "no value in 'f1': row 6"),
        ("NA", "no value in 'f1': row 6"),
    ],
)
def test_single_cells_are_refused_with_their_row_even_if_named(root, value, facts):
    given = frame()
    given["f1"] = given["f1"].astype(str)
    given.loc[4, "f1"] = value
    assert has_facts(refusal(root, given), facts)
    assert has_facts(refusal(root, given, features=("f1", "f2")), facts)


def test_numbers_that_float32_merges_are_refused(root):
    seconds = 1_700_000_000 + np.random.default_rng(0).integers(0, 50, N)
    assert has_facts(refusal(root, frame(x=seconds)), "float32 loses … 'x'")
    assert "x" in source(root, frame(x=seconds - 1_700_000_000)).reading.features
    wide = np.random.default_rng(0).integers(0, 10**9, N)
    assert "x" in source(root, frame(x=wide)).reading.features


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"features": ("g1",)}, "`features` names 'g1' … did you mean 'f1'"),
        ({"leave_out": ("f3",)}, "`leave_out` names 'f3' … did you mean"),
        ({"one_hot": ("colour",)}, "`one_hot` names 'colour'"),
        ({"features": ("y", "f1")}, "`features` names 'y', which is the label"),
        ({"leave_out": ("split",)}, "`leave_out` names 'split', which is the split"),
        ({"features": ("f1",), "leave_out": ("f1",)}, "'f1' is in `features` and in `leave_out`"),
        ({"leave_out": ("f*",)}, "no column is left for features"),
        ({"thousands": "."}, 'is \'.\' and … `decimal: ",", thousands: "."`'),
        ({"group": "y"}, "'y' is the label and the group"),
        ({"image": "f1", "impute": "mean"}, "`image` and `impute` are set"),
    ],
)
def test_settings_that_do_not_fit_are_refused(root, settings, facts):
    assert has_facts(refusal(root, frame(), **settings), facts)


def test_a_name_with_brackets_is_a_name(root):
    given = frame().rename(columns={"f1": "x[0]", "f2": "x[1]"})
    assert source(root, given, features=("x[0]",)).reading.features == ("x[0]",)


def as_typed(root, given, form, **columns):
    values = {name: given[name].to_numpy() for name in given}
    if form == "npz":
        texts = {n: v.astype(str) if v.dtype == object else v for n, v in values.items()}
        np.savez(root / "t.npz", **{**texts, **columns})
    else:
        pq.write_table(pa.table({**{n: pa.array(v) for n, v in values.items()}, **columns}),
                       root / f"t.{form}")  # fmt: skip
    return f"t.{form}"


@pytest.mark.parametrize("form", ["npz", "parquet"])
def test_one_table_in_three_formats_has_the_same_pixels(root, form):
    given = frame(
        n=np.random.default_rng(0).integers(0, 100, N),
        colour=np.array(["red", "blue", "green", "red"])[np.arange(N) % 4],
        flag=(np.arange(N) % 5 == 0),
        money=np.array(["1,5", "22,25"])[np.arange(N) % 2],
    )
    given = given.astype({"y": object, "split": object, "colour": object, "money": object})
    settings = {"one_hot": ("colour",), "decimal": ","}
    given["f1"], given["f2"] = given["n"] / 8, given["n"] % 7 / 4
    typed = table(as_typed(root, given, form), "y", **settings)
    text = given.assign(
        **{c: given[c].map(lambda v: str(v).replace(".", ",")) for c in ("f1", "f2")}
    )
    written = source(root, text, sep=";", separator=";", **settings)
    np.testing.assert_array_equal(raw(typed), raw(written))
    assert typed.reading.features == written.reading.features
    assert typed.classes == written.classes


def test_kinds_of_parquet_columns(root):
    """Decimals and integers with gaps are numbers; dictionaries are texts; others are refused."""
    day = [datetime.date(2024, 1, 1 + i % 20) for i in range(N)]
    kept = {
        "d": pa.array([Decimal(f"{i % 9}.5") for i in range(N)]),
        "c": pa.array(["r", "g"] * (N // 2)).dictionary_encode(),
        "i": pa.array([None if i == 3 else i % 11 for i in range(N)]),
    }
    given = frame().astype({"y": object, "split": object})
    file = as_typed(root, given, "parquet", **kept)
    found = table(file, "y", one_hot=("c",), impute="median")
    expected = in_order([float(f"{i % 9}.5") for i in range(N)])
    np.testing.assert_array_equal(raw(found)[:, 2], expected)
    bad = {"day": pa.array(day), "b": pa.array([b"x"] * N), "s": pa.array([{"k": 1}] * N)}
    with pytest.raises(DataError) as raised:
        table(as_typed(root, given, "parquet", **bad), "y")
    says = str(raised.value)
    assert has_facts(says, "dates and times: 'day'")
    assert has_facts(says, "bytes: 'b'")
    assert has_facts(says, "other types: 's'")


def test_the_index_of_a_pandas_frame_is_left_out(root):
    frame().set_index(np.arange(N) + 5).to_parquet(root / "t.parquet")
    shuffled = frame().sample(frac=1, random_state=0)
    shuffled.to_parquet(root / "s.parquet")
    for name in ("t", "s"):
        assert table(f"{name}.parquet", "y").reading.features == ("f1", "f2")
    left_out = table("s.parquet", "y").reading.left_out
    assert "index of the pandas frame" in left_out["__index_level_0__"]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([3.0, 7.0] * (N // 2)), ("3", "7")),
        (np.array([0.1, 7.0] * (N // 2), dtype=np.float32), ("0.1", "7")),
        (np.array([True, False] * (N // 2)), ("False", "True")),
        (np.array([2**60 + 1, 2**60 + 3] * (N // 2)), (str(2**60 + 1), str(2**60 + 3))),
        (np.array([b"x", "é".encode()] * (N // 2)), ("x", "é")),
        (np.array(["NA", "nan"] * (N // 2)), ("NA", "nan")),
        (np.array([[2], [1]] * (N // 2)), ("1", "2")),
    ],
)
def test_labels_of_other_types_are_texts(root, labels, classes):
    given = frame()
    columns = {name: given[name].to_numpy() for name in ("f1", "f2")}
    split = np.array(["train", "train", "test", "test"] * (N // 4))
    np.savez(root / "t.npz", **columns, y=labels, split=split)
    assert table("t.npz", "y").classes == classes


def test_bytes_that_are_not_text_are_refused(root):
    labels = np.array(["Bär".encode("latin-1"), b"x"] * (N // 2))
    split = np.array(["train", "train", "test", "test"] * (N // 4))
    np.savez(root / "t.npz", f=np.random.default_rng(0).normal(size=N), y=labels, split=split)
    with pytest.raises(DataError, match=r"not text in UTF-8\n.*latin-1"):
        table("t.npz", "y")
    assert table("t.npz", "y", encoding="latin-1").classes == ("Bär", "x")


def test_lists_are_no_labels_and_matrices_no_categories(root):
    given = frame().astype({"y": object, "split": object})
    with pytest.raises(DataError, match="a label is one value"):
        table(as_typed(root, given, "parquet", y=pa.array([[1], [2]] * (N // 2))), "y")
    matrix = np.random.default_rng(0).normal(size=(N, 2))
    with pytest.raises(DataError, match=r"several numbers in each row, .*: 'm'"):
        table(as_typed(root, given, "npz", m=matrix), "y", one_hot=("m",))


def test_categories_that_look_alike_are_refused_and_similar_ones_told(root):
    alike = frame(
        c=np.array(["\u00e9", "e\u0301", "x"])[np.random.default_rng(0).integers(0, 3, N)]
    )
    assert has_facts(refusal(root, alike, one_hot="all"), "two texts in 'c' look alike")
    similar = frame(c=np.array(["Red", "red", "x"])[np.random.default_rng(0).integers(0, 3, N)])
    notes = source(root, similar, one_hot="all").reading.notes
    assert "different categories of 'c': 'Red' and 'red'" in notes


def test_a_continuous_label_is_refused(root):
    says = refusal(root, frame(y=np.random.default_rng(0).normal(size=N)))
    assert has_facts(says, "a class has several rows, and 'y' has 40 different values in 40 rows")


def test_similar_classes_are_kept_apart_with_a_note(root):
    names = np.array(["007", "7", "Owl", "owl\u200b", "<=50K", "<=50K.", "a  b", "a b"])
    found = source(root, frame(y=names[np.arange(N) // 4 % 8]))
    assert len(found.classes) == 8
    for pair in (
        "'007' and '7'",
        r"'Owl' and 'owl\u200b'",
        "'<=50K' and '<=50K.'",
        "'a  b' and 'a b'",
    ):
        assert pair in found.reading.notes[0]


def test_columns_with_a_point_are_read_beside_those_with_a_declared_comma(root):
    given = frame(x=["1,5", "2,25"] * (N // 2))
    found = source(root, given, decimal=",")
    np.testing.assert_array_equal(raw(found)[:, 0], in_order(given["f1"]))
    np.testing.assert_array_equal(raw(found)[:, 2], in_order([1.5, 2.25] * (N // 2)))
    assert found.reading.notes == (
        "the numbers in 'f1', 'f2' have a decimal point, and are read so",
    )


def test_a_source_travels_to_other_processes(root):
    found = source(root, frame(c=np.array(["r", "g"])[np.arange(N) % 2]), one_hot="all")
    assert pickle.loads(pickle.dumps(found.encoder)) == found.encoder


def matrix_file(root, **arrays):
    labels = np.arange(N) % 3
    splits = np.where(np.arange(N) % 4 < 2, "train", "test")
    np.savez(root / "t.npz", y=labels, split=splits, **arrays)


NOISE = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("column", "facts"),
    [
        (np.arange(N), "row numbers at place 3 of its 4 numbers"),
        (np.random.default_rng(0).permutation(N), "row numbers at place 3"),
        (np.arange(N) % 3 * 2.5, "one value in all rows of a class at place 3"),
    ],
)
def test_row_numbers_and_copies_of_the_label_in_a_matrix_are_refused(root, column, facts):
    matrix_file(root, x=np.c_[NOISE, column])
    with pytest.raises(DataError) as raised:
        table("t.npz", "y")
    assert has_facts(raised.value, f"'x' has {facts} … `features: [x]`")
    assert table("t.npz", "y", features="x").train.shape == (1, 1, 4)


def test_pixels_and_unused_numbers_of_a_matrix_are_features(root):
    pixels = np.random.default_rng(0).integers(0, 256, (N, 5)).astype(np.uint8)
    matrix_file(root, x=np.c_[pixels, np.zeros(N, dtype=np.uint8)])
    assert table("t.npz", "y").train.shape == (1, 1, 6)


def test_gaps_in_a_matrix_are_imputed_from_the_training_split(root):
    given = NOISE.copy()
    given[[0, 2], 1] = np.nan
    matrix_file(root, x=given)
    with pytest.raises(DataError, match=r"rows 0, 2\n.*`impute: median` replaces NaN"):
        table("t.npz", "y")
    found = table("t.npz", "y", impute="median")
    encode = found.encoder.fitted(found.train)
    middle = np.nanmedian(found.train.pixels[:, 0, 0, 1])
    assert encode(found.train).pixels[0, 0, 0, 1] == middle
    assert encode(found.test).pixels[0, 0, 0, 1] == middle
    assert "missing values in 'x' are replaced by the median" in " ".join(found.reading.notes)


def test_texts_in_lists_are_no_gaps(root):
    given = frame(x=[["a", "b"]] * N)
    given.to_parquet(root / "t.parquet")
    with pytest.raises(DataError, match="have values in 'x' that are no numbers"):
        table("t.parquet", "y", impute="median")
