"""Group DRO (sagawa2020distributionally), alone and over the group losses of kini2021label.

The reduction can be combined with any loss: `Stage(loss=…, reduce=GroupDRO())`. The weight of a
cell follows the loss that is trained, hence the adjusted loss where a method adjusts it.

The released codes of both papers run Waterbirds with a step of 0.01 and no adjustment.
sagawa2020distributionally draws all cells equally often there and kini2021label does not. The
default follows kini2021label, whose table `kini2021_table2` repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.loss import Loss
from evenhand.declared.method import EveryExample, Method, Stage
from evenhand.declared.shared_settings import with_shared_settings
from evenhand.losses.catalogue import GroupForm
from evenhand.losses.groups import GroupScaling
from evenhand.losses.per_cell import InverseCell
from evenhand.losses.reductions import GroupDRO
from evenhand.methods.group_vs import Gamma
from evenhand.sampling import CellWeighted


@dataclass(frozen=True)
class Robustness:
    """Settings of group DRO, the same for every loss."""

    eta: Annotated[float, Field(gt=0)] = 0.01
    """Step of the exponentiated-gradient update of the cells' weights."""
    adjustment: Annotated[float, Field(ge=0)] = 0.0
    """C in the term C/√N_s that is added to the loss of cell s."""
    balanced_sampling: bool = False
    """Whether all cells are drawn equally often."""

    def of(self, loss: Loss) -> Method:
        """Group DRO on a loss."""
        sampler = CellWeighted(InverseCell()) if self.balanced_sampling else EveryExample()
        reduce = GroupDRO(self.eta, self.adjustment)
        return Method(Stage(loss=loss, sampler=sampler, reduce=reduce))


DEFAULT = Robustness()


@method(cite="sagawa2020distributionally", title="DRO", aliases=("ce_dro", "group_dro"))
@with_shared_settings
def dro(robustness: Robustness = DEFAULT) -> Method:
    """Group DRO: cross-entropy by cell, with weights that move towards the worst cells.

        L = Σ_s q_s L_s,   q_s ∝ q_s · exp(η (L_s + C/√N_s)) before each step

    L_s is the mean cross-entropy of cell s in the batch, and q starts uniform
    (sagawa2020distributionally, Algorithm 1). ERM weights every example equally.

    eta                η, the step of the weights q; the code of idrissi2022simple uses 0.1
    adjustment         C, the generalisation adjustment: small cells count as worse by C/√N_s
    balanced_sampling  draw all cells equally often, with replacement
    """
    return robustness.of(GroupScaling())


@method(cite="kini2021label", title="Group LA + DRO")
@with_shared_settings
def group_la_dro(
    gamma: Gamma = 0.3, form: GroupForm = "equation_3", robustness: Robustness = DEFAULT
) -> Method:
    """Group DRO on the loss of `group_la` (kini2021label, Table 2).

    gamma, form                         as in `group_la`
    eta, adjustment, balanced_sampling  as in `dro`
    """
    return robustness.of(losses.group_la(gamma, form))


@method(cite="kini2021label", title="Group CDT + DRO")
@with_shared_settings
def group_cdt_dro(
    gamma: Gamma = 0.3,
    form: Literal["equation_3", "autobalance"] = "equation_3",
    robustness: Robustness = DEFAULT,
) -> Method:
    """Group DRO on the loss of `group_cdt` (kini2021label, Table 2).

    gamma, form                         as in `group_cdt`
    eta, adjustment, balanced_sampling  as in `dro`
    """
    return robustness.of(losses.group_cdt(gamma, form))


@method(cite="kini2021label", title="Group VS + DRO")
@with_shared_settings
def group_vs_dro(
    gamma: Gamma = 0.3, form: GroupForm = "equation_3", robustness: Robustness = DEFAULT
) -> Method:
    """Group DRO on the loss of `group_vs` (kini2021label, Table 2).

    gamma, form                         as in `group_vs`
    eta, adjustment, balanced_sampling  as in `dro`
    """
    return robustness.of(losses.group_vs(gamma, form))
