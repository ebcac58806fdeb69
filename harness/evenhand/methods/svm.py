"""Max-margin linear classifiers: SVM, CS-SVM and GS-SVM (kini2021label, Sec. 3).

These methods solve a quadratic program on the features of the untrained network and train nothing.
The fact `margins` states what the margins depend on; reports use it to draw the curve of theory.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method
from evenhand.refits.margins import CostSensitiveMargin, GroupMargin

Delta = Annotated[float, Field(gt=0)]


@method(cite="cortes1995support", title="SVM", margins="equal")
def svm(intercept: bool = True) -> Method:
    """Hard-margin support vector machine on the features of the untrained network.

        min ‖w‖²  subject to  y_i (⟨w, x_i⟩ + b) ≥ 1

    cortes1995support. The problem has two classes, which a line must separate.

    intercept  whether b is free; otherwise b = 0
    """
    return Method(refit=CostSensitiveMargin(1.0, intercept))


@method(cite="kini2021label", title="CS-SVM", margins="label")
def cs_svm(delta: Delta = 2.0, intercept: bool = True) -> Method:
    """Cost-sensitive SVM: the margin of the rarer class is delta, that of the other class 1.

        min ‖w‖²  subject to  y_i (⟨w, x_i⟩ + b) ≥ δ where i is of the rarer class, else ≥ 1

    kini2021label, Sec. 3. δ = 1 gives `svm`; a larger δ lowers the error of the rarer class.

    delta      δ; the best value depends on the data and the paper derives it from theory. The
               default 2 is ours
    intercept  whether b is free; otherwise b = 0
    """
    return Method(refit=CostSensitiveMargin(delta, intercept))


@method(cite="kini2021label", title="GS-SVM", margins="group")
def gs_svm(delta: Delta = 2.0, intercept: bool = True) -> Method:
    """Group-sensitive SVM: the margin of the rarer group is delta, that of the other group 1.

        min ‖w‖²  subject to  y_i (⟨w, x_i⟩ + b) ≥ δ where i is of the rarer group, else ≥ 1

    kini2021label, Sec. 3. δ = 1 gives `svm`; a larger δ lowers the error of the rarer group.

    delta      δ; the default 2 is ours
    intercept  whether b is free; otherwise b = 0
    """
    return Method(refit=GroupMargin(delta, intercept))
