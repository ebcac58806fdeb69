"""Images in folders by class are a problem in three lines of a suite."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.files.data_root import use_data_root
from evenhand.data.sources.image_folder import image_folder
from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem
from evenhand.errors import DataError
from tests.data.files.pictures import encoded
from tests.data.samples import has_facts


@pytest.fixture
def root(tmp_path):
    with use_data_root(tmp_path):
        yield tmp_path


def write(folder, counts, side=8):
    """Images by folder; the level of each tells its place in the folder."""
    for name, n in counts.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            (folder / name / f"{i}.png").write_bytes(encoded(np.full((side, side), i, np.uint8)))


def test_folders_of_splits_are_the_splits(root):
    counts = {"train/2": 4, "train/10": 3, "val/2": 2, "val/10": 1, "test/2": 1, "test/10": 2}
    write(root / "photos", counts)
    source = image_folder("photos", size=4)
    assert source.classes == ("2", "10")
    parts = [source.train, source.val, source.test]
    assert [part.counts(2, 1).ravel().tolist() for part in parts] == [[4, 3], [2, 1], [1, 2]]
    assert source.test.shape == (4, 4, 3)
    by_class = source.train.pixels[source.train.labels == 1, 0, 0, 0]
    assert sorted(by_class.tolist()) == [0, 1, 2]


def test_a_rule_splits_folders_of_classes_alone(root):
    write(root / "photos", {"cat": 10, "dog": 20})
    source = image_folder("photos", split={"test": 0.2, "val": 0.1})
    assert source.test.counts(2, 1).ravel().tolist() == [2, 4]
    assert source.val.counts(2, 1).ravel().tolist() == [1, 2]
    folded = image_folder("photos", split={"folds": 5})
    assert folded.folds == 5


def test_a_profile_thins_the_classes(root):
    write(root / "photos", {f"{s}/{c}": 10 for s in ("train", "test") for c in ("a", "b", "c")})
    dataset = REGISTRY.part("dataset", "image_folder", {"path": "photos"})
    profile = Part(name="exp", settings={"ratio": 10.0})
    problem = Problem(dataset=dataset, profile=profile)
    data = make_splits(problem, image_folder("photos"), seed=0, vary=())
    assert data.counts.ravel().tolist() == [10, 3, 1]
    assert data.summary.reading.notes == ("60 images of 8 × 8 are used as they are",)


def test_the_content_of_the_folder_is_in_the_digest(root):
    write(root / "photos", {f"{s}/{c}": 3 for s in ("train", "test") for c in ("a", "b")})
    before = image_folder("photos").digest
    assert image_folder("photos").digest == before
    (root / "photos/train/a/0.png").write_bytes(encoded(np.full((8, 8), 99, np.uint8)))
    assert image_folder("photos").digest != before


@pytest.mark.parametrize(
    ("folders", "settings", "says"),
    [
        ("ab", {}, "no folders train and test … `split: {test: 0.2"),
        ("ab", {"split": "part"}, "no columns … 'part' … `table`"),
        ("ab", {"split": {"test": 0.2, "together": "cow"}}, "no columns … 'cow'"),
        ("split", {"split": {"test": 0.2}}, "give the splits … `path: photos/train`"),
        ("uneven", {}, "class … b … test"),
    ],
)
def test_a_folder_that_does_not_fit_its_split_is_refused(root, folders, settings, says):
    both = {"train/a": 2, "train/b": 2, "test/a": 2, "test/b": 2}
    uneven = {"train/a": 2, "train/b": 2, "test/a": 2}
    write(root / "photos", {"ab": {"a": 2, "b": 2}, "split": both, "uneven": uneven}[folders])
    with pytest.raises(DataError) as raised:
        image_folder("photos", **settings)
    assert has_facts(raised.value, says)


def test_a_file_that_is_no_image_is_refused_by_path(root):
    write(root / "photos", {f"{s}/{c}": 3 for s in ("train", "test") for c in ("a", "b")})
    (root / "photos/train/b/notes.txt").write_text("blurred")
    for size in (None, 4):
        with pytest.raises(DataError) as raised:
            image_folder("photos", size=size)
        assert has_facts(raised.value, "1 of 13 files cannot … train/b/notes.txt … not an image")
