"""The prepared form holds features, groups and validation splits as well as images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evenhand.data.files.original import Archive
from evenhand.data.files.preparing import prepare_once
from evenhand.data.images import Images, Source
from evenhand.errors import DataError
from tests.data.originals import TINY


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


FEATURES = replace(
    TINY,
    name="features",
    shape=(1, 1, 5),
    train=None,
    test=None,
    groups=("land", "sea"),
)


def features(n, kind=np.float32):
    labels = np.repeat([0, 1, 2], n)
    pixels = np.random.default_rng(n).normal(size=(3 * n, 1, 1, 5)).astype(kind)
    return Images(pixels, labels, np.arange(3 * n) % 2)


def of_features(**splits):
    def read(original, _):
        whole = {"train": features(6), "val": features(2), "test": features(4)} | splits
        return Source(**whole, classes=original.classes, groups=original.groups)

    archive = Archive("https://x/y.tar", None, "y", holds=lambda _: True, read=read)
    return replace(FEATURES, official=archive)


def test_features_with_groups_and_a_validation_split_are_kept_as_they_are(root, tmp_path):
    made = prepare_once(of_features(), root, place=tmp_path).source
    assert (made.groups, made.n_whole) == (("land", "sea"), 18)
    for mine, given in (
        (made.train, features(6)),
        (made.val, features(2)),
        (made.test, features(4)),
    ):
        np.testing.assert_array_equal(mine.pixels, given.pixels)
        assert mine.pixels.dtype == np.float32
        np.testing.assert_array_equal(mine.groups, given.groups)


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        ({"val": replace(features(2), groups=np.full(6, 2))}, "val has the group 2;"),
        ({"test": replace(features(2), groups=np.zeros(6, int))}, "3 of 6 .* test\n"),
        ({"train": replace(features(1), labels=np.array([0, 1, 3]))}, "train has the label 3;"),
    ],
)
def test_features_that_cannot_be_these_are_refused(root, tmp_path, splits, says):
    with pytest.raises(DataError, match=says):
        prepare_once(of_features(**splits), root, place=tmp_path)
