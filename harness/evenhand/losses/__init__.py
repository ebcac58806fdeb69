"""Losses of each example, by name, for any training loop and for methods.

The functions listed here are in `catalogue.py`. Importing them does not import torch: vectors over
classes are NumPy in float64, and `bind` imports the kernels.
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
    ldam,
    prior_power,
    vs,
    wce,
)

__all__ = [
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
    "ldam",
    "prior_power",
    "vs",
    "wce",
]
