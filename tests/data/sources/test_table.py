"""A user's own table: three lines of YAML, and every mistake named with its rows."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenhand.data.files.data_root import use_data_root
from evenhand.data.files.label_names import in_order
from evenhand.data.sources.table import table, waterbirds_features
from evenhand.declared.base import Part
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem
from evenhand.errors import DataError
from tests.data.files.pictures import encoded
from tests.data.groups import birds, picture, write_table
from tests.data.samples import has_facts


@pytest.fixture
def root(tmp_path):
    with use_data_root(tmp_path):
        yield tmp_path


def read(path="birds.csv", label="species", group="place", **settings):
    return table(path, label, group, **settings)


def as_parquet(path, rows, **columns):
    names = {name: [row[name] for row in rows] for name in ("species", "place", "split")}
    pq.write_table(pa.table({**names, **columns}), path)


def test_a_csv_of_features_is_a_problem(root):
    rows = birds()
    write_table(root / "birds.csv", rows)
    source = read()
    assert (source.classes, source.groups) == (("gull", "owl"), ("land", "sea"))
    assert source.train.pixels.shape == (16, 1, 1, 2)
    assert source.train.pixels.dtype == np.float32
    assert source.val.counts(2, 2).tolist() == source.test.counts(2, 2).tolist() == [[4, 4]] * 2
    expected = [[row["f_1"], row["f_2"]] for row in rows if row["split"] == "test"]
    np.testing.assert_array_equal(source.test.pixels[:, 0, 0], np.float32(expected))


@pytest.mark.parametrize("form", ["lists", "fixed lists", "npz"])
def test_a_matrix_of_features_is_read_as_it_is(root, form):
    rows = birds()
    matrix = np.random.default_rng(0).normal(size=(len(rows), 5)).astype(np.float32)
    if form == "npz":
        columns = {n: np.array([row[n] for row in rows]) for n in ("species", "place", "split")}
        np.savez(root / "birds.npz", features=matrix, **columns)
    else:
        lists = pa.array(matrix.tolist())
        if form == "fixed lists":
            lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), 5)
        as_parquet(root / "birds.parquet", rows, features=lists)
    source = read("birds.npz" if form == "npz" else "birds.parquet")
    there = np.array([row["split"] == "train" for row in rows])
    np.testing.assert_array_equal(source.train.pixels[:, 0, 0], matrix[there])


def test_images_are_found_beside_the_table_and_resized(root):
    rows = [{**row, "file": f"images/{i}.png"} for i, row in enumerate(birds(1))]
    (root / "sub").mkdir()
    for i, row in enumerate(rows):
        picture(root / "sub" / row["file"], (5 + i, 7), i)
    write_table(root / "sub" / "birds.csv", rows)
    source = read("sub/birds.csv", image="file", size=8)
    assert source.train.pixels.shape == (4, 8, 8, 3)
    assert source.train.pixels.dtype == np.uint8
    (root / "sub" / "images" / "2.png").unlink()
    with pytest.raises(DataError, match="1 of 12 rows name an image that is not there: row 4\n"):
        read("sub/birds.csv", image="file")
    write_table(
        root / "sub" / "windows.csv",
        [{**r, "file": f"images\\{i}.png"} for i, r in enumerate(rows)],
    )
    with pytest.raises(DataError, match=r"write them with / in place of \\"):
        read("sub/windows.csv", image="file")
    (root / "sub" / "images" / "2.png").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"12 rows cannot be read as images: row 4\n.*2\.png"):
        read("sub/birds.csv", image="file")


def test_a_folder_of_the_hub_is_a_table_of_images(root):
    labels = {"info": {"features": {"species": {"names": ["owl", "gull"]}}}}
    for i, split in enumerate(("train", "test")):
        cells = [{"bytes": encoded(np.full((8, 8), i, np.uint8)), "path": None}] * 2
        rows = pa.table({"image": cells, "species": [0, 1]})
        rows = rows.replace_schema_metadata({"huggingface": json.dumps(labels)})
        (root / "hub" / "data").mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, root / "hub" / "data" / f"{split}-00000-of-00001.parquet")
    source = read("hub", group=None, image="image")
    assert source.classes == ("gull", "owl")
    assert source.test.labels.tolist() == [1, 0]
    assert source.train.shape == (8, 8, 3)
    with pytest.raises(DataError, match="leave `split` out"):
        read("hub", group=None, image="image", split={"test": 0.5})


@pytest.mark.parametrize("setting", ["size", "background", "intensity"])
def test_settings_of_images_need_images(root, setting):
    value = {"size": 8, "background": "white", "intensity": "file"}[setting]
    with pytest.raises(DataError, match=f"`{setting}` is for images, and there is no column"):
        read(**{setting: value})


def test_a_group_a_val_split_and_an_absolute_root_need_not_be(root):
    rows = [row for row in birds() if row["split"] != "val"]
    path = write_table(root / "birds.csv", rows)
    source = read(str(path), group=None, leave_out=("place",))
    assert source.val is None
    assert source.groups == ("all",)


def test_a_pattern_says_which_columns_are_features(root):
    write_table(root / "birds.csv", [{**row, "id": i} for i, row in enumerate(birds())])
    assert read(features="f_*").train.shape == (1, 1, 2)
    assert read(features=("f_1", "i*")).reading.features == ("f_1", "id")


@pytest.mark.parametrize("names", [("train", "validation", "test"), ("0", "1", "2")])
def test_splits_go_by_usual_names(root, names):
    called = dict(zip(("train", "val", "test"), names, strict=True))
    write_table(root / "birds.csv", [{**row, "split": called[row["split"]]} for row in birds()])
    assert len(read().val) == 16


def test_names_that_are_numbers_are_ordered_as_numbers():
    assert in_order(["10", "9", "1"]) == ("1", "9", "10")
    assert in_order(["b", "10", "9"]) == ("10", "9", "b")


def test_its_problem_is_called_by_the_file():
    part = REGISTRY.part("dataset", "table", {"path": "sub/birds.csv", "label": "species"})
    problem = Problem(dataset=part, profile=Part(name="natural"))
    assert problem.name == "table-birds"


def spoiled(row, **what):
    rows = birds()
    rows[row] |= what
    return rows


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (spoiled(0, species=None), "1 of 48 rows … label … 'species': row 2\n"),
        (spoiled(4, place=""), "1 of 48 rows … group … 'place': row 6\n"),
        (spoiled(7, split="dev"), "1 of 48 rows … 'split' ('dev'): row 9\n"),
        (spoiled(1, f_1="x"), "1 of 48 rows … 'f_1': row 3 ('x')\n"),
        (spoiled(1, f_2=None), "1 of 48 rows … no value … 'f_2': row 3\n"),
        (spoiled(1, f_2="1e99"), "1 of 48 rows … float32 … 'f_2': row 3\n"),
        ([{**row, "species": "owl"} for row in birds()], "'species' is 'owl' in all 48 rows\n"),
        (birds()[:32], "32 rows … test … 'split'\n"),
        (
            [r for r in birds() if [*r.values()][2:] != ["owl", "sea", "train"]],
            "1 of 4 (class, group) cells … train\n"
            "  owl in sea: train 0, test 4\n",
        ),
        (
            [r for r in birds() if (r["split"], r["place"]) != ("test", "sea")],
            "2 of 4 (class, group) cells … test\n"
            "  gull in sea: train 4, test 0\n  owl in sea: train 4, test 0\n",
        ),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_used_are_counted_and_refused(root, rows, says):
    path = write_table(root / "birds.csv", rows)
    with pytest.raises(DataError) as raised:
        read()
    assert has_facts(raised.value, f"{path}: … {says}")


def test_a_column_that_is_not_there_is_told_with_the_nearest(root):
    write_table(root / "birds.csv", birds())
    with pytest.raises(DataError, match=r"'specie'\n.*\n.*did you mean 'species'"):
        read(label="specie")
    with pytest.raises(DataError, match=r"'g_\*', and no column .*\n.*f_1"):
        read(features="g_*")


def test_rows_with_too_few_fields_are_counted(root):
    path = write_table(root / "birds.csv", birds())
    lines = path.read_text().splitlines()
    lines[3] = "1,2,owl"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"1 of 48 rows .* 5 fields: row 4 has 3\n"):
        read()


def test_features_whose_lengths_differ_are_counted(root):
    rows = birds()
    lists = [[1.0, 2.0]] * (len(rows) - 2) + [[1.0], [1.0, 2.0, 3.0]]
    as_parquet(root / "birds.parquet", rows, features=lists)
    says = "2 of 48 rows .* 2 numbers in 'features' .* 1, 3: rows 46,"
    with pytest.raises(DataError, match=says):
        read("birds.parquet")


def test_arrays_of_objects_and_of_other_lengths_are_refused(root):
    rows = birds()
    columns = {n: np.array([row[n] for row in rows]) for n in ("species", "place", "split")}
    ragged = np.empty(len(rows), dtype=object)
    ragged[:] = [[1.0]] * (len(rows) - 1) + [[1.0, 2.0]]
    np.savez(root / "birds.npz", features=ragged, **columns)
    with pytest.raises(DataError, match="array of objects"):
        read("birds.npz")
    np.savez(root / "birds.npz", features=np.zeros((47, 3)), **columns)
    with pytest.raises(DataError, match=r"features 47, species 48.*\n  save one array of features"):
        read("birds.npz")


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
def test_a_torn_file_is_refused(root, form):
    (root / f"birds.{form}").write_bytes(b'PAR1\x00"')
    with pytest.raises(DataError, match=rf"birds\.{form}: "):
        read(f"birds.{form}")


def test_files_that_are_not_there_are_told_with_those_that_are(root):
    write_table(root / "birds.csv", birds())
    with pytest.raises(DataError, match=r" birds\.csv\n"):
        read("bird.csv")
    with pytest.raises(DataError, match=r"\.csv, \.parquet, \.npz"):
        read("birds.xlsx")
    with pytest.raises(DataError, match="`evenhand data features waterbirds"):
        waterbirds_features()


def encoded_rows(**columns):
    """Twenty rows with an image in bytes, a number, a label and a split."""
    numbers = np.random.default_rng(0).normal(size=20)
    given = {"im": [encoded(np.full((8, 8, 3), i, np.uint8)) for i in range(20)], "x": numbers}
    return pa.table({**given, "y": [0, 1] * 10, "split": ["train"] * 12 + ["test"] * 8, **columns})


def test_columns_beside_images_are_stated_as_left_out(root):
    pq.write_table(encoded_rows(), root / "a.parquet")
    reading = table("a.parquet", "y", image="im").reading
    assert reading.left_out == {
        "im": "image",
        "x": "the examples are images",
        "y": "label",
        "split": "split",
    }


def test_image_files_among_features_are_recognised(root):
    pq.write_table(encoded_rows(), root / "a.parquet")
    with pytest.raises(
        DataError, match=r"bytes: 'im'\n.*\n  or name it as the images, `image: im`"
    ):
        table("a.parquet", "y")


@pytest.mark.parametrize(
    "about", ['{"index_columns": null}', "{oops", "[1]", '{"index_columns": [{}]}']
)
def test_metadata_that_cannot_be_read_mark_no_index(root, about):
    rows = encoded_rows().replace_schema_metadata({b"pandas": about.encode()})
    pq.write_table(rows.drop(["im"]), root / "a.parquet")
    assert table("a.parquet", "y").reading.features == ("x",)


def test_a_folder_of_one_split_may_be_split_by_the_suite(root):
    (root / "hub").mkdir()
    pq.write_table(
        encoded_rows().drop(["im", "split"]), root / "hub" / "train-00000-of-00001.parquet"
    )
    source = table("hub", "y", split={"test": 0.2})
    assert (len(source.train), len(source.test)) == (16, 4)
    assert source.reading.left_out == {"y": "label"}


def test_a_misspelt_column_of_splits_is_told_with_the_nearest(root):
    pq.write_table(encoded_rows().rename_columns(["im", "x", "y", "splt"]), root / "a.parquet")
    with pytest.raises(DataError, match=r"did you mean 'splt'[^`]*`\{test: 0.2\}`"):
        table("a.parquet", "y", image="im")


def test_naming_a_column_is_advised_only_where_it_helps(root):
    dates = pa.array([datetime.date(2024, 1, 1 + i) for i in range(20)])
    pq.write_table(encoded_rows(when=dates).drop(["im"]), root / "a.parquet")
    with pytest.raises(DataError) as raised:
        table("a.parquet", "y")
    assert "features: …" not in str(raised.value)
    pq.write_table(encoded_rows(row=list(range(20))).drop(["im"]), root / "b.parquet")
    with pytest.raises(DataError, match="features: …"):
        table("b.parquet", "y")
