"""The learning rate of every epoch, against the protocol of the papers."""

from __future__ import annotations

import itertools
import math

import pytest

from evenhand.declared.base import Part
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.recipes.schedules import Constant, Cosine, StepDrops, learning_rate

PAPERS = StepDrops(((0.8, 1e-2), (0.9, 1e-4)))


def recipe(epochs=200, warmup=0.0, lr=0.1):
    return Recipe(
        name="any",
        backbone=Part(name="linear"),
        epochs=epochs,
        lr=lr,
        warmup=warmup,
        schedule=Part(name="step"),
    )


def rates(schedule, **fields):
    made = recipe(**fields)
    return [learning_rate(made, schedule, epoch) for epoch in range(made.epochs)]


def test_the_200_epochs_of_the_papers():
    """Epochs 1 to 5 rise to 0.1, epoch 161 drops to 1e-3, epoch 181 to 1e-5."""
    found = rates(PAPERS, warmup=0.025)
    by_hand = [0.02, 0.04, 0.06, 0.08, 0.1] + [0.1] * 155 + [1e-3] * 20 + [1e-5] * 20
    assert found == pytest.approx(by_hand, rel=1e-12)


def test_the_default_of_step_are_the_drops_of_the_papers():
    assert REGISTRY.make("schedule", REGISTRY.part("schedule", "step")) == PAPERS


def test_drops_move_with_the_epochs():
    found = rates(PAPERS, epochs=400)
    assert [i + 1 for i in range(1, 400) if found[i] != found[i - 1]] == [321, 361]


def test_drops_may_be_any():
    schedule = REGISTRY.make("schedule", REGISTRY.part("schedule", "step", {"drops": [[0.5, 0.1]]}))
    assert rates(schedule, epochs=4) == pytest.approx([0.1, 0.1, 0.01, 0.01])
    none = REGISTRY.make("schedule", REGISTRY.part("schedule", "step", {"drops": []}))
    assert rates(none, epochs=3) == [0.1] * 3


def test_without_warm_up_the_first_epoch_has_the_full_rate():
    assert rates(Constant(), epochs=3) == [0.1] * 3


def test_warm_up_is_a_share_of_the_epochs():
    assert rates(Constant(), epochs=40, warmup=0.05)[:3] == pytest.approx([0.05, 0.1, 0.1])


def test_cosine_is_half_a_wave_towards_zero():
    found = rates(Cosine(), epochs=100)
    by_hand = [0.05 * (1 + math.cos(math.pi * e / 100)) for e in range(100)]
    assert found == pytest.approx(by_hand, rel=1e-12)
    assert found[0] == 0.1
    assert found[50] == pytest.approx(0.05)
    assert 0 < found[-1] < 1e-4


def overshooting(**settings):
    part = REGISTRY.part("schedule", "overshooting_step", settings)
    return REGISTRY.make("schedule", part)


def test_the_released_warm_up_climbs_to_twice_the_rate_and_falls():
    """Ten epochs of 400, divided by 5: 0.02, 0.04, … 0.2 and then 0.1."""
    found = rates(overshooting(), epochs=400)
    by_hand = [0.1 * e / 5 for e in range(1, 11)] + [0.1] * 310 + [1e-3] * 40 + [1e-5] * 40
    assert found == pytest.approx(by_hand, rel=1e-12)


def test_overshooting_lasts_an_epoch_at_least():
    assert rates(overshooting(), epochs=4)[:2] == pytest.approx([0.2, 0.1])


def test_a_warm_up_that_does_not_overshoot_is_the_recipes_own():
    assert rates(overshooting(peak=1.0)) == pytest.approx(rates(PAPERS, warmup=0.025), rel=1e-12)


DOWNHILL = [e for e in REGISTRY.all("schedule") if e.name != "overshooting_step"]


@pytest.mark.parametrize("entry", DOWNHILL, ids=lambda entry: entry.name)
@pytest.mark.parametrize("epochs", [1, 2, 7, 200])
def test_every_other_schedule_starts_at_1_and_never_rises(entry, epochs):
    schedule = REGISTRY.make("schedule", entry.resolve())
    factors = [schedule(epoch, epochs) for epoch in range(epochs)]
    assert epochs < 3 or factors[0] == 1.0
    assert all(0 < b <= a for a, b in itertools.pairwise(factors))


@pytest.mark.parametrize(("name", "border"), [("ldam_drw", 160), ("ce_drw", 160), ("vs_drw", 160)])
def test_deferred_weights_begin_with_the_first_drop(name, border):
    method = REGISTRY.make("method", REGISTRY.part("method", name))
    assert method.first_epochs(200) == (0, border)
    found = rates(PAPERS)
    assert found[border] < found[border - 1]
