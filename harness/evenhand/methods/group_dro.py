"""Group DRO (sagawa2020distributionally), alone and over the group losses of kini2021label.

The reduction goes with any loss: `Stage(loss=…, reduce=GroupDRO())`. A cell's weight follows the
loss that is trained, so of an adjusted loss the adjusted one.

The step 0.01 and no adjustment are what the published codes of both papers run on Waterbirds.
sagawa2020distributionally draws all cells equally often there, kini2021label does not; the latter
is the default, because its table is the one we repeat.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.method import EveryExample, Loss, Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.groups import GroupScaling
from evenhand.losses.per_cell import InverseCell
from evenhand.losses.reductions import GroupDRO
from evenhand.methods.group_vs import Form, Gamma, factors_alone, margins, offsets_alone
from evenhand.sampling import CellWeighted

Eta = Annotated[float, Field(gt=0)]
Adjustment = Annotated[float, Field(ge=0)]


def robust(loss: Loss, *, eta: float, adjustment: float, balanced_sampling: bool) -> Method:
    """Group DRO on a loss."""
    sampler = CellWeighted(InverseCell()) if balanced_sampling else EveryExample()
    return Method(Stage(loss=loss, sampler=sampler, reduce=GroupDRO(eta, adjustment)))


@method(cite="sagawa2020distributionally", title="DRO", aliases=("ce_dro", "group_dro"))
def dro(eta: Eta = 0.01, adjustment: Adjustment = 0.0, balanced_sampling: bool = False) -> Method:
    """Group DRO: cross-entropy, cell by cell, weighted towards the cells with the greatest.

    eta is the step of the cells' weights, 0.1 in idrissi2022simple's code. adjustment is C: a cell
    counts as worse by C/√N_s. balanced_sampling draws all cells equally often.
    """
    return robust(
        GroupScaling(), eta=eta, adjustment=adjustment, balanced_sampling=balanced_sampling
    )


@method(cite="kini2021label", title="Group LA + DRO")
def group_la_dro(
    gamma: Gamma = 0.3,
    form: Form = "equation_3",
    eta: Eta = 0.01,
    adjustment: Adjustment = 0.0,
    balanced_sampling: bool = False,
) -> Method:
    """Group DRO on the loss of `group_la`; settings as there and in `dro`."""
    loss = offsets_alone(form, gamma)
    return robust(loss, eta=eta, adjustment=adjustment, balanced_sampling=balanced_sampling)


@method(cite="kini2021label", title="Group CDT + DRO")
def group_cdt_dro(
    gamma: Gamma = 0.3,
    form: Literal["equation_3", "autobalance"] = "equation_3",
    eta: Eta = 0.01,
    adjustment: Adjustment = 0.0,
    balanced_sampling: bool = False,
) -> Method:
    """Group DRO on the loss of `group_cdt`; settings as there and in `dro`."""
    loss = factors_alone(form, gamma)
    return robust(loss, eta=eta, adjustment=adjustment, balanced_sampling=balanced_sampling)


@method(cite="kini2021label", title="Group VS + DRO")
def group_vs_dro(
    gamma: Gamma = 0.3,
    form: Form = "equation_3",
    eta: Eta = 0.01,
    adjustment: Adjustment = 0.0,
    balanced_sampling: bool = False,
) -> Method:
    """Group DRO on the loss of `group_vs`; settings as there and in `dro`."""
    loss = margins(form, gamma)
    return robust(loss, eta=eta, adjustment=adjustment, balanced_sampling=balanced_sampling)
