"""TinyImageNet: its makers' layout, mirrors of it, half its size, and what each can get wrong."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from evenhand.data.files.data_root import use_data_root
from evenhand.data.files.preparing import prepare_once
from evenhand.data.images import Images, Source
from evenhand.data.profiles import Exponential
from evenhand.data.sources.tinyimagenet import ARCHIVE, TINYIMAGENET, halved, tinyimagenet
from evenhand.data.splits import make_splits
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import STREAMS, Val
from evenhand.errors import DataError
from evenhand.suite.problems import resolve_problem
from tests.data.originals import (
    encoded,
    regroup,
    source,
    write_folder,
    write_parquet,
    write_tinyimagenet,
)
from tests.data.samples import has_facts

SMALL = replace(TINYIMAGENET, unnamed=3, train=4, test=2)
NAMED = replace(SMALL, classes=("n01443537", "n01629819", "n02124075"))
MADE = source(NAMED)
RIGHT = "n01443537"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def folder(place):
    return write_tinyimagenet(MADE, place)


def prepared(place, root, original=SMALL):
    return prepare_once(original, root, place=place)


def ordered(part):
    """Images of a split by class, and those of a class as one."""
    return [sorted(part.pixels[part.labels == c].tolist()) for c in range(3)]


def packed(folder, place):
    """The makers' archive; an original that knows it by its checksum."""
    archive = shutil.make_archive(str(place / "tiny-imagenet-200"), "zip", place, folder.name)
    shutil.rmtree(folder)
    from torchvision.datasets.utils import calculate_md5

    return replace(SMALL, official=replace(ARCHIVE, md5=calculate_md5(archive)))


def test_it_has_200_classes_of_500_and_50_images():
    facts = REGISTRY.get("dataset", "tinyimagenet").facts
    assert (facts["n_classes"], facts["per_class"], facts["shape"]) == (200, 500, (64, 64, 3))
    assert TINYIMAGENET.test == 50


def test_the_makers_layout_is_read_in_the_order_of_the_classes_names(folder, root):
    found = prepared(folder, root)
    assert found.source.classes == NAMED.classes
    assert found.contents.origin == f"official files {folder}"
    assert found.source.in_official_order
    np.testing.assert_array_equal(found.source.train.pixels, MADE.train.pixels)
    np.testing.assert_array_equal(found.source.train.labels, MADE.train.labels)
    assert ordered(found.source.test) == ordered(MADE.test)


@pytest.mark.parametrize("named", ["folder", "what holds it", "another name", "archive", "holds"])
def test_the_official_files_are_found_wherever_they_are_named(folder, place, root, named):
    original, at = SMALL, folder
    if named == "what holds it":
        at = place
    elif named == "another name":
        at = folder.rename(place / "images")
    elif named in ("archive", "holds"):
        original = packed(folder, place)
        at = place / ARCHIVE.filename if named == "archive" else place
    found = prepared(at, root, original)
    np.testing.assert_array_equal(found.source.train.pixels, MADE.train.pixels)


def test_a_mirror_with_validation_images_by_class_is_the_same_to_the_bit(folder, root, tmp_path):
    official = prepared(folder, root)
    regroup(folder)
    mirror = prepared(folder, tmp_path / "other")
    assert mirror.contents.origin == f"image folder {folder}"
    assert mirror.contents.fingerprint == official.contents.fingerprint
    assert not mirror.source.in_official_order


def test_a_folder_called_test_will_do_but_val_comes_first(place, root, tmp_path):
    write_folder(NAMED, MADE, place)
    alone = prepared(place, root)
    np.testing.assert_array_equal(alone.source.test.pixels, MADE.test.pixels)
    (place / "test").rename(place / "val")
    (place / "test" / "images").mkdir(parents=True)
    both = prepared(place, tmp_path / "other")
    assert both.contents.fingerprint == alone.contents.fingerprint


@pytest.mark.parametrize(
    ("names", "classes"), [(NAMED.classes, NAMED.classes), ((), ("000", "001", "002"))]
)
def test_parquet_names_the_classes_or_their_numbers_do(place, root, names, classes):
    write_parquet(NAMED, MADE, place, names=names)
    for file in (place / "data").glob("test*"):
        file.rename(file.with_name(file.name.replace("test", "valid")))
    found = prepared(place, root).source
    assert found.classes == classes
    np.testing.assert_array_equal(found.test.pixels, MADE.test.pixels)


def test_labels_of_parquet_follow_the_names_in_order(place, root):
    write_parquet(NAMED, MADE, place, names=tuple(reversed(NAMED.classes)))
    with pytest.raises(DataError, match=r"label 0 of label .* n02124075; .* n01443537"):
        prepared(place, root)


def test_half_a_parquet_file_is_told_before_its_classes_are_read(place, root):
    write_parquet(NAMED, MADE, place)
    [file, *_] = sorted(place.rglob("train*.parquet"))
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        prepared(place, root)


def test_jpegs_are_read_and_grey_ones_become_colour(folder, root):
    grey = Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64))
    path = folder / "train" / RIGHT / "images" / f"{RIGHT}_0.JPEG"
    grey.save(path, "jpeg", quality=95)
    with Image.open(path) as image:
        assert image.mode == "L"
        expected = np.asarray(image)
    found = prepared(folder, root).source.train.pixels[0]
    np.testing.assert_array_equal(found, np.repeat(expected[..., None], 3, axis=2))


def test_what_is_not_there_is_downloaded(folder, place, root, monkeypatch):
    original, asked = packed(folder, place), []

    def retrieve(url, path):
        asked.append(url)
        shutil.copy(place / ARCHIVE.filename, path)

    monkeypatch.setattr("torchvision.datasets.utils._get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", retrieve)
    found = prepare_once(original, root)
    assert asked == ["http://cs231n.stanford.edu/tiny-imagenet-200.zip"]
    assert ordered(found.source.train) == ordered(MADE.train)
    assert sorted(path.name for path in root.iterdir()) == [".tinyimagenet.lock", "tinyimagenet"]


def test_a_torn_archive_is_not_unpacked(folder, place, root):
    original = packed(folder, place)
    archive = place / ARCHIVE.filename
    archive.write_bytes(archive.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"MD5(.|\n)*http://cs231n"):
        prepared(place, root, original)


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# What happens to copies, as it is done to the folder that the archive unpacks to.
WRONG = {
    "no names": lambda at: (at / "wnids.txt").unlink(),
    "few names": lambda at: change(at / "wnids.txt", f"{RIGHT}\n", ""),
    "no annotations": lambda at: (at / "val" / "val_annotations.txt").unlink(),
    "unknown": lambda at: change(at / "val" / "val_annotations.txt", RIGHT, "n01443536"),
    "half a line": lambda at: (at / "val" / "val_annotations.txt").write_text("val_000.JPEG"),
    "half annotated": lambda at: change(
        at / "val" / "val_annotations.txt", f"val_005.JPEG\t{RIGHT}\t0\t32\t44\t62\n", ""
    ),
    "half there": lambda at: (at / "val" / "images" / "val_005.JPEG").unlink(),
    "no val images": lambda at: shutil.rmtree(at / "val" / "images"),
    "mislabelled": lambda at: change(at / "val" / "val_annotations.txt", RIGHT, "n01629819"),
    "no class": lambda at: shutil.rmtree(at / "train" / RIGHT),
    "no train": lambda at: shutil.rmtree(at / "train"),
    "torn": lambda at: (at / "val" / "images" / "val_005.JPEG").write_bytes(b"\xff\xd8\xff"),
    "size": lambda at: (at / "val" / "images" / "val_005.JPEG").write_bytes(
        encoded(np.zeros((32, 32, 3), np.uint8))
    ),
}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("no names", "wnids.txt: … \n … tiny-imagenet-200.zip"),
        ("few names", "wnids.txt: … tinyimagenet … 3 … 2\n"),
        ("no annotations", "val_annotations.txt: … tiny-imagenet-200.zip"),
        (
            "unknown",
            "val_annotations.txt:1: val_005.JPEG … 'n01443536' … wnids.txt: … 'n01443537'?",
        ),
        ("half a line", "val_annotations.txt:1: val_000.JPEG is of the class ''"),
        ("half annotated", "images/val_005.JPEG: … no class … val_annotations.txt"),
        ("half there", "images/val_005.JPEG: … annotated … val_annotations.txt"),
        ("no val images", "val/images: "),
        ("mislabelled", "n01443537 has 1 of 2 test images\n  n01629819 has 3 of 2 test images"),
        ("no class", "train: … n01443537"),
        ("no train", "train: "),
        ("torn", "images/val_005.JPEG: is damaged"),
        ("size", "val_005.JPEG: … 64 × 64 … 32 × 32"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder, root, what, says):
    WRONG[what](folder)
    with pytest.raises(DataError) as raised:
        prepared(folder, root)
    assert str(raised.value).startswith(str(folder))
    assert has_facts(raised.value, says)
    assert [path.name for path in root.iterdir()] == [".tinyimagenet.lock"]


def test_a_mirror_with_too_few_classes_is_told(place, root):
    write_folder(NAMED, MADE, place)
    shutil.rmtree(place / "train" / RIGHT)
    with pytest.raises(DataError, match=r"train: .* 3 classes.* 2\n"):
        prepared(place, root)


def test_a_place_without_images_says_what_it_may_hold(place, root):
    place.mkdir()
    with pytest.raises(DataError) as raised:
        prepared(place, root)
    assert str(raised.value).startswith(f"{place}: ")
    assert str(raised.value).endswith(
        "  the official files: tiny-imagenet-200/ or tiny-imagenet-200.zip\n"
        "  image files: train/CLASS/*.png (or webp, jpg) and val/… or test/…\n"
        "  Parquet: train*.parquet and val*.parquet or test*.parquet with the columns image and "
        "label"
    )


def test_half_the_size_is_the_mean_of_four_pixels():
    whole = MADE.train.pixels.astype(int)
    quarters = [whole[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    by_hand = (sum(quarters) + 2) // 4
    found = halved(MADE.train)
    assert found.pixels.dtype == np.uint8
    np.testing.assert_array_equal(found.pixels, by_hand)
    assert found.labels is MADE.train.labels


def test_the_setting_size_halves_what_was_prepared(folder, root):
    prepared(folder, root)
    with use_data_root(root):
        whole, half = tinyimagenet(), tinyimagenet(size=32)
    for split in ("train", "test"):
        a, b = getattr(whole, split), getattr(half, split)
        assert (a.pixels.shape[1:], b.pixels.shape[1:]) == ((64, 64, 3), (32, 32, 3))
        np.testing.assert_array_equal(halved(a).pixels, b.pixels)
        np.testing.assert_array_equal(a.labels, b.labels)
    assert (half.classes, half.per_class) == (whole.classes, whole.per_class)
    # Only what is mapped from a file is read anew by each process.
    assert whole.files is not None
    assert half.files is None


def test_tinyimagenet_lt_has_22403_images_and_at_least_6_of_a_class():
    facts = REGISTRY.get("dataset", "tinyimagenet").facts
    counts = Exponential(83)(facts["per_class"], facts["n_classes"])
    assert (len(counts), counts.sum(), counts.max(), counts.min()) == (200, 22_403, 500, 6)


def test_half_of_the_test_images_of_each_class_are_validation_images():
    given = {"profile": "exp", "ratio": 83, "val": {"test_half": True}}
    problem = resolve_problem("tinyimagenet", given, Val())
    assert problem.name == "tinyimagenet-exp-83-testhalf"
    labels = [np.repeat(np.arange(200), n) for n in (500, 50)]
    black = [Images(np.zeros((len(y), 1, 1, 3), np.uint8), y, np.zeros_like(y)) for y in labels]
    whole = Source(*black, classes=tuple(map(str, range(200))), per_class=500)
    data = make_splits(problem, whole, seed=0, vary=STREAMS)
    assert len(data.train) == 22_403
    for part in (data.val, data.test):
        assert np.bincount(part.labels).tolist() == [25] * 200
