"""Waterbirds from the makers' folder, prepared once; what is wrong in it is counted and refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from evenhand.data.files.data_root import use_data_root
from evenhand.data.files.image_list import ImageTransform
from evenhand.data.files.original import counted
from evenhand.data.files.prepared import find
from evenhand.data.files.preparing import prepare_once
from evenhand.data.sources.waterbirds import WATERBIRDS, waterbirds
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError
from tests.data.groups import write_waterbirds
from tests.data.samples import has_facts


@pytest.fixture
def folder(tmp_path):
    return write_waterbirds(tmp_path)


def prepared(folder, tmp_path):
    return prepare_once(WATERBIRDS, tmp_path / "root", place=folder)


def test_it_is_prepared_with_its_splits_and_groups(folder, tmp_path):
    made = prepared(folder.parent, tmp_path)
    with use_data_root(tmp_path / "root"):
        source = waterbirds()
    assert (source.classes, source.groups) == (("landbird", "waterbird"), ("land", "water"))
    assert source.train.pixels.shape == (4, 224, 224, 3)
    for split in counted(source).values():
        assert split.tolist() == [[1, 1], [1, 1]]
    assert made.contents.fingerprint == find("waterbirds", tmp_path / "root").contents.fingerprint
    assert isinstance(made.source.train.pixels.base, np.memmap)


def test_rows_of_the_counts_have_the_order_of_the_papers(folder, tmp_path):
    """Row 2·y + place: of landbirds land and water, then of waterbirds."""
    source = prepared(folder, tmp_path).source
    assert (2 * source.train.labels + source.train.groups).tolist() == [0, 1, 2, 3]


def test_an_image_is_resized_whatever_its_proportions_and_its_middle_cut_out(folder, tmp_path):
    source = prepared(folder, tmp_path).source
    path = folder / "000.Bird" / "bird_0.jpg"
    with Image.open(path) as image:
        whole = np.asarray(image.convert("RGB").resize((256, 256), Image.Resampling.BILINEAR))
        assert ImageTransform(resize=8, square=True)(image).shape == (8, 8, 3)
    np.testing.assert_array_equal(source.train.pixels[0], whole[16:240, 16:240])


def test_its_facts_are_those_of_the_images():
    facts = REGISTRY.get("dataset", "waterbirds").facts
    assert (facts["n_classes"], facts["n_groups"], facts["own_val"]) == (2, 2, True)
    assert sum(map(sum, facts["original"].published["train"])) == 4795


def rewritten(folder, old, new):
    path = folder / "metadata.csv"
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("_2.jpg,1,0,0", "_2.jpg,7,0,0", "1 of 12 rows … 'y' … 0 or 1: row 4"),
        ("_2.jpg,1,0,0", "_2.jpg,1,0,2", "1 of 12 rows … 'place' … 0 or 1: row 4"),
        ("_2.jpg,1,0,0", "_2.jpg,1,3,0", "'split' ('3'): row 4"),
        ("_2.jpg,1,0,0", "_2.jpg,1,2,0", "waterbird in land: train 0, val 1, test 2"),
        ("bird_5", "bird_x", "1 of 12 rows … row 7"),
        ("img_filename", "file", "'img_filename'"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_left(folder, tmp_path, old, new, says):
    rewritten(folder, old, new)
    with pytest.raises(DataError) as raised:
        prepared(folder, tmp_path)
    assert has_facts(raised.value, says)
    assert not (tmp_path / "root" / "waterbirds").exists()


def test_torn_images_are_counted_and_named(folder, tmp_path):
    for i in (1, 3):
        (folder / f"{i // 2:03}.Bird" / f"bird_{i}.jpg").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"2 of 12 rows .*: rows 3, 5\n.*bird_1\.jpg"):
        prepared(folder, tmp_path)
    assert [path.name for path in (tmp_path / "root").iterdir()] == [".waterbirds.lock"]


def test_it_is_not_downloaded_without_a_checksum(tmp_path):
    with pytest.raises(DataError, match=r"checksum(.|\n)*--from DIR"):
        prepare_once(WATERBIRDS, tmp_path)
    with pytest.raises(DataError, match="waterbird_complete95_forest2water2/"):
        prepare_once(WATERBIRDS, tmp_path, place=tmp_path)
