"""A policy that can be learned: what it draws, which way its gradients point, who shares it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from evenhand.data.augment.policy import AugmentationPolicy
from evenhand.data.augment.policy_operations import AMOUNTS, NAMES
from evenhand.declared.stage_parts import BoundPolicy, Learnable, Policy
from evenhand.errors import DataError
from evenhand.losses.clusters import FrequencyClusters

COUNTS = np.array([[5, 3], [90, 2], [30, 10]])
"""Three classes, two groups; by frequency 1, 2, 0."""
PDA = AugmentationPolicy(FrequencyClusters(1))
N = 20_000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n, channels=3, size=8):
    return torch.rand((n, channels, size, size), generator=generator(1))


def smooth(n):
    """Grey images of two blobs each, as bright as one likes."""
    coarse = torch.rand((n, 1, 3, 3), generator=generator(1))
    return torch.nn.functional.interpolate(coarse, (10, 10), mode="bicubic").clamp(0, 1)


def always(bound, name, chance=20.0):
    """The policy that carries out one operation at its first place, and none after it."""
    bound.operation[:, :, 0, NAMES.index(name)] = 40.0
    bound.chance[:, :, 0], bound.chance[:, :, 1:] = chance, -200.0
    return bound


def test_it_is_a_policy_and_learnable():
    bound = PDA.bind(COUNTS, "cpu")
    assert isinstance(PDA, Policy) and isinstance(bound, BoundPolicy)
    assert isinstance(bound, Learnable)
    again = AugmentationPolicy(FrequencyClusters(1))
    assert again == PDA and hash(again) == hash(PDA)
    shape = (3, 1, 2, len(NAMES))
    assert {name: t.shape for name, t in bound.parameters().items()} == dict.fromkeys(
        ("operation", "chance", "magnitude"), shape
    )
    assert all(t.is_leaf and t.dtype == torch.float32 for t in bound.parameters().values())


@pytest.mark.parametrize("channels", [1, 3])
def test_one_generator_gives_one_batch_and_no_graph(channels):
    bound, batch, rows = PDA.bind(COUNTS, "cpu"), images(64, channels), torch.arange(64) % 6
    out = bound(batch, rows, generator())
    assert torch.equal(out, bound(batch, rows, generator()))
    assert not torch.equal(out, bound(batch, rows, generator(1)))
    assert out.shape == batch.shape and out.dtype == batch.dtype and not out.requires_grad
    assert (out >= 0).all() and (out <= 1).all()


def test_a_changed_policy_draws_as_many_numbers():
    draws = [generator(), generator()]
    bounds = [PDA.bind(COUNTS, "cpu"), always(PDA.bind(COUNTS, "cpu"), "Invert")]
    for bound, drawn in zip(bounds, draws, strict=True):
        bound(images(8), torch.arange(8) % 6, drawn)
    assert torch.equal(draws[0].get_state(), draws[1].get_state())


def test_what_is_changed_in_place_acts():
    bound, batch = PDA.bind(COUNTS, "cpu"), images(8)
    always(bound, "Invert")
    torch.testing.assert_close(
        bound(batch, torch.zeros(8, dtype=torch.long), generator()), 1 - batch
    )
    bound.parameters()["chance"].fill_(-200)
    assert torch.equal(bound(batch, torch.zeros(8, dtype=torch.long), generator()), batch)


def test_a_cluster_has_a_policy_of_its_own():
    """Class 1 is the most frequent and has cluster 0, in both groups."""
    bound, batch = PDA.bind(COUNTS, "cpu"), images(6)
    bound.chance[:] = -200
    bound.chance[0, :, 0], bound.operation[0, :, 0, NAMES.index("Invert")] = 20, 40
    out = bound(batch, torch.arange(6), generator())
    torch.testing.assert_close(out[[2, 3]], 1 - batch[[2, 3]])
    assert torch.equal(out[[0, 1, 4, 5]], batch[[0, 1, 4, 5]])


def test_madao_has_one_for_all():
    assert AugmentationPolicy().bind(COUNTS, "cpu").operation.shape[0] == 1


def test_operations_chances_signs_and_amounts_are_drawn_as_the_policy_says():
    bound = AugmentationPolicy(sub_policies=2).bind(COUNTS, "cpu")
    for i, logits in enumerate(bound.parameters().values()):
        logits.copy_(torch.randn(logits.shape, generator=generator(i)))
    draws = bound.draw(torch.zeros(N, dtype=torch.long), generator(9), torch.float64)
    assert set(draws.gate.unique().tolist()) == {0.0, 1.0}
    shares, chance = bound.operation[0].softmax(-1), bound.chance[0].sigmoid()
    for place in (0, 1):
        expected = N * torch.cat([shares * chance, shares * (1 - chance)], -1)[:, place].mean(0)
        cell = draws.operation[:, place] + len(NAMES) * (draws.gate[:, place] == 0)
        found = torch.bincount(cell, minlength=2 * len(NAMES))
        by_name = expected.double().numpy()
        assert stats.chisquare(found.numpy(), by_name * N / by_name.sum()).pvalue > 0.001
    for o, (name, amount) in enumerate(AMOUNTS.items()):
        seen = draws.amount[:, 0][draws.operation[:, 0] == o]
        sizes = amount.most * bound.magnitude[0, :, 0, o].sigmoid().double()
        apart = (seen.abs()[:, None] - sizes).abs().amin(1)
        assert (apart < 1e-6 * max(amount.most, 1)).all(), name
        assert (seen < 0).any() == amount.signed


def test_gradients_of_chances_and_weights_are_those_of_the_expectation():
    """Of a value that each operation has: exact on average as the temperature falls to 0."""
    bound = AugmentationPolicy(places=1, temperature=0.1).bind(COUNTS, "cpu")
    for i, logits in enumerate(bound.parameters().values()):
        logits.copy_(torch.randn(logits.shape, generator=generator(i))).requires_grad_()
    values = torch.linspace(-1, 1, len(NAMES), dtype=torch.float64)
    draws = bound.draw(torch.zeros(5 * N, dtype=torch.long), generator(5), torch.float64)
    drawn = (draws.gate * values[draws.operation]).mean()
    exact = (bound.operation.softmax(3) * bound.chance.sigmoid() * values).sum()
    learned = (bound.operation, bound.chance)
    found, expected = torch.autograd.grad(drawn, learned), torch.autograd.grad(exact, learned)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=0.01, rtol=0.05)


@pytest.mark.parametrize("name", ["TranslateX", "Brightness", "AutoContrast"])
def test_descent_finds_the_operation_that_made_the_images(name):
    """From images before and after one operation, by a third of its most."""
    one = AugmentationPolicy(places=1)
    bound, wanted = one.bind(COUNTS, "cpu"), always(one.bind(COUNTS, "cpu"), name)
    wanted.magnitude.fill_(float(np.log(0.5)))
    batch, rows = smooth(64), torch.zeros(64, dtype=torch.long)
    learned = list(bound.parameters().values())
    optimizer = torch.optim.Adam([tensor.requires_grad_() for tensor in learned], lr=0.2)
    for step in range(60):
        # Signs are drawn before all that hangs on the policy, and are the same for both.
        target = wanted(batch, rows, generator(step)).detach()
        loss = (bound(batch, rows, generator(step)) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    shares = (bound.operation.softmax(3) * bound.chance.sigmoid()).flatten()
    found = int(shares.argmax())
    assert NAMES[found] == name and shares[found] > 0.5
    if AMOUNTS[name].most:
        magnitude = bound.magnitude.detach().flatten()[found].sigmoid()
        assert float(magnitude) == pytest.approx(1 / 3, abs=0.02)


def test_curves_tell_of_operations_and_of_frequent_and_rare_classes():
    bound = PDA.bind(COUNTS, "cpu")
    curves = bound.curves()
    assert curves["learned policy entropy"] == pytest.approx(1)
    assert curves["learned policy Rotate"] == pytest.approx(0.5 / len(NAMES))
    assert curves["learned policy operations of the rarest classes"] == pytest.approx(1)
    assert curves["learned policy magnitude of the most frequent classes"] == pytest.approx(0.5)
    bound.chance[-1], bound.magnitude[0] = 100.0, 100.0
    curves = bound.curves()
    assert curves["learned policy operations of the rarest classes"] == pytest.approx(2)
    assert curves["learned policy magnitude of the most frequent classes"] == pytest.approx(1)
    assert len(AugmentationPolicy().bind(COUNTS, "cpu").curves()) == 1 + len(NAMES)


def test_images_that_are_neither_grey_nor_in_colour_are_refused():
    with pytest.raises(DataError, match=r"1 or 3 channels.* 2"):
        PDA.bind(COUNTS, "cpu")(
            images(2, channels=2), torch.zeros(2, dtype=torch.long), generator()
        )
