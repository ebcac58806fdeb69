"""The hub's Parquet files: splits by the names of files, names of labels by the schema."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenhand.data.files.columns import read
from evenhand.data.files.hub_folder import read_hub_folder
from evenhand.errors import DataError
from tests.data.samples import has_facts

NAMES = ["owl", "gull", "bee"]


def shard(path, labels, *, names=None, **columns):
    table = pa.table({"x": list(range(len(labels))), "label": labels, **columns})
    if names:
        about = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def refusal(folder, look=read_hub_folder):
    with pytest.raises(DataError) as raised:
        look(folder)
    return str(raised.value)


LAYOUTS = {
    "shards": (
        "data/train-00000-of-00002-1a2b3c.parquet",
        "data/train-00001-of-00002-9f.parquet",
        "data/validation-00000-of-00001.parquet",
        "data/test-00000-of-00001.parquet",
    ),
    "converted": (
        "default/train/0000.parquet",
        "default/train/0001.parquet",
        "default/validation/0000.parquet",
        "default/test/0000.parquet",
    ),
    "plain": ("train1.parquet", "train2.parquet", "val.parquet", "test.parquet"),
    "named": (
        "birds-train_a.parquet",
        "birds-train_b.parquet",
        "birds-valid.parquet",
        "birds.TEST.parquet",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_splits_are_in_the_names_of_files_or_their_folders(tmp_path, layout):
    for i, name in enumerate(LAYOUTS[layout]):
        shard(tmp_path / name, [i, i, i + 1])
    found = read_hub_folder(tmp_path)
    by_split = {s: found["label"][found["split"] == s].tolist() for s in ("train", "val", "test")}
    assert by_split == {"train": [0, 0, 1, 1, 1, 2], "val": [2, 2, 3], "test": [3, 3, 4]}


def test_hidden_copies_and_other_files_are_no_part(tmp_path):
    for split in ("train", "test"):
        shard(tmp_path / f"{split}.parquet", [0])
        shard(tmp_path / ".cache" / f"{split}.parquet", [1])
    (tmp_path / "README.md").write_text("Birds")
    assert read_hub_folder(tmp_path)["label"].tolist() == [0, 0]


def test_rows_are_named_by_their_files(tmp_path):
    shard(tmp_path / "train-0.parquet", ["a", "b"])
    shard(tmp_path / "test-0.parquet", ["a", None, None])
    found = read_hub_folder(tmp_path)
    with pytest.raises(DataError, match=r"2 of 5 rows .*: test-0\.parquet row 1, test-0"):
        found.texts("label", "label")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "has none … `image_folder`"),
        (["train.parquet", "extra.parquet"], "extra.parquet: … none … rename"),
        (["train-test.parquet"], "test and train"),
        (["train.parquet", "validation.parquet"], "none of test … rename … validation to test"),
        (["a/train.parquet", "b/test.parquet"], "one folder … /a, … /b … `path`"),
        (["train-00000-of-00002.parquet", "test.parquet"], "2 files … train … 1 are there"),
        (["train-00000-of-00002.parquet", "train-00000-of-00003.parquet"], "2 or 3 files"),
    ],
)  # fmt: skip
def test_files_that_do_not_belong_together_are_refused(tmp_path, files, says):
    for name in files:
        shard(tmp_path / name, [0])
    assert has_facts(refusal(tmp_path), says)


def test_a_missing_split_is_refused_unless_the_suite_draws_it(tmp_path):
    shard(tmp_path / "train.parquet", [0, 1])
    assert has_facts(refusal(tmp_path), "none of test … `split: {test: 0.2}`")
    assert len(read_hub_folder(tmp_path, own_splits=False)) == 2
    shard(tmp_path / "test.parquet", [0, 1])
    text = refusal(tmp_path, lambda folder: read_hub_folder(folder, own_splits=False))
    assert has_facts(text, "another `split` … leave `split` out")


def test_files_with_other_columns_are_refused(tmp_path):
    shard(tmp_path / "train.parquet", [0], f=[1.0])
    shard(tmp_path / "test.parquet", [0])
    assert has_facts(refusal(tmp_path), "train.parquet: … same columns, and f is only")
    for name in ("train", "test"):
        shard(tmp_path / f"{name}.parquet", [0], split=["train"])
    assert has_facts(refusal(tmp_path), "'split', too … rename")


def test_labels_have_the_names_of_the_schema(tmp_path):
    shard(tmp_path / "t.parquet", [2, 0, None, 1], names=NAMES)
    assert read(tmp_path / "t.parquet")["label"].tolist() == ["bee", "owl", None, "gull"]
    shard(tmp_path / "t.parquet", [2, 0, 1])
    np.testing.assert_array_equal(read(tmp_path / "t.parquet")["label"], [2, 0, 1])


@pytest.mark.parametrize("value", [-1, 3])
def test_a_label_without_a_name_is_refused(tmp_path, value):
    shard(tmp_path / "t.parquet", [0, value, 1, value], names=NAMES)
    text = refusal(tmp_path / "t.parquet", read)
    assert has_facts(text, f"2 of 4 rows have the label {value} in 'label' … 0 to 2: rows 1, 3")


@pytest.mark.parametrize(
    "about", ["", "{", "[]", '{"info": {"features": {"label": {"names": 3}}}}']
)
def test_other_metadata_of_the_hub_leave_labels_as_they_are(tmp_path, about):
    table = pa.table({"label": [0, 1]}).replace_schema_metadata({"huggingface": about})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")["label"].tolist() == [0, 1]
