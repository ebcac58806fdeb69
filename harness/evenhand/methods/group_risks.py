"""Objectives over the risks of (label, group) cells: the baselines of li2021autobalance, Sec. 4.

    ce_share · CE + (1 − ce_share) · L,   L one of CE_bal^G, CE_deo, Group-LA

λ in the paper is 1 − ce_share in its formula and ce_share in the name of a row of its Table 3.
Here the coefficient is named after the term that it multiplies: that row, 0.1·CE + 0.9·CE_deo, is
`deo_penalty: {ce_share: 0.1}`. The default, 0, is L alone, as in the other rows of the table.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.groups import GroupScaling
from evenhand.losses.mixture import Mixture
from evenhand.losses.reductions import RiskGaps

Share = Annotated[float, Field(ge=0, le=1)]


def beside_cross_entropy(loss: GroupScaling, ce_share: float) -> Stage:
    """A stage on a mixture of cross-entropy and a weighted loss, as a weighted mean."""
    return Stage(loss=Mixture(GroupScaling(), loss, ce_share), reduce="weighted_mean")


@method(cite="li2021autobalance", title="Group-balanced CE")
def group_balanced(ce_share: Share = 0.0) -> Method:
    """Group-balanced cross-entropy CE_bal^G: the mean over cells of their mean cross-entropy.

        L = Σ_i α_si ℓ_i / Σ_i α_si,   α_s = 1/N_s for an example of cell s

    Over the training set this weighted mean is the mean of the cells' risks; a batch may lack some
    cells. With ce_share = 0 it equals `reweight_group: {by: loss}`.

    ce_share  share of plain cross-entropy in the mixture
    """
    return Method(beside_cross_entropy(losses.group_balanced(), ce_share))


@method(cite="li2021autobalance", title="DEO penalty")
def deo_penalty(ce_share: Share = 0.0) -> Method:
    """Penalty CE_deo: the sum over labels of the gap in cross-entropy between groups.

        L = Σ_y (max_g L_yg − min_g L_yg),   L_yg the mean cross-entropy of cell (y, g)

    Without a share of cross-entropy a constant prediction is optimal, since all its gaps are 0.

    ce_share  share of plain cross-entropy in the mixture
    """
    return Method(Stage(loss=GroupScaling(), reduce=RiskGaps(ce_share)))


@method(cite="li2021autobalance", title="LA within groups")
def la_within_groups(tau: float = 1.0, ce_share: Share = 0.0) -> Method:
    """Logit adjustment within groups, with the same total weight for all groups.

        ℓ(f, y, g) = −α_g · log softmax(f + Δ_g)_y,   α_g = N/N_g,   Δ_cg = τ · log(N_cg / N_g)

    li2021autobalance calls it Group-LA: weights 1/π̄_g, and LA conditioned on the group with τ = 1.
    The formula of the offset is our reading. With one group it equals `la`.

    tau       strength of the shift
    ce_share  share of plain cross-entropy in the mixture
    """
    loss = losses.la_within_groups(tau)
    return Method(beside_cross_entropy(loss, ce_share))
