"""Simple balancing of groups: weigh small cells more, or cut large ones (idrissi2022simple).

Cells are (label, group) pairs. The paper calls the two RWG and SUBG.
"""

from __future__ import annotations

from typing import Literal

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.groups import GroupScaling
from evenhand.losses.per_cell import InverseCell
from evenhand.sampling import CellWeighted, Subsampled


@method(cite="idrissi2022simple", title="RWG", aliases=("rwg",))
def reweight_group(by: Literal["sampling", "loss"] = "sampling") -> Method:
    """Re-weighting by group: all cells count alike, by how often they are drawn or by weight.

    by="sampling" is the paper's: as many examples an epoch as there are, drawn with replacement
    with probability ∝ 1/N_s. by="loss" gives them that weight in the loss instead.
    """
    if by == "sampling":
        return Method(Stage(loss=GroupScaling(), sampler=CellWeighted(InverseCell())))
    return Method(Stage(loss=GroupScaling(alpha=InverseCell()), reduce="weighted_mean"))


@method(cite="idrissi2022simple", title="SUBG")
def subg() -> Method:
    """Sub-sampling by group: every cell is cut down to the size of the smallest, once.

    An epoch is one over what is left, so that a recipe of as many epochs takes fewer steps.
    """
    return Method(Stage(loss=GroupScaling(), sampler=Subsampled()))
