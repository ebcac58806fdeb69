"""The binary form of the vector-scaling loss, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.declared.registry import REGISTRY
from tests.methods.binding import bound

COUNTS = np.array([[90], [10]])
PI = COUNTS[:, 0] / 100
OFFSETS = {
    "none": np.zeros(2),
    "log_odds": np.log((1 - PI) / PI),
    "log_inverse_prior": np.log(1 / PI),
    "fourth_root": PI**-0.25,
}


def losses_of(method, **settings):
    made = REGISTRY.make("method", REGISTRY.part("method", method, settings))
    labels = torch.arange(6) % 2
    logits = torch.sin(torch.arange(12.0)).reshape(6, 2) * 3
    said = bound(made.stages[0].loss, COUNTS)(logits, labels, rows=labels)
    return said.numpy(), logits.numpy(), labels.numpy()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("iota", OFFSETS)
def test_it_is_equation_1_written_out(iota, weighted):
    losses, logits, y = losses_of("binary_vs", ratio=4.0, iota=iota, weighted=weighted)
    scale, omega = np.where(y == 1, 0.25, 1.0), np.where(weighted, 1 / PI[y], 1.0)
    f, sign = logits[:, 1] - logits[:, 0], 2 * y - 1
    by_hand = omega * np.log(1 + np.exp(OFFSETS[iota][y]) * np.exp(-scale * sign * f))
    np.testing.assert_allclose(losses, by_hand, rtol=1e-5)


def test_with_log_odds_it_is_logit_adjustment():
    """The conventions of eq. 1 and 2: ι_y of the one is ι_other − ι_y of the other."""
    one, two = losses_of("binary_vs", iota="log_odds")[0], losses_of("la", tau=1.0)[0]
    np.testing.assert_allclose(one, two, rtol=1e-5)


def test_by_default_it_is_cross_entropy():
    np.testing.assert_allclose(losses_of("binary_vs")[0], losses_of("erm")[0], rtol=1e-6)
