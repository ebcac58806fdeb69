"""Objectives made of the risks of (label, group) cells: the baselines of li2021autobalance, Sec. 4.

    ce_share · CE + (1 − ce_share) · L,   L one of CE_bal^G, CE_deo, Group-LA

The paper's λ is 1 − ce_share in its formula and ce_share in the label of a row of its Table 3, so
the coefficient is named for what it multiplies here: that row, 0.1·CE + 0.9·CE_deo, is
`deo_penalty: {ce_share: 0.1}`. The default, 0, is L alone, as in the table's other rows.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.groups import GroupScaling
from evenhand.losses.mixture import Mixture
from evenhand.losses.per_cell import InverseCell, InverseGroup, LogPriorInGroup, WithinGroup
from evenhand.losses.reductions import RiskGaps

Share = Annotated[float, Field(ge=0, le=1)]


def beside_cross_entropy(loss: GroupScaling, ce_share: float) -> Stage:
    """Cross-entropy and a weighted loss, divided by the batch's total weight."""
    return Stage(loss=Mixture(GroupScaling(), loss, ce_share), reduce="weighted_mean")


@method(cite="li2021autobalance", title="Group-balanced CE")
def group_balanced(ce_share: Share = 0.0) -> Method:
    """CE_bal^G: the mean of the cells' cross-entropies, by the weight 1/N_s of an example.

    Over the training set the weighted mean is that of the cells' risks; a batch need not hold all
    cells. With ce_share = 0 it is `reweight_group: {by: loss}`.
    """
    return Method(beside_cross_entropy(GroupScaling(alpha=InverseCell()), ce_share))


@method(cite="li2021autobalance", title="DEO penalty")
def deo_penalty(ce_share: Share = 0.0) -> Method:
    """CE_deo: by how much cross-entropy differs between the groups of a label, over all labels.

    Alone it asks for no right answer: a network with the same loss everywhere has the optimum 0.
    """
    return Method(Stage(loss=GroupScaling(), reduce=RiskGaps(ce_share)))


@method(cite="li2021autobalance", title="LA within groups")
def la_within_groups(tau: float = 1.0, ce_share: Share = 0.0) -> Method:
    """Logit adjustment by the prior of a class in its group, all groups weighing alike.

    The paper calls it Group-LA: weights 1/π̄_g and LA with τ = 1, conditioned on the group; the
    offset τ·log(N_yg / N_g) at the logit of y is our reading. With one group it is `la`.
    """
    loss = GroupScaling(alpha=InverseGroup(), delta=WithinGroup(LogPriorInGroup(tau)))
    return Method(beside_cross_entropy(loss, ce_share))
