"""CelebA from the makers' lists: one attribute is the label, another the group."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.files.data_root import use_data_root
from evenhand.data.files.original import counted
from evenhand.data.files.preparing import prepare_once
from evenhand.data.sources.celeba import CELEBA, celeba
from evenhand.errors import DataError
from tests.data.groups import write_celeba
from tests.data.samples import has_facts

ATTRS, SPLITS = "list_attr_celeba", "list_eval_partition"


@pytest.fixture
def root(tmp_path):
    prepare_once(CELEBA, tmp_path / "root", place=write_celeba(tmp_path))
    with use_data_root(tmp_path / "root"):
        yield tmp_path / "root"


def test_blond_hair_is_the_label_and_male_the_group(root):
    source = celeba()
    assert source.classes == ("not Blond_Hair", "Blond_Hair")
    assert source.groups == ("not Male", "Male")
    assert source.train.pixels.shape == (8, 224, 224, 3)
    assert [cells.tolist() for cells in counted(source).values()] == [[[2, 2], [2, 2]]] * 3


def test_another_attribute_needs_no_preparing(root):
    source = celeba(label="Smiling", group="Blond_Hair")
    assert source.train.labels.tolist() == [0, 1] * 4
    assert source.train.groups.tolist() == [0] * 4 + [1] * 4
    with pytest.raises(DataError, match="did you mean 'Smiling'"):
        celeba(label="smilin")
    with pytest.raises(DataError, match=r"label and group .* Male"):
        celeba(label="Male")


def test_lists_as_csv_say_the_same(root, tmp_path):
    other = prepare_once(CELEBA, tmp_path / "b", place=write_celeba(tmp_path / "csv", as_csv=True))
    np.testing.assert_array_equal(other.source.train.pixels, celeba().train.pixels)
    np.testing.assert_array_equal(other.source.val.labels, celeba().val.labels)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (ATTRS, "03.jpg  -1", "03.jpg   5", "1 nor -1 … 'Smiling': row 5"),
        (ATTRS, "03.jpg  -1", "03.jpg", "1 of 24 rows … 4 fields: row 5"),
        (ATTRS, "000003.jpg", "000099.jpg", "list_eval_partition.txt: row 5"),
        (SPLITS, "03.jpg 0", "03.jpg 4", "'partition' ('4'): row 3"),
        (ATTRS, "Male", "Female", "'Male'"),
    ],
)
def test_what_is_wrong_is_counted_and_refused(tmp_path, file, old, new, says):
    path = write_celeba(tmp_path) / f"{file}.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError) as raised:
        prepare_once(CELEBA, tmp_path / "root", place=path.parent)
    assert has_facts(raised.value, says)


def test_an_absent_image_is_counted(tmp_path):
    place = write_celeba(tmp_path)
    (place / "img_align_celeba" / "000004.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 24 rows .*: row 6\n"):
        prepare_once(CELEBA, tmp_path / "root", place=place)
