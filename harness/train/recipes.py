"""Recipes by name. A suite may replace any field of one."""

from __future__ import annotations

from harness.spec.recipes import part
from harness.spec.registry import recipe
from harness.spec.trial import Recipe


@recipe(cite="he2016deep")
def digits() -> Recipe:
    """ResNet-8 on 8×8 images: about three seconds on one core.

    No source trains on these images. Learning rate, weight decay and epochs are ours: the best of
    twelve settings by balanced accuracy on validation data, averaged over ERM, LA, VS and
    LDAM+DRW at ratio 100.
    """
    return Recipe(
        name="digits",
        backbone=part("backbone", cifar_resnet8={}),
        epochs=60,
        batch=32,
        lr=0.03,
        weight_decay=5e-4,
        warmup=0.05,
        schedule=part("schedule", step={}),
        augment=(part("augmentation", crop={"padding": 1}),),
        deterministic=True,
    )
