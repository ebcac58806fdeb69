"""Post-hoc logit adjustment: its formula, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.errors import DataError
from evenhand.posthoc.logit_adjustment import la_posthoc
from tests.posthoc.problems import gaussians, trained

COUNTS = np.array([[400, 100], [100, 20], [5, 25]])
LOGITS = np.random.default_rng(0).standard_normal((50, 3))


@pytest.mark.parametrize("tau", [-0.5, 0.0, 1.0, 2.5])
def test_it_is_the_formula_written_out(tau):
    shares = COUNTS.sum(1) / COUNTS.sum()
    by_hand = [np.argmax([f[y] - tau * np.log(shares[y]) for y in range(3)]) for f in LOGITS]
    predict = la_posthoc(tau).fit(trained(COUNTS), None)
    np.testing.assert_array_equal(predict(LOGITS), by_hand)


def test_of_the_true_posterior_it_is_best_for_balanced_error():
    network = gaussians(3)
    fresh = network.draw(6000, seed=1)
    right = {
        tau: (la_posthoc(tau).fit(trained(network.counts), None)(fresh.logits) == fresh.labels)
        for tau in (0.0, 0.5, 1.0, 1.5)
    }
    shares = {tau: found.mean() for tau, found in right.items()}
    assert max(shares, key=shares.__getitem__) == 1.0
    assert shares[1.0] > shares[0.0] + 0.02


def test_a_class_without_training_examples_is_named():
    with pytest.raises(DataError, match="no training example of 1 of 3 classes: 2"):
        la_posthoc().fit(trained(np.array([10, 5, 0])), None)
