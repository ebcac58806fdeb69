"""Unreduced losses by name, for methods and for any training loop.

The functions are in `catalogue.py`; `VectorScaling` and `GroupScaling` take vectors of your own.
Importing them does not import torch: vectors over classes are NumPy arrays in float64, and `bind`
imports the kernels.
"""

from evenhand.losses.catalogue import (
    cb,
    cdt,
    ce,
    equalized,
    focal,
    group_balanced,
    group_cdt,
    group_la,
    group_vs,
    la,
    la_within_groups,
    label_aware,
    ldam,
    prior_power,
    vs,
    wce,
)
from evenhand.losses.groups import GroupScaling
from evenhand.losses.vector_scaling import VectorScaling

__all__ = [
    "GroupScaling",
    "VectorScaling",
    "cb",
    "cdt",
    "ce",
    "equalized",
    "focal",
    "group_balanced",
    "group_cdt",
    "group_la",
    "group_vs",
    "la",
    "la_within_groups",
    "label_aware",
    "ldam",
    "prior_power",
    "vs",
    "wce",
]
