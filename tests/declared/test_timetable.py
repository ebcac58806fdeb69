"""The epochs of stages and drops, against the rounding of every share by itself."""

from __future__ import annotations

import pytest

from evenhand.declared.base import Part
from evenhand.declared.method import Method, Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.timetable import clashes, every_stage_trains, next_epochs, phases_of
from evenhand.errors import SpecError
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.recipes.schedules import learning_rate

ERM = Method(Stage(VectorScaling()))


def recipe(epochs, drops=((0.8, 1e-2), (0.9, 1e-4)), warmup=0.0, schedule=None):
    schedule = schedule or REGISTRY.part("schedule", "step", {"drops": [list(d) for d in drops]})
    backbone = Part(name="linear")
    return Recipe(name="r", backbone=backbone, epochs=epochs, warmup=warmup, schedule=schedule)


def rates(made):
    schedule = REGISTRY.make("schedule", made.schedule)
    return [learning_rate(made, schedule, epoch) for epoch in range(made.epochs)]


@pytest.mark.parametrize("warmup", [0.0, 0.05])
@pytest.mark.parametrize("drops", [((0.8, 1e-2), (0.9, 1e-4)), ((0.3, 0.5), (0.35, 0.1))])
def test_a_recipe_clashes_where_one_of_its_rates_has_no_epoch(drops, warmup):
    for epochs in range(1, 101):
        made = recipe(epochs, drops, warmup)
        wanted = {1.0, *(factor for _, factor in drops)}
        there = {round(rate / made.lr, 9) for rate in rates(made)}
        assert bool(clashes(ERM, made)) == (not wanted <= there), epochs


@pytest.mark.parametrize("epochs", [5, 6, 7])
def test_drops_at_80_and_90_percent_of_5_to_7_epochs_fall_on_one(epochs):
    [clash] = clashes(ERM, recipe(epochs))
    n = round(0.8 * epochs) + 1
    assert clash.is_of_recipe
    assert clash.what == (
        f"the learning rate × 0.01 and the learning rate × 0.0001 would both begin at epoch {n}"
    )
    assert next_epochs([ERM], recipe(epochs)) == 8


def test_a_stage_that_begins_where_the_rate_drops_is_the_published_design():
    drw = Method(Stage(VectorScaling(), until=0.8), Stage(VectorScaling()))
    assert not clashes(drw, recipe(200))
    assert not clashes(drw, recipe(8))
    # 160 of 300 epochs, in six digits.
    kini = Method(Stage(VectorScaling(), until=160 / 300), Stage(VectorScaling()))
    assert not clashes(kini, recipe(300, ((0.533333, 0.01), (0.6, 0.0001))))


def test_the_stages_of_a_run_have_one_schedule():
    """`plan`, `show` and the checks read the schedule of a run from its first stage."""
    ce = VectorScaling()
    for first, then, said in [
        (None, "cosine", "the recipe's and 'cosine'"),
        ("constant", None, "'constant' and the recipe's"),
    ]:
        with pytest.raises(SpecError, match=f"two learning-rate schedules: {said}"):
            Method(Stage(ce, until=0.5, schedule=first), Stage(ce, schedule=then))
    Method(Stage(ce, until=0.5, schedule="cosine"), Stage(ce, schedule="cosine"))
    Method(Stage(ce, until=0.5), Stage(ce, trains="head", schedule="cosine"))


def test_a_stage_that_rounding_moves_to_a_drop_clashes_for_the_method_alone():
    late = Method(Stage(VectorScaling(), until=0.75), Stage(VectorScaling()))
    [clash] = clashes(late, recipe(10))
    assert (clash.is_of_recipe, "stage 2" in clash.what) == (False, True)
    assert not clashes(late, recipe(20))


def test_the_drops_of_a_shorter_first_run_clash_for_the_method_alone():
    jtt = REGISTRY.make("method", REGISTRY.part("method", "jtt"))
    [clash] = clashes(jtt, recipe(30))
    assert (clash.run.epochs, clash.is_of_recipe) == (6, False)
    assert next_epochs([jtt], recipe(30)) == 38  # 0.2 × 38 is 8 epochs


def test_a_drop_at_the_first_epoch_or_in_the_warm_up_clashes():
    assert "leaves none before it" in clashes(ERM, recipe(5, ((0.05, 0.1),)))[0].what
    assert "within the 6 epochs" in clashes(ERM, recipe(20, ((0.2, 0.1),), warmup=0.3))[0].what
    # A drop at 0 is declared there.
    assert not clashes(ERM, recipe(5, ((0.0, 0.1),)))


def test_a_stage_without_an_epoch_has_none_at_any_restart():
    jtt = REGISTRY.make("method", REGISTRY.part("method", "jtt"))
    assert not every_stage_trains(jtt, 2)
    assert every_stage_trains(jtt, 3)


@pytest.mark.parametrize("name", ["step", "overshooting_step"])
@pytest.mark.parametrize("epochs", [10, 40, 400])
def test_a_phase_begins_where_the_rate_changes(name, epochs):
    made = recipe(epochs, schedule=REGISTRY.part("schedule", name))
    found = rates(made)
    began = {phase.first for phase in phases_of(made, epochs) if phase.what != "rising to × 2"}
    rising = max(1, round(0.025 * epochs)) if name == "overshooting_step" else 0
    assert {e for e in range(1, epochs) if found[e] != found[e - 1] and e >= rising} == began - {0}
