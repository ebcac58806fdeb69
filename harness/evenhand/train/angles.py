"""Angle between the trained head and a reference line (kini2021label, Fig. 2)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import nn

from evenhand.declared.base import Part
from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import LinearHead
from evenhand.errors import DataError
from evenhand.train.training import Training
from evenhand.train.transitions import solve_head


def angle(run: Training, to: Part) -> float | None:
    """Angle in degrees between w_1 − w_0 of the head and of the method `to`'s refit.

    The refit is solved once, on the features of the training images at the first evaluation: only
    in a network without a body do both lines live in one space throughout. None as long as the
    head's weights are 0. Raises `DataError` unless there are two classes.
    """
    if run.shape[1] != 2:
        raise DataError(
            f"angle_to: {to} separates two classes by a line; this problem has {run.shape[1]} "
            "classes\n  leave angle_to out of the recipe"
        )
    if run.reference_direction is None:
        method: Method = REGISTRY.make("method", to)
        assert method.refit is not None, "checked with the suite"
        run.reference_direction = _difference(solve_head(run, method.refit))
    head = run.model.head
    assert isinstance(head, nn.Linear)
    weight, bias = (p.detach().double().cpu().numpy() for p in (head.weight, head.bias))
    now = _difference(LinearHead(weight, bias))
    lengths = float(np.linalg.norm(now) * np.linalg.norm(run.reference_direction))
    if not lengths:
        return None
    return float(np.degrees(np.arccos(np.clip(now @ run.reference_direction / lengths, -1, 1))))


def _difference(head: LinearHead) -> Float[np.ndarray, " features"]:
    return np.asarray(head.weight[1] - head.weight[0])
