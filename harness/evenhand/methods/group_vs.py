"""Vector-scaling losses by (label, group) cell (kini2021label, Sec. 5.2).

With b_s = N_s / max N, an example of cell s = (y, g) has the factor Δ_s = b_s^γ in Group-CDT, the
offset ι_s = −b_s^−γ in Group-LA and both in Group-VS, with γ = 0.3, which the paper did not tune.
The text, the released code and li2021autobalance apply Δ and ι in three different ways, `form`:

equation_3   the formula of the paper for groups, log(1 + e^ι exp(−Δ · y f)), for any number of
             classes: Δ_s multiplies all logits of the example, and b_s^−γ is subtracted from the
             logit of its true class. The printed ι is negative, and e^ι would then give the
             smallest cell the smallest margin; the sign here gives it the largest, as the text
             argues
released     the released code subtracts b_s^−γ from all logits of the example. This cancels in the
             softmax: its Group-VS equals Group-CDT and its Group-LA equals cross-entropy
autobalance  li2021autobalance, eq. 4.2: the logit of class c has Δ and ι of cell (c, g), with g the
             group of the example and ι with the printed sign. With one group these are the loss of
             `cdt`, and that of `vs` with another offset

With one group, equation_3 has one margin for each label, as the binary eq. 1 of the paper.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.catalogue import GroupForm

Gamma = Annotated[float, Field(ge=0)]


@method(cite="kini2021label", title="Group LA")
def group_la(gamma: Gamma = 0.3, form: GroupForm = "equation_3") -> Method:
    """Group logit adjustment: a margin on the true logit that is larger for rarer cells.

        ℓ(f, s) = −log softmax(f + Δ_s)_y,   Δ_s = −b_s^−γ at the true class y, else 0

    This is "equation_3", with b_s = N_s / max N.

    gamma  γ of the offsets
    form   "equation_3", "released" or "autobalance"; see `evenhand.methods.group_vs`. The released
           form equals cross-entropy
    """
    return Method(Stage(loss=losses.group_la(gamma, form)))


@method(cite="kini2021label", title="Group CDT")
def group_cdt(
    gamma: Gamma = 0.3, form: Literal["equation_3", "autobalance"] = "equation_3"
) -> Method:
    """Group class-dependent temperatures: factors on the logits, smaller for rarer cells.

        ℓ(f, s) = −log softmax(β_s · f)_y,   β_s = b_s^γ

    This is "equation_3", with b_s = N_s / max N; the released form equals it.

    gamma  γ of the factors
    form   "equation_3" or "autobalance"; see `evenhand.methods.group_vs`
    """
    return Method(Stage(loss=losses.group_cdt(gamma, form)))


@method(cite="kini2021label", title="Group VS")
def group_vs(gamma: Gamma = 0.3, form: GroupForm = "equation_3") -> Method:
    """Group vector scaling: the factors of `group_cdt` and the offsets of `group_la`.

        ℓ(f, s) = −log softmax(β_s · f + Δ_s)_y,   β_s = b_s^γ,   Δ_s = −b_s^−γ at y, else 0

    This is "equation_3", with b_s = N_s / max N.

    gamma  γ of factors and offsets
    form   "equation_3", "released" or "autobalance"; see `evenhand.methods.group_vs`. The released
           form equals `group_cdt`
    """
    return Method(Stage(loss=losses.group_vs(gamma, form)))
