"""Recipes by name. A suite may replace any field of one."""

from __future__ import annotations

from harness.spec.recipes import part
from harness.spec.registry import recipe
from harness.spec.trial import Recipe


@recipe(cite="he2016deep")
def digits() -> Recipe:
    """ResNet-8 on 8×8 images: five seconds on one core.

    No source trains on these images. The numbers are ours: 100 epochs are what a quick suite can
    wait for; learning rate and weight decay are the best of {0.03, 0.1, 0.2} × {5e-4, 5e-3} at
    ratio 100 by balanced accuracy on validation data, averaged over methods and five seeds.
    """
    return Recipe(
        name="digits",
        backbone=part("backbone", cifar_resnet8={}),
        epochs=100,
        batch=32,
        lr=0.03,
        weight_decay=5e-4,
        warmup=0.05,
        schedule=part("schedule", step={}),
        augment=(part("augmentation", crop={"padding": 1}),),
        deterministic=True,
    )
