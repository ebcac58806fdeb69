"""The angle between what is trained and a line that is solved for (kini2021label, Fig. 2)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import nn

from evenhand.declared.base import Part
from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import Solved
from evenhand.errors import DataError
from evenhand.train.training import Training
from evenhand.train.transitions import solved_for


def angle(run: Training, to: Part) -> float | None:
    """Degrees between the head's w_1 − w_0 and the one that the method's refit finds.

    On the training images, whose features are those of the first evaluation: the angle is one of
    two lines where the network has no body. None as long as the head is 0. Raises `DataError`
    where there are not two classes.
    """
    if run.shape[1] != 2:
        raise DataError(
            f"angle_to: {to} is a line between two classes, and there are {run.shape[1]}\n"
            "  leave angle_to out of the recipe"
        )
    if run.direction is None:
        method: Method = REGISTRY.make("method", to)
        assert method.refit is not None, "checked with the suite"
        run.direction = _difference(solved_for(run, method.refit))
    head = run.model.head
    assert isinstance(head, nn.Linear)
    weight, bias = (p.detach().double().cpu().numpy() for p in (head.weight, head.bias))
    now = _difference(Solved(weight, bias))
    lengths = float(np.linalg.norm(now) * np.linalg.norm(run.direction))
    if not lengths:
        return None
    return float(np.degrees(np.arccos(np.clip(now @ run.direction / lengths, -1, 1))))


def _difference(head: Solved) -> Float[np.ndarray, " features"]:
    return np.asarray(head.weight[1] - head.weight[0])
