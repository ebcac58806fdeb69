"""Recipe of linear models on mixtures of Gaussians."""

from __future__ import annotations

from evenhand.declared.decorators import recipe
from evenhand.declared.recipe import Recipe
from evenhand.suite.recipes import part

ANY_SIZE = 100_000
"""More examples than a mixture has, so that every batch is the whole training set."""


@recipe(name="mixture-gd", cite="kini2021label")
def mixture_gd() -> Recipe:
    """Linear model trained by full-batch gradient descent, for the simulations of kini2021label.

    From the text (Fig. 2): gradient descent at the constant learning rate 0.1. It applies to
    f = f_1 − f_0, which both logits change, so that it is 0.05 here. Ours: a start at zero, from
    which weights never leave the span of the examples; and 5,000 steps, as the paper gives no
    number. Inputs are not normalised. A refit needs no epochs and uses the same network.
    """
    return Recipe(
        name="mixture-gd",
        backbone=part("backbone", linear={"init": "zero"}),
        epochs=5000,
        batch=ANY_SIZE,
        lr=0.05,
        momentum=0.0,
        weight_decay=0.0,
        schedule=part("schedule", constant={}),
        mean=(0.0,),
        std=(1.0,),
        evaluate_every=250,
        deterministic=True,
    )
