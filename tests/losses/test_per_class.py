"""The vectors over classes: fixtures, limits, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.errors import DataError
from evenhand.losses.per_class import (
    Constant,
    CountPower,
    EffectiveNumber,
    InversePrior,
    LogPrior,
    OneClass,
    OwnClassMargin,
    PriorPower,
)

CIFAR10_LT_100 = np.array([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])
CIFAR100_LT_100 = np.floor(500 * 100 ** (-np.arange(100) / 99) + 1e-9).astype(int)
READ_COUNTS = [
    LogPrior(1.0),
    CountPower(0.15),
    InversePrior(),
    EffectiveNumber(0.9999),
    PriorPower(0.5),
    OwnClassMargin(0.5),
]


def test_log_prior_on_cifar10_lt():
    expected = "-0.9087 -1.4206 -1.9326 -2.4440 -2.9567 -3.4675 -3.9792 -4.4915 -5.0071 -5.5139"
    assert_agrees(LogPrior(1.0)(CIFAR10_LT_100), expected)


def test_log_prior_is_proportional_to_tau():
    np.testing.assert_allclose(
        LogPrior(-0.5)(CIFAR10_LT_100), -0.5 * np.log(CIFAR10_LT_100 / CIFAR10_LT_100.sum())
    )


def test_count_power_on_cifar10_lt():
    expected = "1 0.9261 0.8576 0.7943 0.7355 0.6813 0.6309 0.5843 0.5408 0.5012"
    assert_agrees(CountPower(0.15)(CIFAR10_LT_100), expected)


def test_effective_number_on_cifar10_lt():
    expected = "0.0506 0.0769 0.1211 0.1950 0.3188 0.5246 0.8683 1.4426 2.4092 3.9927"
    assert_agrees(EffectiveNumber(0.9999)(CIFAR10_LT_100), expected)


@pytest.mark.parametrize(("b", "head", "tail"), [(0.999, 0.1812, 3.6883), (0.99, 0.7838, 1.9844)])
def test_effective_number_extremes_on_cifar10_lt(b, head, tail):
    weights = EffectiveNumber(b)(CIFAR10_LT_100)
    np.testing.assert_allclose(weights[[0, -1]], [head, tail], atol=5e-5)


def test_effective_number_on_cifar100_lt():
    weights = EffectiveNumber(0.9999)(CIFAR100_LT_100)
    np.testing.assert_allclose(weights[[0, 50, 99]], [0.04488, 0.45706, 4.37831], atol=5e-6)


@pytest.mark.parametrize(
    ("nu", "head", "tail"),
    [(0.25, 0.526, 1.663), (0.5, 0.245, 2.445), (1.0, 0.040, 4.024), (1.5, 0.0053, 5.350)],
)
def test_prior_power_extremes_on_cifar10_lt(nu, head, tail):
    np.testing.assert_allclose(PriorPower(nu)(CIFAR10_LT_100)[[0, -1]], [head, tail], atol=5e-4)


def test_own_class_margin_on_cifar10_lt():
    expected = "0.1581 0.1797 0.2042 0.2321 0.2638 0.2998 0.3407 0.3872 0.4405 0.5000"
    assert_agrees(-np.diag(OwnClassMargin(0.5)(CIFAR10_LT_100)), expected)


def test_own_class_margin_on_cifar100_lt():
    margins = -np.diag(OwnClassMargin(0.5)(CIFAR100_LT_100))
    np.testing.assert_allclose(margins[[0, 50, 99]], [0.1581, 0.2841, 0.5], atol=5e-5)


def test_own_class_margin_shifts_the_true_class_alone():
    rows = OwnClassMargin(0.5)(CIFAR10_LT_100)
    assert np.count_nonzero(rows) == np.count_nonzero(np.diag(rows)) == 10


@pytest.mark.parametrize("vector", [EffectiveNumber(0.9999), EffectiveNumber(0.0), PriorPower(2.0)])
def test_normalised_weights_add_up_to_the_classes(vector):
    assert vector(CIFAR10_LT_100).sum() == pytest.approx(10)


def test_prior_power_of_one_is_inverse_prior_up_to_a_factor():
    ratio = PriorPower(1.0)(CIFAR10_LT_100) / InversePrior()(CIFAR10_LT_100)
    np.testing.assert_allclose(ratio, ratio[0])


@pytest.mark.parametrize("vector", [PriorPower(0.0), EffectiveNumber(0.0), CountPower(0.0)])
def test_a_vector_that_is_switched_off_is_one(vector):
    np.testing.assert_array_equal(vector(CIFAR10_LT_100), np.ones(10))


@pytest.mark.parametrize("b", [1 - 1e-9, 1 - 1e-12, 1 - 2**-53, 1.0])
def test_effective_number_tends_to_inverse_frequency(b):
    np.testing.assert_allclose(
        EffectiveNumber(b)(CIFAR10_LT_100), PriorPower(1.0)(CIFAR10_LT_100), rtol=1e-5
    )


@pytest.mark.parametrize("vector", READ_COUNTS)
def test_one_example_against_ten_thousand_is_finite(vector):
    assert np.isfinite(vector(np.array([10_000, 100, 1]))).all()


@pytest.mark.parametrize("vector", READ_COUNTS)
def test_equal_counts_treat_all_classes_alike(vector):
    values = vector(np.full(7, 3))
    own = np.diag(values) if values.ndim == 2 else values
    np.testing.assert_allclose(own, own[0])


@pytest.mark.parametrize("vector", READ_COUNTS)
def test_a_class_without_examples_is_refused_by_name(vector):
    with pytest.raises(DataError, match="2 of 4 classes: 1, 3"):
        vector(np.array([5, 0, 2, 0]))


def test_a_constant_does_not_read_the_counts():
    np.testing.assert_array_equal(Constant(2.0)(np.array([5, 0])), [2.0, 2.0])


def assert_agrees(values, printed):
    np.testing.assert_allclose(values, [float(text) for text in printed.split()], atol=6e-5)


def test_one_class_has_a_value_of_its_own():
    assert OneClass(1, 4.0, 1.0)(np.array([5, 3, 2])).tolist() == [1.0, 4.0, 1.0]
    with pytest.raises(DataError, match="no class has the index 3"):
        OneClass(3, 4.0, 1.0)(np.array([5, 3, 2]))
