"""Mixup and Remix against their formulas, drawn from the right distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from evenhand.data.augment.mixing import beta_quantiles, draw
from evenhand.declared.registry import REGISTRY

COUNTS = np.array([[500, 100], [150, 50], [40, 10], [5, 5]])
LABELS = torch.arange(64) % 4
IMAGES = torch.randn(64, 3, 4, 4, generator=torch.Generator().manual_seed(0))


def bound(name, **settings):
    mixing = REGISTRY.make("mixing", REGISTRY.part("mixing", name, settings))
    return mixing.bind(COUNTS, "cpu")


def drawn(mixing, seed=0):
    return mixing(IMAGES, LABELS, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 4.0])
def test_lambda_is_beta_distributed(alpha):
    quantiles, generator = beta_quantiles(alpha, "cpu"), torch.Generator().manual_seed(0)
    values = torch.cat([draw(quantiles, generator) for _ in range(4000)]).numpy()
    assert stats.kstest(values, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_mixup_combines_each_image_with_that_of_a_permutation():
    """Fig. 1 of zhang2018mixup, in NumPy, by the λ and the permutation that were drawn."""
    mixed = drawn(bound("mixup"))
    x, partner = IMAGES.double().numpy(), mixed.partner.numpy()
    lam = float(mixed.share[0])
    assert sorted(partner) == list(range(64)) and 0 < lam < 1
    assert (mixed.share == mixed.share[0]).all()
    by_hand = [lam * x[i] + (1 - lam) * x[partner[i]] for i in range(64)]
    np.testing.assert_allclose(mixed.images, by_hand, atol=1e-6)


@pytest.mark.parametrize(("kappa", "tau"), [(3.0, 0.5), (2.0, 0.3), (1.0, 0.5), (3.0, 0.0)])
def test_remix_mixes_labels_by_the_three_cases_of_its_paper(kappa, tau):
    n = COUNTS.sum(1)
    cases = set()
    for seed in range(20):
        plain = drawn(bound("mixup"), seed)
        mixed = drawn(bound("remix", kappa=kappa, tau=tau), seed)
        assert torch.equal(mixed.images, plain.images)
        for i in range(64):
            lam = float(plain.share[i])
            ratio = n[LABELS[i]] / n[LABELS[mixed.partner[i]]]
            if ratio >= kappa and lam < tau:
                case, expected = "other", 0.0
            elif ratio <= 1 / kappa and 1 - lam < tau:
                case, expected = "own", 1.0
            else:
                case, expected = "mixed", lam
            cases.add(case)
            assert float(mixed.share[i]) == expected
    assert cases == ({"mixed"} if tau == 0 else {"other", "own", "mixed"})
