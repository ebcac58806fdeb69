"""Recipes by name. A suite may replace any field of one."""

from __future__ import annotations

from harness.spec.recipes import part
from harness.spec.registry import recipe
from harness.spec.trial import Recipe


@recipe(cite="he2016deep")
def digits() -> Recipe:
    """ResNet-8 on 8×8 images in two seconds on one core; chosen here, by validation accuracy."""
    return Recipe(
        name="digits",
        backbone=part("backbone", cifar_resnet8={}),
        epochs=40,
        batch=32,
        lr=0.1,
        weight_decay=5e-4,
        warmup=0.05,
        schedule=part("schedule", step={}),
        augment=(part("augmentation", crop={"padding": 1}),),
        deterministic=True,
    )
