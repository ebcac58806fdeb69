"""Decoupled training of representation and classifier (kang2020decoupling)."""

from __future__ import annotations

from typing import Literal

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.per_class import InversePrior
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.schedules import Share
from evenhand.sampling import ClassWeighted

BatchNorm = Literal["fixed", "updated"]


@method(cite="kang2020decoupling", title="cRT")
def crt(retrain: Share = 0.111, batch_norm: BatchNorm = "fixed") -> Method:
    """Classifier re-training: ERM, then a new last layer on class-balanced draws.

    The backbone is frozen in the second stage, whose last layer is drawn anew (kang2020decoupling).
    It begins at the recipe's learning rate again, with no momentum, and follows a cosine to 0. An
    epoch has as many draws as there are training examples, with replacement, and all classes are
    drawn equally often; the published code draws four images of a class at a time.

    retrain     length of the second stage as a share of the recipe's epochs, in addition to them;
                the published code has 10 after 90 epochs on ImageNet-LT
    batch_norm  "fixed": the features are those of the first stage, as in the paper's text, which is
                quoted from memory and was not verified. "updated": normalised by the batch, and the
                running statistics move, as in the published code, whose frozen backbone stays in
                training mode
    """
    return Method(Stage(loss=VectorScaling(), until=1.0), balanced_head(retrain, batch_norm))


@method(cite="kang2020decoupling", title="LWS")
def lws(retrain: Share = 0.0556, batch_norm: BatchNorm = "fixed") -> Method:
    """Learnable weight scaling: ERM, then a scale of each class's logit on class-balanced draws.

        f_c = s_c · (w_c · h + b_c)

    Backbone, w and b are frozen in the second stage, and s begins at 1 (kang2020decoupling). As in
    the published code, the scale multiplies the bias and has the recipe's weight decay. Draws and
    learning rate are those of `crt`.

    retrain     length of the second stage as a share of the recipe's epochs, in addition to them;
                the published code has 5 after 90 epochs on ImageNet-LT
    batch_norm  as in `crt`
    """
    scaling = Stage(
        loss=VectorScaling(),
        sampler=ClassWeighted(InversePrior()),
        until=retrain,
        trains="scale",
        statistics=batch_norm,
        schedule="cosine",
    )
    return Method(Stage(loss=VectorScaling(), until=1.0), scaling, head="scaled")


def balanced_head(retrain: float, batch_norm: BatchNorm) -> Stage:
    """The second stage of `crt`."""
    return Stage(
        loss=VectorScaling(),
        sampler=ClassWeighted(InversePrior()),
        until=retrain,
        trains="head",
        head="new",
        statistics=batch_norm,
        schedule="cosine",
    )
