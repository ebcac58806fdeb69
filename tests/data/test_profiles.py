"""Counts of the profiles: the vectors that all papers train on."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from evenhand.data.profiles import Exponential, Natural, Step
from evenhand.declared.registry import REGISTRY

CIFAR10_EXP_100 = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
CIFAR10_EXP_10 = [5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500]


@pytest.mark.parametrize(
    ("profile", "n_max", "classes", "total"),
    [
        (Exponential(100), 5000, 10, 12_406),
        (Exponential(10), 5000, 10, 20_431),
        (Exponential(100), 500, 100, 10_847),
        (Exponential(10), 500, 100, 19_573),
        (Exponential(83), 500, 200, 22_403),
        (Step(100), 5000, 10, 25_250),
        (Step(10), 5000, 10, 27_500),
        (Step(100), 500, 100, 25_250),
        (Step(10), 500, 100, 27_500),
    ],
    ids=str,
)
def test_the_sums_are_those_of_the_papers(profile, n_max, classes, total):
    assert profile(n_max, classes).sum() == total


def test_exponential_counts_of_cifar10():
    assert Exponential(100)(5000, 10).tolist() == CIFAR10_EXP_100
    assert Exponential(10)(5000, 10).tolist() == CIFAR10_EXP_10


def test_exponential_counts_of_cifar100():
    hundred, ten = Exponential(100)(500, 100).tolist(), Exponential(10)(500, 100).tolist()
    assert hundred[:6] == [500, 477, 455, 434, 415, 396]
    assert hundred[-5:] == [6, 5, 5, 5, 5]
    assert sum(hundred[-10:]) == 58
    assert ten[:3] == [500, 488, 477]
    assert ten[-3:] == [52, 51, 50]


def test_the_smallest_class_of_tinyimagenet_has_six_images():
    assert Exponential(83)(500, 200)[-1] == 6


@pytest.mark.parametrize(
    ("n_max", "classes", "ratio", "small"),
    [(5000, 10, 100, 50), (5000, 10, 10, 500), (500, 100, 100, 5), (500, 100, 10, 50)],
)
def test_step_counts_are_half_large_half_small(n_max, classes, ratio, small):
    half = classes // 2
    assert Step(ratio)(n_max, classes).tolist() == [n_max] * half + [small] * half


def test_an_odd_number_of_classes_has_more_small_ones():
    assert Step(10)(100, 5).tolist() == [100, 100, 10, 10, 10]


@pytest.mark.parametrize("ratio", [10, 20, 50, 100, 200, 256, 500])
@pytest.mark.parametrize(("n_max", "classes"), [(5000, 10), (500, 100), (1280, 1000)])
def test_at_the_papers_ratios_the_counts_are_those_of_their_code(ratio, n_max, classes):
    theirs = [int(n_max * (1 / ratio) ** (c / (classes - 1.0))) for c in range(classes)]
    assert Exponential(ratio)(n_max, classes).tolist() == theirs


@pytest.mark.parametrize("ratio", [3, 7, 49, 98, 103, 107, 100])
def test_no_count_falls_short_by_the_last_bit(ratio):
    """49 · (1/49) is 0.9999999999999999 in floating point, and its floor is 0."""
    for n_max in (ratio, 2 * ratio, 5 * ratio):
        assert Exponential(ratio)(n_max, 10)[-1] == n_max // ratio
        assert Step(ratio)(n_max, 10)[-1] == n_max // ratio


@pytest.mark.parametrize("ratio", [1.5, 10, 83, 100])
def test_exponential_is_the_formula_in_exact_arithmetic(ratio):
    """⌊n · ρ^(−c/9)⌋ is the largest k with k^9 · ρ^c ≤ n^9."""
    for c, k in enumerate(Exponential(ratio)(5000, 10).tolist()):
        power = Fraction(ratio) ** c
        assert k**9 * power <= 5000**9 < (k + 1) ** 9 * power


@pytest.mark.parametrize("make", [Exponential, Step])
def test_a_ratio_of_1_is_balanced(make):
    assert make(1)(37, 6).tolist() == [37] * 6


@pytest.mark.parametrize("make", [Exponential, Step])
@pytest.mark.parametrize("ratio", [1, 2.5, 10, 100])
def test_counts_never_rise_and_keep_the_ratio(make, ratio):
    counts = make(ratio)(5000, 10)
    assert counts.dtype == np.int64
    assert (np.diff(counts) <= 0).all()
    assert counts[0] == 5000
    assert counts[-1] == math.floor(5000 / ratio)


def test_one_class_is_kept_whole():
    assert Exponential(100)(50, 1).tolist() == [50]


def test_natural_keeps_what_there_is():
    assert Natural()(5, 3) is None


@pytest.mark.parametrize("entry", list(REGISTRY.all("profile")), ids=lambda entry: entry.name)
def test_every_profile_makes_counts_or_none(entry):
    settings = {"ratio": 10} if "ratio" in entry.settings else {}
    counts = REGISTRY.make("profile", entry.resolve(settings))(100, 7)
    assert counts is None or (counts.shape == (7,) and (counts >= 1).all())
