"""Introductions of the reference pages, one for each kind of part."""

from __future__ import annotations

PAGES: dict[str, tuple[str, str, str]] = {
    "datasets": (
        "dataset",
        "Data sets",
        "A problem in a suite is a data set under an imbalance profile: "
        "`cifar10: {profile: exp, ratio: 100}`. Data sets that have to be prepared once are listed "
        "in {doc}`/how-to/prepare-data`; {doc}`/how-to/own-dataset` shows how to add one.",
    ),
    "profiles": (
        "profile",
        "Imbalance profiles",
        "A profile sets how many training images of each class are kept.",
    ),
    "metrics": (
        "metric",
        "Metrics",
        "A metric is a function of the counts by group, label and prediction, so a metric that is "
        "added later needs no new training. A metric of class probabilities is a function of the "
        "logits; {doc}`/explanation/evaluation` describes these. Scores are fractions, which "
        "reports show in percent, except where a unit is given. A quotient of zeros is undefined, "
        "never 0.",
    ),
    "backbones": (
        "backbone",
        "Backbones",
        "A recipe names its network: `backbone: {cifar_resnet32: {shortcut: A}}`. The entry `timm` "
        "gives every model of that library.",
    ),
    "posthoc": (
        "posthoc",
        "Post-hoc methods",
        "A post-hoc method changes the predictions of a trained network without training it again: "
        "`erm: {posthoc: {post_shift: {maximize: min_recall}}}`. A post-hoc method that is named "
        "by itself is applied to ERM.",
    ),
    "schedules": (
        "schedule",
        "Learning-rate schedules",
        "A recipe names its schedule: `schedule: {step: {drops: [[0.8, 0.01], [0.9, 0.0001]]}}`. "
        "Positions are shares of the recipe's epochs and factors multiply `lr`.",
    ),
    "optimizers": (
        "optimizer",
        "Optimisers",
        "A recipe names its optimiser: `optimizer: {adamw: {betas: [0.9, 0.98]}}`, with `lr` and "
        "`weight_decay` beside it. Without this field it is SGD.",
    ),
    "mixings": (
        "mixing",
        "Mixings",
        "A recipe may mix the examples of each batch in pairs: `mixing: {mixup: {alpha: 0.2}}`. "
        "Losses of both labels are added by their shares. Reductions over (label, group) cells, "
        "such as group DRO, are refused with it.",
    ),
    "augmentations": (
        "augmentation",
        "Augmentations",
        "A recipe lists its augmentations in the order in which they are applied: "
        "`augment: [crop, flip, {cutout: {size: 16}}]`.",
    ),
}
