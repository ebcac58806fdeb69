"""Max-margin lines on the features as they are: SVM, CS-SVM and GS-SVM (kini2021label, Sec. 3).

They train nothing. `margins=` says what the margins depend on, to those who know the theory.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method
from evenhand.declared.registry import method
from evenhand.refits.margins import CostSensitiveMargin, GroupMargin

Delta = Annotated[float, Field(gt=0)]


@method(cite="cortes1995support", title="SVM", margins="equal")
def svm(intercept: bool = True) -> Method:
    """The line of the widest margin; classes must be separable.

    intercept: else it goes through the origin.
    """
    return Method(refit=CostSensitiveMargin(1.0, intercept))


@method(cite="kini2021label", title="CS-SVM", margins="label")
def cs_svm(delta: Delta = 2.0, intercept: bool = True) -> Method:
    """Cost-sensitive SVM: the rare class keeps a margin of delta, the other one 1.

    At delta = 1 it is `svm`; beyond it the rare class gains. The best delta depends on the data:
    kini2021label takes it from theory, and 2 is ours.
    """
    return Method(refit=CostSensitiveMargin(delta, intercept))


@method(cite="kini2021label", title="GS-SVM", margins="group")
def gs_svm(delta: Delta = 2.0, intercept: bool = True) -> Method:
    """Group-sensitive SVM: the rare group keeps a margin of delta, the other one 1.

    At delta = 1 it is `svm`; beyond it the rare group gains. 2 is ours, as in `cs_svm`.
    """
    return Method(refit=GroupMargin(delta, intercept))
