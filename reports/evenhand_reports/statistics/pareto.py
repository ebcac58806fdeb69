"""Pareto fronts of points in the plane of two costs, lower is better, and their hypervolume."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Costs = Float[np.ndarray, "points 2"]


def on_front(costs: Costs) -> Bool[np.ndarray, " points"]:
    """Whether each point is on the front: no other point dominates it."""
    # Both conditions are needed: equal points do not dominate each other, and all are on the front.
    no_worse = (costs[:, None] <= costs[None]).all(2)
    better = (costs[:, None] < costs[None]).any(2)
    return np.asarray(~(no_worse & better).any(0))


def hypervolume(costs: Costs, reference: Float[np.ndarray, " 2"]) -> float:
    """The area that the points dominate, up to a reference corner.

    A point that is not better than the reference in both costs adds nothing.
    """
    inside = costs[(costs < reference).all(1)]
    # In the order of the first cost, each point adds one rectangle below those before it, and no
    # area counts twice.
    area, bound = 0.0, float(reference[1])
    for x, y in inside[np.lexsort(inside.T[::-1])].tolist():
        if y < bound:
            area += (float(reference[0]) - x) * (bound - y)
            bound = y
    return area
