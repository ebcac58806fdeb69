"""The digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.sources.digits import digits
from evenhand.declared.registry import REGISTRY


@pytest.fixture(scope="module")
def source():
    return digits()


def test_their_shape_is_the_registered_one(source):
    facts = REGISTRY.get("dataset", "digits").facts
    assert source.train.pixels.shape == (1297, *facts["shape"])
    assert len(source.classes) == facts["n_classes"]
    assert source.train.pixels.dtype == np.uint8
    assert source.train.pixels.max() == 255


def test_the_test_split_is_balanced_and_disjoint(source):
    assert np.bincount(source.test.labels).tolist() == [50] * 10
    train = {pixels.tobytes() for pixels in source.train.pixels}
    assert not train & {pixels.tobytes() for pixels in source.test.pixels}


def test_at_least_124_images_of_each_class_remain(source):
    counts = source.train.counts(10, 1)
    assert counts.shape == (10, 1)
    assert (counts.min(), counts.max()) == (124, 133)


def test_there_are_no_groups_and_no_own_validation_split(source):
    assert source.groups == ("all",)
    assert not source.train.groups.any()
    assert source.val is None
