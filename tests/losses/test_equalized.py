"""The Equalized loss: its normaliser written out, and whom it spares."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.losses.equalized import RareNegatives
from harness.losses.vector_scaling import VectorScaling
from harness.spec.registry import REGISTRY

COUNTS = np.array([[400], [60], [7], [1]])
LABELS = torch.arange(12) % 4


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def logits():
    return 3 * torch.randn(12, 4, generator=torch.Generator().manual_seed(0))


def make(**settings):
    part = REGISTRY.part("method", "equalized", settings)
    return REGISTRY.make("method", part).stages[0].loss


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
def test_the_loss_is_the_formula_written_out(gamma, logits):
    prior, z = COUNTS[:, 0] / COUNTS.sum(), logits.numpy()
    by_hand = []
    for f, y in zip(z, LABELS.tolist(), strict=True):
        w = [1 - gamma * (prior[k] < 0.02) * (k != y) for k in range(4)]
        by_hand.append(np.log(sum(w[k] * np.exp(f[k]) for k in range(4))) - f[y])
    loss = make(threshold=0.02, gamma=gamma).bind(COUNTS, "cpu")
    np.testing.assert_allclose(loss(logits, LABELS, rows=LABELS), by_hand)


def test_it_is_at_or_above_the_mean_of_the_published_draws(logits):
    """Each rare negative dropped or not: all four draws for the two rare classes, exactly."""
    published = torch.zeros(12)
    for dropped in ((0, 0), (0, 1), (1, 0), (1, 1)):
        hidden = torch.zeros(12, 4)
        hidden[:, 2:] = torch.tensor([-torch.inf if d else 0.0 for d in dropped])
        hidden[torch.arange(12), LABELS] = 0
        chance = np.prod([0.9 if d else 0.1 for d in dropped])
        masked = torch.log_softmax(logits + hidden, 1)
        published -= chance * masked.gather(1, LABELS[:, None])[:, 0]
    loss = make(threshold=0.02).bind(COUNTS, "cpu")(logits, LABELS, LABELS)
    assert (loss >= published - 1e-12).all() and not torch.allclose(loss, published)


@pytest.mark.parametrize("settings", [{"gamma": 0.0}, {"threshold": 0.0}])
def test_with_nothing_spared_it_is_cross_entropy(settings, logits):
    plain = VectorScaling().bind(COUNTS, "cpu")
    loss = make(**settings).bind(COUNTS, "cpu")
    torch.testing.assert_close(loss(logits, LABELS, LABELS), plain(logits, LABELS, LABELS))


def test_a_rare_class_is_pushed_down_less_by_others_and_up_as_much_by_its_own(logits):
    leaf = torch.zeros(4, 4).requires_grad_()
    labels = torch.arange(4)
    make(threshold=0.02).bind(COUNTS, "cpu")(leaf, labels, labels).sum().backward()
    plain = torch.full((4, 4), 0.25) - torch.eye(4)
    assert (leaf.grad[:2, 2:] < 0.2 * plain[:2, 2:]).all()
    assert (leaf.grad[:2, 0:2].diagonal() > plain[:2, :2].diagonal()).all()


@pytest.mark.parametrize(("n_classes", "n_rare"), [(10, 1), (100, 52)])
def test_as_many_classes_are_rare_as_the_default_says(n_classes, n_rare):
    n_max = 50_000 // n_classes
    counts = np.floor(n_max * 100 ** (-np.arange(n_classes) / (n_classes - 1)))
    delta = RareNegatives(0.005, 0.9)(counts)
    assert ((delta < 0).sum(0) > 0).sum() == n_rare
    assert (np.diag(delta) == 0).all()
