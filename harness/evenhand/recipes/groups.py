"""Recipes for problems with groups: a fine-tuned ResNet-50 on images, and heads on features."""

from __future__ import annotations

from evenhand.declared.decorators import recipe
from evenhand.declared.recipe import Recipe
from evenhand.suite.recipes import part


@recipe(name="waterbirds-resnet50", cite="kini2021label")
def waterbirds_resnet50() -> Recipe:
    """ResNet-50 with ImageNet weights on Waterbirds: all layers are trained for 300 epochs.

    From kini2021label and its released code: torchvision's weights, SGD with momentum at a constant
    learning rate, batches of 64, ImageNet's statistics, no augmentation, the last epoch. Ours: bf16
    where the hardware supports it, and evaluation of every tenth epoch, from which `best-val`
    chooses. timm reads the weights from its cache or downloads them.
    """
    return Recipe(
        name="waterbirds-resnet50",
        backbone=part("backbone", timm={"model": "resnet50.tv_in1k", "pretrained": True}),
        epochs=300,
        batch=64,
        lr=1e-3,
        momentum=0.9,
        weight_decay=1e-4,
        schedule=part("schedule", constant={}),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        precision="auto",
        evaluate_every=10,
    )


@recipe(name="features-linear", cite="li2021autobalance")
def features_linear() -> Recipe:
    """Linear head on features for 500 epochs, with features standardised by the training set.

    From li2021autobalance: 150 epochs of warm-up and 350 of search, hence 500 epochs for other
    methods. The paper gives no model, normalisation, learning rate, weight decay or batch size, and
    there is no code. All of these are ours, chosen without any printed number: a linear head, SGD
    with momentum at a constant learning rate of 0.01, weight decay 1e-4, batches of 128.
    """
    return Recipe(
        name="features-linear",
        backbone=part("backbone", linear={}),
        epochs=500,
        batch=128,
        lr=0.01,
        weight_decay=1e-4,
        schedule=part("schedule", constant={}),
        deterministic=True,
        evaluate_every=10,
    )


@recipe(name="features-mlp", cite="li2021autobalance")
def features_mlp() -> Recipe:
    """`features-linear` with a hidden layer of 256 ReLUs, another reading of li2021autobalance."""
    changes = {"name": "features-mlp", "backbone": part("backbone", mlp={"hidden": 256})}
    return features_linear().model_copy(update=changes)
