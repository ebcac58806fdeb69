"""Clusters of classes by frequency."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.losses.clusters import FrequencyClusters, clusters


def test_the_most_frequent_come_first_and_the_last_cluster_is_shorter():
    found = clusters(np.array([10, 50, 30, 40, 20]), 2)
    assert [list(cluster) for cluster in found] == [[1, 3], [2, 4], [0]]


def test_classes_of_equal_counts_stay_in_order():
    assert [list(c) for c in clusters(np.array([7, 9, 7, 9]), 1)] == [[1], [3], [0], [2]]


@pytest.mark.parametrize("size", [20, 40])
def test_inaturalist_divides_by_neither_size_of_the_paper(size):
    found = clusters(np.random.default_rng(0).integers(2, 1000, 8142), size)
    assert len(found[-1]) == 8142 % size and {len(c) for c in found[:-1]} == {size}
    assert sorted(np.concatenate(found)) == list(range(8142))


def test_every_class_knows_its_cluster():
    assert list(FrequencyClusters(2)(np.array([10, 50, 30, 40, 20]))) == [2, 0, 1, 0, 1]
