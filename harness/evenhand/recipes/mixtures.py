"""The recipe of linear models on mixtures of Gaussians."""

from __future__ import annotations

from evenhand.declared.registry import recipe
from evenhand.declared.trial import Recipe
from evenhand.suite.recipes import part

ANY_SIZE = 100_000
"""More examples than a mixture has: every batch is the whole training set."""


@recipe(name="mixture-gd", cite="kini2021label")
def mixture_gd() -> Recipe:
    """A linear model by full-batch gradient descent, for simulations of kini2021label's Fig. 2.

    From the text: gradient descent at the constant learning rate 0.1. That is on f = f_1 − f_0, on
    which each of two logits moves: here it is 0.05. Ours: a start at zero, where what lies outside
    the span of the examples stays; and 5,000 steps, for the paper gives no number. Inputs are taken
    as they are. A refit needs no epochs and has the same network.
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
