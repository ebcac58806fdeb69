"""Re-weighting and sub-sampling by group, RWG and SUBG (idrissi2022simple).

A cell is a (label, group) pair.
"""

from __future__ import annotations

from typing import Literal

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.groups import GroupScaling
from evenhand.losses.per_cell import InverseCell
from evenhand.sampling import CellWeighted, Subsampled


@method(cite="idrissi2022simple", title="RWG", aliases=("rwg",))
def reweight_group(by: Literal["sampling", "loss"] = "sampling") -> Method:
    """Re-weighting by group (RWG): all (label, group) cells have the same total weight.

    by  "sampling", as in the paper: an epoch has as many draws as there are examples, with
        replacement and with probability ∝ 1/N_s. "loss": the weight 1/N_s in the loss instead
    """
    if by == "sampling":
        return Method(Stage(loss=GroupScaling(), sampler=CellWeighted(InverseCell())))
    return Method(Stage(loss=GroupScaling(alpha=InverseCell()), reduce="weighted_mean"))


@method(cite="idrissi2022simple", title="SUBG")
def subg() -> Method:
    """Sub-sampling by group (SUBG): cut every cell down to the size of the smallest.

    The examples are drawn once, without replacement (idrissi2022simple). An epoch is one pass over
    the kept examples, so that the same recipe takes fewer steps than under ERM.
    """
    return Method(Stage(loss=GroupScaling(), sampler=Subsampled()))
