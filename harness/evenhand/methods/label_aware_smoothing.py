"""Label-aware smoothing of a decoupled classifier (zhong2021improving)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.label_aware import LabelAware, Over, Shape
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.decoupling import BatchNorm, balanced_head
from evenhand.methods.schedules import Share

Epsilon = Annotated[float, Field(ge=0, le=1)]


@method(cite="zhong2021improving", title="Label-aware smoothing")
def label_aware_smoothing(
    head: Epsilon = 0.3,
    tail: Epsilon = 0.0,
    shape: Shape = "concave",
    over: Over = "others",
    retrain: Share = 0.05,
    batch_norm: BatchNorm = "fixed",
) -> Method:
    """Label-aware smoothing: ERM, then the last layer trained further on smoothed labels.

        ℓ(f, y) = −(1 − ε_y) log p_y − ε_y / (K − 1) · Σ_{c≠y} log p_c,   p = softmax(f)

    The second stage of zhong2021improving, named MiSLAS with mixup in the first stage, which a
    recipe can add and which the second stage leaves out. The backbone is frozen; the last layer is
    kept and trained further with the scale s_c of `lws`, on class-balanced draws at a cosine
    learning rate. Both have the recipe's learning rate; the released code gives the last layer a
    fraction of it, 0.5 on CIFAR-10-LT with ratio 100.

    head        ε of the most frequent class; 0.3 and 0 are the released code's values for
                CIFAR-10-LT with ratio 100
    tail        ε of the rarest class
    shape       form of ε between the two, by the number of training examples
    over        "others": ε is spread over the other classes, as in the formula, which is quoted
                from memory and was not verified. "all": over all classes, as in the released code
    retrain     length of the second stage as a share of the recipe's epochs, in addition to them;
                the released code has 10 after 200 epochs on CIFAR
    batch_norm  "fixed" is the released code's setting for CIFAR-10-LT with ratio 100; "updated" is
                that for CIFAR-100-LT and ImageNet-LT, the paper's shifted batch normalisation
    """
    loss = LabelAware(head, tail, shape, over)
    smoothed = replace(balanced_head(retrain, batch_norm), loss=loss, head="keep", mixes=False)
    return Method(Stage(loss=VectorScaling(), until=1.0), smoothed, head="scaled")
