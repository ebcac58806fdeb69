"""One data set in each form in which it comes, and what each form can get wrong."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from torchvision import datasets

from evenhand.data.files.preparing import prepare_once
from evenhand.errors import DataError
from tests.data.originals import (
    SMALL10,
    SMALL100,
    TINY,
    encoded,
    source,
    write_archive,
    write_folder,
    write_official,
    write_parquet,
)
from tests.data.samples import has_facts

MADE = source(TINY)


def prepared(original, place, root):
    return prepare_once(original, root, place=place).source


def assert_same(found, made):
    for split in ("train", "test"):
        a, b = getattr(found, split), getattr(made, split)
        np.testing.assert_array_equal(a.pixels, b.pixels)
        np.testing.assert_array_equal(a.labels, b.labels)
        assert not a.groups.any()
    assert found.classes == made.classes
    assert found.per_class == made.per_class


@pytest.fixture
def place(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.mark.parametrize("form", ["png", "webp"])
def test_folders_of_images_are_read_class_by_class_in_the_official_order(place, root, form):
    found = prepared(TINY, write_folder(TINY, MADE, place, form), root)
    assert_same(found, MADE)
    assert not found.in_official_order


def test_jpeg_is_read_too_though_it_has_lost_something(place, root):
    found = prepared(TINY, write_folder(TINY, MADE, place, "jpeg"), root)
    assert found.train.pixels.shape == MADE.train.pixels.shape
    assert (found.train.pixels != MADE.train.pixels).any()


@pytest.mark.parametrize("form", [{}, {"image": "img"}, {"bare": True}, {"names": TINY.classes}])
def test_parquet_is_read_in_its_own_order(place, root, form):
    made = source(TINY, shuffled=True)
    found = prepared(TINY, write_parquet(TINY, made, place, **form), root)
    assert_same(found, made)
    assert not found.in_official_order


def test_one_parquet_file_stands_for_its_neighbours(place, root):
    write_parquet(TINY, MADE, place)
    [one, *_] = sorted(place.rglob("*.parquet"))
    assert_same(prepared(TINY, one, root), MADE)


def test_fine_labels_come_before_others(place, root):
    made = source(SMALL100, shuffled=True)
    write_parquet(SMALL100, made, place, label="fine_label", names=SMALL100.classes)
    for path in place.rglob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.append_column("label", pa.array([0] * len(table))), path)
    assert_same(prepared(SMALL100, place, root), made)


@pytest.mark.parametrize("original", [SMALL10, SMALL100], ids=lambda original: original.name)
def test_official_files_are_read_in_their_order(place, root, original, monkeypatch):
    made = source(original, shuffled=True)
    write_official(original, made, place, monkeypatch)
    found = prepared(original, place, root)
    assert_same(found, made)
    assert found.in_official_order


def test_the_official_folder_itself_may_be_named(place, root, monkeypatch):
    made = source(SMALL10, shuffled=True)
    write_official(SMALL10, made, place, monkeypatch)
    assert_same(prepared(SMALL10, place / "cifar-10-batches-py", root), made)


def test_the_official_archive_is_read_where_it_lies(place, root, monkeypatch):
    made = source(SMALL10, shuffled=True)
    archive = write_archive(SMALL10, made, place, monkeypatch)
    before = sorted(place.rglob("*"))
    assert_same(prepared(SMALL10, archive, root), made)
    assert sorted(place.rglob("*")) == before


def test_what_is_not_there_is_downloaded_and_only_the_prepared_form_stays(place, root, monkeypatch):
    made = source(SMALL10, shuffled=True)
    archive = write_archive(SMALL10, made, place, monkeypatch)
    asked = []

    def retrieve(url, path):
        asked.append(url)
        shutil.copy(archive, path)

    monkeypatch.setattr("torchvision.datasets.utils._get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", retrieve)
    found = prepare_once(SMALL10, root)
    assert_same(found.source, made)
    assert found.contents.origin == "official files downloaded"
    assert asked == [datasets.CIFAR10.url]
    assert sorted(path.name for path in root.iterdir()) == [".cifar10.lock", "cifar10"]


@pytest.mark.parametrize(
    "error", [urllib.error.URLError("no route"), http.client.IncompleteRead(b""), RuntimeError()]
)
def test_a_download_that_fails_says_how_to_do_without(root, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("torchvision.datasets.utils.download_url", fail)
    with pytest.raises(DataError, match=r"cannot be downloaded from (.|\n)*add `--from DIR`"):
        prepare_once(SMALL10, root)
    assert [path.name for path in root.iterdir()] == [".cifar10.lock"]


def test_a_torn_archive_is_not_unpacked(place, root, monkeypatch):
    archive = write_archive(SMALL10, source(SMALL10), place, monkeypatch)
    archive.write_bytes(archive.read_bytes()[:-10])
    with pytest.raises(DataError, match="not the official archive"):
        prepared(SMALL10, archive, root)


def test_a_changed_official_file_is_told(place, root, monkeypatch):
    write_official(SMALL10, source(SMALL10), place, monkeypatch)
    (place / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"half")
    with pytest.raises(DataError, match="not the official files"):
        prepared(SMALL10, place, root)


def emptied(folder):
    for file in folder.iterdir():
        file.unlink()
    return folder


# What happens to mirrors, as it is done to their folder of ants and to their test images.
WRONG = {
    "torn": lambda ant, _: (ant / "0001.png").write_bytes((ant / "0001.png").read_bytes()[:60]),
    "empty file": lambda ant, _: (ant / "0001.png").write_bytes(b""),
    "size": lambda ant, _: (ant / "0001.png").write_bytes(encoded(np.zeros((8, 8, 3), np.uint8))),
    "part": lambda ant, _: (ant / "0009.png.part").write_bytes(b""),
    "class": lambda ant, _: ant.rename(ant.with_name("aunt")),
    "no class": lambda ant, _: emptied(ant).rmdir(),
    "no image": lambda ant, _: emptied(ant),
    "too many": lambda ant, test: (ant / "9.png").write_bytes((test / "0000.png").read_bytes()),
    "test": lambda _, test: (test / "0001.png").unlink(),
}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("torn", "train/ant/0001.png: is damaged"),
        ("empty file", "train/ant/0001.png: is damaged"),
        ("size", "train/ant/0001.png: … 4 × 6 … 8 × 8"),
        ("part", "train/ant/0009.png.part: … .png … .webp"),
        ("class", "train/aunt: … tiny … did you mean 'ant'?"),
        ("no class", "train: … 3 classes … ant"),
        ("no image", "ant has 0 … 1 to 5"),
        ("too many", "ant has 6 … 1 to 5"),
        ("test", "bee has 1 of 2 test images\n"),
    ],
)
def test_what_is_wrong_in_a_folder_is_told_with_its_place(place, root, what, says):
    write_folder(TINY, MADE, place)
    WRONG[what](place / "train" / "ant", place / "test" / "bee")
    with pytest.raises(DataError) as raised:
        prepared(TINY, place, root)
    assert str(raised.value).startswith(str(place))
    assert has_facts(raised.value, says)
    assert [path.name for path in root.iterdir()] == [".tiny.lock"]


def test_training_images_may_be_lacking_but_it_is_known(place, root):
    write_folder(TINY, MADE, place)
    (place / "train" / "cow" / "0004.png").unlink()
    found = prepared(TINY, place, root)
    assert np.bincount(found.train.labels).tolist() == [5, 5, 4]
    assert (len(found.train), found.n_whole) == (14, 15)


def test_hidden_files_are_passed_over(place, root):
    write_folder(TINY, MADE, place)
    (place / "train" / ".cache").mkdir()
    (place / "train" / "ant" / ".DS_Store").write_bytes(b"")
    assert_same(prepared(TINY, place, root), MADE)


def test_a_mirrors_own_name_for_a_class_is_known(place, root):
    write_folder(TINY, MADE, place)
    for split in ("train", "test"):
        (place / split / "bee").rename(place / split / "be")
    assert_same(prepared(replace(TINY, aliases={"be": "bee"}), place, root), MADE)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"label": "y"}, "label … image, y"),
        ({"image": "x"}, "image or img"),
        ({"names": ("bee", "ant", "cow")}, "label 0 of label … bee … ant"),
    ],
)
def test_other_columns_and_other_classes_are_told(place, root, form, says):
    write_parquet(TINY, MADE, place, **form)
    with pytest.raises(DataError) as raised:
        prepared(TINY, place, root)
    assert has_facts(raised.value, says)


def test_a_name_that_the_hub_misspells_is_let_pass(place, root):
    write_parquet(TINY, MADE, place, names=("ant", "be", "cow"))
    assert_same(prepared(TINY, place, root), MADE)


@pytest.mark.parametrize("value", [3, -1, None])
def test_a_label_that_there_is_not_is_told(place, root, value):
    write_parquet(TINY, MADE, place)
    [path, *_] = sorted(place.rglob("train*.parquet"))
    table = pq.read_table(path)
    labels = pa.array([value, *table["label"].to_pylist()[1:]])
    pq.write_table(table.set_column(1, "label", labels), path)
    with pytest.raises(DataError, match=r"train has the label -?\d; .* tiny .* 0 to 2"):
        prepared(TINY, place, root)


def test_half_a_parquet_file_is_told(place, root):
    write_parquet(TINY, MADE, place)
    [path, *_] = sorted(place.rglob("train*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        prepared(TINY, place, root)


def test_a_torn_image_in_parquet_is_told_by_its_row(place, root):
    write_parquet(TINY, MADE, place, bare=True)
    [path, *_] = sorted(place.rglob("train*.parquet"))
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "image", pa.array([b"no"] * len(table))), path)
    with pytest.raises(DataError, match=r"parquet: row 0: is damaged"):
        prepared(TINY, place, root)


def test_a_place_without_images_says_what_it_may_hold(place, root):
    place.mkdir()
    with pytest.raises(DataError) as raised:
        prepared(SMALL10, place, root)
    assert str(raised.value).startswith(f"{place}: ")
    assert str(raised.value).endswith(
        "  the official files: cifar-10-batches-py/ or cifar-10-python.tar.gz\n"
        "  image files: train/airplane/*.png (or webp, jpg) and test/…\n"
        "  Parquet: train*.parquet and test*.parquet with the columns image and label"
    )
    with pytest.raises(DataError, match="nowhere: "):
        prepared(TINY, place / "nowhere", root)
    with pytest.raises(DataError, match=r"^tiny .*\n.*`--from DIR`"):
        prepare_once(TINY, root)
