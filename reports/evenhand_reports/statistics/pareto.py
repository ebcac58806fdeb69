"""Pareto fronts of points in the plane of two costs, better when lower, and what they cover."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Costs = Float[np.ndarray, "points 2"]


def on_front(costs: Costs) -> Bool[np.ndarray, " points"]:
    """Whether no other point is at least as good in both costs and better in one."""
    no_worse = (costs[:, None] <= costs[None]).all(2)
    better = (costs[:, None] < costs[None]).any(2)
    return np.asarray(~(no_worse & better).any(0))


def hypervolume(costs: Costs, reference: Float[np.ndarray, " 2"]) -> float:
    """Area between the front and a reference corner: what some point is better than in both costs.

    Points that are not better than the reference in both add nothing.
    """
    inside = costs[(costs < reference).all(1)]
    area, bound = 0.0, float(reference[1])
    for x, y in inside[np.lexsort(inside.T[::-1])].tolist():
        if y < bound:
            area += (float(reference[0]) - x) * (bound - y)
            bound = y
    return area
