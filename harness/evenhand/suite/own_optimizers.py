"""Check that an optimiser of the user's own fits the training loop, before any trial trains."""

from __future__ import annotations

from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.errors import EvenhandError, Mistake, SpecError

HOW = (
    "the training loop calls `step()` without a closure on dense gradients of weights and biases, "
    "and sets `lr` of each parameter group"
)
RIGHT = "use an optimiser that does so, such as sgd or adamw, or correct the plugin"


def check_own_optimizer(recipe: Recipe) -> None:
    """Take one step on a small layer with the recipe's optimiser, unless it is one of Evenhand.

    Raises `SpecError` where the optimiser cannot be made, or its step fails.
    """
    part = recipe.optimizer
    if part is None or REGISTRY.get("optimizer", part.name).is_shipped:
        return
    make = REGISTRY.make("optimizer", part)
    import torch

    parameters = [torch.zeros(2, 3, requires_grad=True), torch.zeros(2, requires_grad=True)]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    groups = [{"params": parameters, "weight_decay": recipe.weight_decay}]
    try:
        made = make(groups, recipe, recipe.lr)
        if not isinstance(made, torch.optim.Optimizer):
            raise _unfit(
                part.name, f"it gives a {type(made).__name__}, not a torch.optim.Optimizer"
            )
        if not all("lr" in group for group in made.param_groups):
            raise _unfit(part.name, "its parameter groups have no `lr`")
        made.step()
    except EvenhandError:
        raise
    except (Exception, SystemExit) as error:
        # Foreign code may raise anything.
        raise _unfit(part.name, f"{type(error).__name__}: {error}") from error


def _unfit(name: str, why: str) -> SpecError:
    what = f"optimizer = {name!r} does not fit the training loop: {why}"
    return SpecError([Mistake(what, ("optimizer",), HOW, RIGHT)])
