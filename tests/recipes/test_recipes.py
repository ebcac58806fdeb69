"""Recipes of the papers: every learning rate, and short versions of the same shape."""

from __future__ import annotations

import pytest
import torch

from evenhand.declared.recipe import Sam
from evenhand.declared.registry import REGISTRY
from evenhand.recipes.schedules import learning_rate
from evenhand.suite.recipes import resolve_recipe
from evenhand.train.device_data import batches

CIFAR = [entry.name for entry in REGISTRY.all("recipe") if entry.name.startswith("cifar")]
NM21 = [name for name in CIFAR if "nm21" in name]
LDAM_STD, OWN_STD = (0.2023, 0.1994, 0.2010), (0.2470, 0.2435, 0.2616)
LDAM_NET, OWN_NET = {"shortcut": "A", "init": None}, {"shortcut": "B", "init": "torch"}


def rates(name, **fields):
    recipe = resolve_recipe(name, fields)
    schedule = REGISTRY.make("schedule", recipe.schedule)
    return [learning_rate(recipe, schedule, epoch) for epoch in range(recipe.epochs)]


def close(by_hand):
    return pytest.approx(by_hand, rel=1e-12)


RISE = [0.02, 0.04, 0.06, 0.08, 0.1]


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("cifar-ldam", RISE + [0.1] * 155 + [1e-3] * 20 + [1e-5] * 20),
        ("cifar-autobalance", RISE + [0.1] * 155 + [1e-2] * 20 + [1e-3] * 20),
        (
            "cifar100-autobalance",
            [0.01 * e for e in range(1, 11)] + [0.1] * 150 + [1e-2] * 20 + [1e-3] * 20,
        ),
        ("cifar-autobalance-300", RISE + [0.1] * 215 + [1e-2] * 40 + [1e-3] * 40),
        (
            "cifar100-autobalance-300",
            [0.01 * e for e in range(1, 11)] + [0.1] * 210 + [1e-2] * 40 + [1e-3] * 40,
        ),
        (
            "cifar-ddc-400",
            [0.01 * e for e in range(1, 11)] + [0.1] * 310 + [1e-3] * 40 + [1e-5] * 40,
        ),
        (
            "cifar-ddc-400-released",
            [0.02 * e for e in range(1, 11)] + [0.1] * 310 + [1e-3] * 40 + [1e-5] * 40,
        ),
        (
            "cifar-nm21",
            [0.005 * e for e in range(1, 21)]
            + [0.1] * 584
            + [1e-2] * 322
            + [1e-3] * 202
            + [1e-4] * 113,
        ),
        (
            "cifar100-nm21",
            [0.1 * e / 22 for e in range(1, 23)]
            + [0.1] * 669
            + [1e-2] * 368
            + [1e-3] * 231
            + [1e-4] * 129,
        ),
        ("tinyimagenet-resnet18", RISE + [0.1] * 155 + [1e-3] * 20 + [1e-5] * 20),
    ],
)
def test_every_learning_rate_is_that_of_the_protocol(name, by_hand):
    assert rates(name) == close(by_hand)


def test_every_recipe_for_cifar_is_pinned_here():
    assert (len(CIFAR), len(NM21)) == (11, 4)


@pytest.mark.parametrize("name", [name for name in CIFAR if name not in NM21])
def test_what_they_share(name):
    recipe = resolve_recipe(name, {})
    assert recipe.backbone.name == "cifar_resnet32"
    assert (recipe.batch, recipe.lr, recipe.momentum, recipe.nesterov) == (128, 0.1, 0.9, False)
    assert [a.name for a in recipe.augment[:2]] == ["crop", "flip"]
    assert recipe.augment[0].settings == {"padding": 4}


@pytest.mark.parametrize(
    ("name", "backbone", "weight_decay", "mean", "std", "sam"),
    [
        ("cifar-ldam", LDAM_NET, 2e-4, (0.4914, 0.4822, 0.4465), LDAM_STD, None),
        ("cifar-autobalance", OWN_NET, 1e-4, (0.4914, 0.4822, 0.4465), OWN_STD, None),
        ("cifar-autobalance-300", OWN_NET, 1e-4, (0.4914, 0.4822, 0.4465), OWN_STD, None),
        (
            "cifar100-autobalance",
            OWN_NET,
            1e-4,
            (0.5071, 0.4867, 0.4408),
            (0.2675, 0.2565, 0.2761),
            None,
        ),
        (
            "cifar100-autobalance-300",
            OWN_NET,
            1e-4,
            (0.5071, 0.4867, 0.4408),
            (0.2675, 0.2565, 0.2761),
            None,
        ),
        ("cifar-ddc-400", LDAM_NET, 2e-4, (0.4914, 0.4822, 0.4465), LDAM_STD, Sam(rho=(0.1, 0.2))),
    ],
)
def test_what_tells_them_apart(name, backbone, weight_decay, mean, std, sam):
    recipe = resolve_recipe(name, {})
    assert recipe.backbone.settings == backbone
    assert (recipe.weight_decay, recipe.mean, recipe.std) == (weight_decay, mean, std)
    assert recipe.sam == sam


def test_ddc_cuts_out_after_it_has_augmented():
    recipe = resolve_recipe("cifar-ddc-400", {})
    assert [str(a) for a in recipe.augment] == [
        "crop(padding=4)",
        "flip",
        "autoaugment",
        "cutout(size=16, holes=1)",
    ]
    assert recipe.sam is not None and recipe.sam.batch_norm == "both"


def test_the_released_warm_up_is_all_that_differs():
    meant, released = (
        resolve_recipe(f"cifar-ddc-400{which}", {}).model_dump() for which in ("", "-released")
    )
    assert {key for key in meant if meant[key] != released[key]} == {"name", "warmup", "schedule"}


@pytest.mark.parametrize("name", NM21)
def test_what_those_of_nm21_share(name):
    recipe = resolve_recipe(name, {})
    assert (recipe.batch, recipe.lr, recipe.momentum, recipe.nesterov) == (128, 0.1, 0.9, True)
    assert (recipe.weight_decay, recipe.decay_norms) == (2e-4, False)
    assert (recipe.mean, recipe.std) == ((0.5,) * 3, (1.0,) * 3)
    assert [str(a) for a in recipe.augment] == ["crop(padding=2)", "flip"]


@pytest.mark.parametrize("name", ["cifar-nm21", "cifar100-nm21"])
def test_network_and_last_batch_are_all_that_the_release_of_nm21_changes(name):
    text, released = (resolve_recipe(name + which, {}) for which in ("", "-released"))
    assert text.backbone.name == "cifar_resnet56"
    assert (released.backbone.name, released.drop_last) == ("nm21_resnet47", True)
    a, b = text.model_dump(), released.model_dump()
    assert {key for key in a if a[key] != b[key]} == {"name", "backbone", "drop_last"}


@pytest.mark.parametrize(
    ("name", "images", "steps"),
    [("cifar-nm21-released", 12_406, 119_136), ("cifar100-nm21-released", 10_847, 119_196)],
)
def test_the_releases_of_nm21_take_as_many_steps_as_their_code(name, images, steps):
    recipe = resolve_recipe(name, {})
    an_epoch = len(list(batches(torch.arange(images), recipe.batch, drop_last=True)))
    assert recipe.epochs * an_epoch == steps


def test_tinyimagenet_takes_its_own_statistics_and_a_network_for_small_images():
    recipe = resolve_recipe("tinyimagenet-resnet18", {})
    assert str(recipe.backbone) == "resnet18_small(stride=1)"
    assert (recipe.mean, recipe.std, recipe.epochs) == (None, None, 200)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("cifar-ldam", [0.1] * 16 + [1e-3] * 2 + [1e-5] * 2),
        ("cifar-autobalance", [0.1] * 16 + [1e-2] * 2 + [1e-3] * 2),
        ("cifar100-autobalance", [0.1] * 16 + [1e-2] * 2 + [1e-3] * 2),
        ("cifar-ddc-400", [0.1] * 16 + [1e-3] * 2 + [1e-5] * 2),
        ("cifar-ddc-400-released", [0.2] + [0.1] * 15 + [1e-3] * 2 + [1e-5] * 2),
    ],
)
def test_20_epochs_have_every_border_at_its_share(name, by_hand):
    """Half an epoch of warm-up is none, but overshooting is still seen."""
    assert rates(name, epochs=20) == close(by_hand)


def test_warm_up_is_shortened_like_the_rest():
    assert rates("cifar-ldam", epochs=80)[:3] == close([0.05, 0.1, 0.1])
    assert rates("cifar100-autobalance", epochs=60)[:4] == close([0.1 / 3, 0.2 / 3, 0.1, 0.1])
    assert rates("cifar-ddc-400-released", epochs=80)[:3] == close([0.1, 0.2, 0.1])
    assert rates("cifar-autobalance-300", epochs=30)[21:27] == close([0.1] + [0.01] * 4 + [0.001])


@pytest.mark.parametrize(("epochs", "border"), [(200, 160), (400, 320), (20, 16)])
@pytest.mark.parametrize("name", ["ldam_drw", "erm_adrw", "vs_tla_adrw"])
def test_stages_begin_where_the_learning_rate_drops(name, epochs, border):
    method = REGISTRY.make("method", REGISTRY.part("method", name))
    assert method.first_epochs(epochs) == (0, border)
    found = rates("cifar-ldam", epochs=epochs)
    assert found[border] == close(found[border - 1] / 100)


def test_sam_may_be_left_out_or_replaced():
    assert resolve_recipe("cifar-ddc-400", {"sam": None}).sam is None
    assert resolve_recipe("cifar-ddc-400", {"sam": 0.4}).sam == Sam(rho=(0.4,))
