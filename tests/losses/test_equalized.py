"""The Equalized loss: its normaliser written out, what it draws, and whom it spares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.loss import BoundLoss, StochasticLoss
from evenhand.declared.registry import REGISTRY
from evenhand.losses.equalization import RareNegatives
from evenhand.losses.kernel import equalized_cross_entropy
from evenhand.losses.vector_scaling import VectorScaling

COUNTS = np.array([[400], [60], [7], [1]])
PRIOR = COUNTS[:, 0] / COUNTS.sum()
LABELS = torch.arange(12) % 4


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make(**settings):
    part = REGISTRY.part("method", "equalized", settings)
    return REGISTRY.make("method", part).stages[0].loss


def published(seed=0, **settings):
    return make(**settings).bind(COUNTS, "cpu").drawing_from(generator(seed))


def margin(**settings):
    return make(form="margin", **settings).bind(COUNTS, "cpu")


def by_hand(logits, weights):
    """log Σ_k w_k e^f_k − f_y, with a weight of each example and class."""
    f = logits.numpy()
    return np.log((weights * np.exp(f)).sum(1)) - f[range(12), LABELS]


# As published: rare negatives are dropped by chance.


@pytest.mark.parametrize("gamma", [0.5, 0.9])
def test_the_published_loss_is_the_formula_written_out_for_its_draws(gamma, logits):
    draws = torch.rand(12, 4, generator=generator(), dtype=torch.float32).numpy() < gamma
    weights = 1 - draws * (PRIOR < 0.02) * (1 - np.eye(4)[LABELS])
    assert (weights == 0).any()
    loss = published(threshold=0.02, gamma=gamma)
    np.testing.assert_allclose(loss(logits, LABELS, rows=LABELS), by_hand(logits, weights))


def test_its_mean_over_many_draws_is_the_expectation(logits):
    loss, n = published(threshold=0.02), 1000
    seen = torch.stack([loss(logits, LABELS, rows=LABELS) for _ in range(n)])
    standard_error = seen.std(0) / n**0.5
    assert ((seen.mean(0) - expectation(logits)).abs() <= 4 * standard_error + 1e-12).all()


def test_every_example_and_class_has_a_draw_of_its_own():
    """With equal logits a loss is log of how many classes are left: all numbers are seen."""
    labels = torch.zeros(1000, dtype=torch.int64)
    losses = published(threshold=0.02, gamma=0.5)(torch.zeros(1000, 4), labels, rows=labels)
    left, times = losses.exp().round().unique(return_counts=True)
    assert left.tolist() == [2, 3, 4]
    np.testing.assert_allclose(times / 1000, [0.25, 0.5, 0.25], atol=0.06)


def test_one_seed_gives_the_same_draws_and_the_next_call_others(logits):
    first, again = published(threshold=0.02, gamma=0.5), published(threshold=0.02, gamma=0.5)
    for _ in range(3):
        losses = first(logits, LABELS, rows=LABELS)
        assert torch.equal(losses, again(logits, LABELS, rows=LABELS))
        assert not torch.equal(losses, first(logits, LABELS, rows=LABELS))
        again(logits, LABELS, rows=LABELS)


@pytest.mark.parametrize("settings", [{"gamma": 0.0}, {"threshold": 0.0}])
def test_with_nothing_dropped_it_is_cross_entropy(settings, logits):
    expected = F.cross_entropy(logits, LABELS, reduction="none")
    torch.testing.assert_close(published(**settings)(logits, LABELS, rows=LABELS), expected)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_slopes_are_finite_and_none_is_of_a_dropped_class(size, logits):
    leaf = (size * logits).requires_grad_()
    losses = equalized_cross_entropy(leaf, LABELS, torch.ones(12, 4, dtype=torch.bool))
    losses.sum().backward()
    assert losses.eq(0).all() and leaf.grad.eq(0).all()


def test_half_precision_logits_are_taken_in_float32(logits):
    torch.set_default_dtype(torch.float32)
    half = logits.bfloat16()
    losses, again = (
        published(threshold=0.02)(z, LABELS, rows=LABELS) for z in (half, half.float())
    )
    assert losses.dtype == torch.float32 and torch.equal(losses, again)


def test_it_draws_from_the_global_generator_unless_told(logits):
    loss = make().bind(COUNTS, "cpu")
    assert isinstance(loss, StochasticLoss) and isinstance(loss, BoundLoss)
    assert not isinstance(margin(), StochasticLoss)
    torch.manual_seed(3)
    drawn = loss(logits, LABELS, rows=LABELS)
    assert not torch.equal(loss(logits, LABELS, rows=LABELS), drawn)
    torch.manual_seed(3)
    assert torch.equal(loss(logits, LABELS, rows=LABELS), drawn)


# The margin: a rare negative has the weight that it has in the mean.


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
def test_the_margin_is_the_formula_written_out(gamma, logits):
    weights = 1 - gamma * (PRIOR < 0.02) * (1 - np.eye(4)[LABELS])
    loss = margin(threshold=0.02, gamma=gamma)
    np.testing.assert_allclose(loss(logits, LABELS, rows=LABELS), by_hand(logits, weights))


def expectation(logits):
    """Each rare negative dropped or not: all four draws for the two rare classes, exactly."""
    mean = torch.zeros(12)
    for dropped in ((0, 0), (0, 1), (1, 0), (1, 1)):
        hidden = torch.zeros(12, 4)
        hidden[:, 2:] = torch.tensor([-torch.inf if d else 0.0 for d in dropped])
        hidden[torch.arange(12), LABELS] = 0
        chance = np.prod([0.9 if d else 0.1 for d in dropped])
        masked = torch.log_softmax(logits + hidden, 1)
        mean -= chance * masked.gather(1, LABELS[:, None])[:, 0]
    return mean


def test_the_margin_is_at_or_above_the_mean_of_the_published_draws(logits):
    loss, mean = margin(threshold=0.02)(logits, LABELS, rows=LABELS), expectation(logits)
    assert (loss >= mean - 1e-12).all() and not torch.allclose(loss, mean)


@pytest.mark.parametrize("settings", [{"gamma": 0.0}, {"threshold": 0.0}])
def test_the_margin_with_nothing_spared_is_cross_entropy(settings, logits):
    plain = VectorScaling().bind(COUNTS, "cpu")
    loss = margin(**settings)
    torch.testing.assert_close(
        loss(logits, LABELS, rows=LABELS), plain(logits, LABELS, rows=LABELS)
    )


def test_a_rare_class_is_pushed_down_less_by_others_and_up_as_much_by_its_own(logits):
    leaf = torch.zeros(4, 4).requires_grad_()
    labels = torch.arange(4)
    margin(threshold=0.02)(leaf, labels, rows=labels).sum().backward()
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
