"""Folders of images by class: found by name, and whatever has no place there is refused by path."""

from __future__ import annotations

import pytest

from evenhand.data.files.class_folders import list_class_folders
from evenhand.errors import DataError
from tests.data.samples import has_facts

SPLIT = ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png")
ALONE = ("cat/1.png", "dog/2.png")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def made(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def refusal(root):
    with pytest.raises(DataError) as raised:
        list_class_folders(root)
    return str(raised.value)


def rows(found):
    return [
        *zip(*(found.columns[name].tolist() for name in ("file", "label", "split")), strict=True)
    ]


def test_images_have_their_split_and_class_from_their_folders(root):
    found = list_class_folders(made(root, *SPLIT, "val/dog/5.png"))
    assert found.has_splits
    assert rows(found) == [
        ("test/cat/3.png", "cat", "test"), ("test/dog/4.png", "dog", "test"),
        ("train/cat/1.png", "cat", "train"), ("train/dog/2.png", "dog", "train"),
        ("val/dog/5.png", "dog", "val"),
    ]  # fmt: skip


def test_folders_of_classes_alone_have_no_splits(root):
    found = list_class_folders(made(root, *ALONE))
    assert not found.has_splits
    assert rows(found) == [("cat/1.png", "cat", ""), ("dog/2.png", "dog", "")]


@pytest.mark.parametrize("names", [("Training", "Testing"), ("TRAIN", "Test")])
def test_usual_names_of_splits_are_known(root, names):
    pairs = zip(("train", "test"), names, strict=True)
    given = [f"{name}/{c}/1.png" for _, name in pairs for c in ("cat", "dog")]
    assert list_class_folders(made(root, *given)).has_splits


def test_a_train_may_be_a_class(root):
    found = list_class_folders(made(root, "train/1.png", "bus/2.png"))
    assert not found.has_splits
    assert found.columns["label"].tolist() == ["bus", "train"]


def test_hidden_and_system_files_are_ignored_and_counted(root):
    litter = (".DS_Store", "train/Thumbs.db", "train/cat/._1.png", "train/cat/desktop.ini")
    found = list_class_folders(made(root, *SPLIT, *litter, "__MACOSX/a/b.png"))
    assert len(found.columns) == 4
    assert found.notes == ("5 hidden or system files were ignored, such as .DS_Store",)


@pytest.mark.parametrize("tree", [SPLIT, ALONE])
def test_an_ignored_file_is_counted_once(root, tree):
    found = list_class_folders(made(root, *tree, ".DS_Store"))
    assert found.notes == ("1 hidden or system file was ignored, such as .DS_Store",)


def test_symbolic_links_are_followed_and_broken_ones_refused(root, tmp_path):
    made(root, *SPLIT)
    made(tmp_path / "elsewhere", "6.png")
    (root / "train/cat/6.png").symlink_to(tmp_path / "elsewhere/6.png")
    (root / "train/eel").symlink_to(tmp_path / "elsewhere")
    found = list_class_folders(root)
    assert {"train/cat/6.png", "train/eel/6.png"} <= {*found.columns["file"]}
    (root / "train/cat/7.png").symlink_to(tmp_path / "gone.png")
    assert has_facts(refusal(root), "train/cat/7.png: … link … not there")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((*SPLIT, "README.md"), "photos/README.md: … beside … move it"),
        ((*SPLIT, "train/5.png"), "photos/train/5.png: … no class"),
        ((*SPLIT, "train/cat/tabby/5.png"), "train/cat/tabby: … folder in it"),
        ((*ALONE, "cat/tabby/5.png"), "cat/tabby: … folder in it"),
        ((*SPLIT, "fish/5.png"), "splits (test, train) beside other folders (fish)"),
        ((*SPLIT, "training/cat/5.png"), "for train there is train and training"),
        (("train/cat/1.png", "train/dog/2.png"), "for test there is none … `path: photos/train"),
        (("train/1.png", "test/2.png"), "test/2.png: … no class"),
        ((*SPLIT, "test/Cat/5.png"), "'Cat' and 'cat' differ in case"),
        ((*ALONE, "Café/1.png", "Cafe\u0301/2.png"), "differ in case or in the encoding"),
        ((*ALONE, "cat\u200b/3.png"), "invisible characters"),
        ((*ALONE, "cat /3.png"), "'cat ' … invisible characters"),
        (("cat/1.png",), "only 'cat'"),
        ((), "photos: … no folders here"),
    ],
)  # fmt: skip
def test_whatever_has_no_place_is_refused_by_path(root, names, says):
    assert has_facts(refusal(made(root, *names)), says)


def test_an_empty_folder_of_a_class_is_refused(root):
    made(root, *SPLIT)
    (root / "test" / "eel").mkdir()
    assert has_facts(refusal(root), "photos/test/eel: … has none")


def test_a_file_or_nothing_in_place_of_the_folder_is_refused(root):
    assert has_facts(refusal(root / "gone"), "gone: … No such file")
    (root / "photos.zip").write_bytes(b"PK")
    assert has_facts(refusal(root / "photos.zip"), "Not a directory … unpacked")
