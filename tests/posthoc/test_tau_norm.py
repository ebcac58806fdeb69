"""τ-normalised classifiers: the formula on the layer's own weights."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError
from evenhand.posthoc.tau_norm import tau_norm
from tests.posthoc.problems import trained

COUNTS = np.array([400, 100, 5])
RNG = np.random.default_rng(0)
WEIGHTS = RNG.standard_normal((3, 8)) * np.array([[4.0], [2.0], [0.5]])
BIAS = np.array([2.0, 0.0, -2.0])
FEATURES = RNG.standard_normal((60, 8))
NORMS = np.linalg.norm(WEIGHTS, axis=1)


@pytest.mark.parametrize("tau", [0.0, 0.7, 1.0, 2.0])
def test_it_rescales_the_weights_and_drops_the_bias(tau):
    rescaled = np.stack([w / np.sqrt((w**2).sum()) ** tau for w in WEIGHTS])
    by_hand = (FEATURES @ rescaled.T).argmax(1)
    network = trained(COUNTS, head_norms=NORMS.astype(np.float32), head_bias=BIAS)
    predict = tau_norm(tau).fit(network, None)
    np.testing.assert_array_equal(predict(FEATURES @ WEIGHTS.T + BIAS), by_hand)


def test_a_layer_without_bias_needs_none():
    predict = tau_norm(1.0).fit(trained(COUNTS, head_norms=NORMS), None)
    by_hand = (FEATURES @ WEIGHTS.T / NORMS).argmax(1)
    np.testing.assert_array_equal(predict(FEATURES @ WEIGHTS.T), by_hand)


def test_equal_norms_change_no_prediction():
    logits = FEATURES[:, :3]
    for tau in (0.5, 2.0):
        predict = tau_norm(tau).fit(trained(COUNTS, head_norms=np.full(3, 1.7)), None)
        np.testing.assert_array_equal(predict(logits), logits.argmax(1))


def test_a_network_without_such_a_layer_is_refused():
    with pytest.raises(DataError, match=r"(?s)no last layer.*linear layer"):
        tau_norm().fit(trained(COUNTS), None)


def test_a_class_without_weights_is_named():
    network = trained(COUNTS, head_norms=np.array([1.0, 2.0, 0.0]))
    with pytest.raises(DataError, match="all 0 for truck"):
        tau_norm().fit(network, None)


def test_a_negative_tau_is_refused():
    with pytest.raises(Exception, match="write at least 0"):
        REGISTRY.part("posthoc", "tau_norm", {"tau": -1.0})
