"""Losses whose margins differ from one (label, group) cell to the next (kini2021label, Sec. 5.2).

With β_s = N_s / max N, an example of cell s = (y, g) has Δ_s = β_s^γ in Group-CDT, ι_s = −β_s^−γ
in Group-LA and both in Group-VS, with γ = 0.3, which the paper did not tune. What is done with Δ
and ι, its text, its code and li2021autobalance see each in another way:

equation_3   the formula that the paper gives for groups, log(1 + e^ι exp(−Δ · y f)), for any number
             of classes: Δ_s multiplies all logits of the example, and β_s^−γ is taken off its true
             logit. For ι as printed, which is negative, e^ι would ask least of the smallest cell;
             the sign is the one that makes it ask most, as the text argues.
released     the published code takes β_s^−γ off all logits of the example. A softmax does not see
             that: its Group-VS is Group-CDT, and its Group-LA is cross-entropy.
autobalance  eq. 4.2 of li2021autobalance: Δ and ι of the cells of the example's group, each at the
             logit of its class; ι has the printed sign. With one group these are the losses of
             `cdt.py`, and of `vs.py` with another offset.

With one group, equation_3 has a margin for each label, as the paper's binary eq. 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.groups import GroupScaling
from evenhand.losses.per_cell import (
    ONES,
    ZEROS,
    CellPower,
    EveryLogit,
    OwnOffset,
    PerCellAndClass,
    WithinGroup,
)

Gamma = Annotated[float, Field(ge=0)]
Form = Literal["equation_3", "released", "autobalance"]


def margins(form: Form, gamma: float) -> GroupScaling:
    """Group-VS in one of its forms; the other two losses leave out one of its vectors."""
    factor, offset = CellPower(gamma), CellPower(-gamma, factor=-1.0)
    if form == "autobalance":
        return GroupScaling(beta=WithinGroup(factor), delta=WithinGroup(offset))
    delta: PerCellAndClass = OwnOffset(offset) if form == "equation_3" else EveryLogit(offset)
    return GroupScaling(beta=EveryLogit(factor), delta=delta)


def offsets_alone(form: Form, gamma: float) -> GroupScaling:
    """Group-LA."""
    return replace(margins(form, gamma), beta=ONES)


def factors_alone(form: Form, gamma: float) -> GroupScaling:
    """Group-CDT."""
    return replace(margins(form, gamma), delta=ZEROS)


@method(cite="kini2021label", title="Group LA")
def group_la(gamma: Gamma = 0.3, form: Form = "equation_3") -> Method:
    """Group-LA: an example's true logit must win by more, the rarer its cell is.

    See `evenhand.methods.group_vs` for the forms; as released this is cross-entropy.
    """
    return Method(Stage(loss=offsets_alone(form, gamma)))


@method(cite="kini2021label", title="Group CDT")
def group_cdt(
    gamma: Gamma = 0.3, form: Literal["equation_3", "autobalance"] = "equation_3"
) -> Method:
    """Group-CDT: an example's logits are shrunk in the loss, the more the rarer its cell is.

    See `evenhand.methods.group_vs` for the forms; the released one is that of equation 3.
    """
    return Method(Stage(loss=factors_alone(form, gamma)))


@method(cite="kini2021label", title="Group VS")
def group_vs(gamma: Gamma = 0.3, form: Form = "equation_3") -> Method:
    """Group-VS: the factors of Group-CDT and the offsets of Group-LA.

    See `evenhand.methods.group_vs` for the forms; as released this is Group-CDT.
    """
    return Method(Stage(loss=margins(form, gamma)))
