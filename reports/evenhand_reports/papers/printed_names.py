"""The rows of the papers' tables in our terms: methods, settings, metrics and objectives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

TEXT: Mapping[str, Any] = {"form": "equation_3", "gamma": 0.3}
PLAIN_DRO: Mapping[str, Any] = {"balanced_sampling": False, "eta": 0.01, "adjustment": 0.0}
"""Group losses by the text of Kini et al., since the code behind the table is unknown."""

SEARCH: Mapping[str, Any] = {"objective": "balanced", "la_init": False}

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "Re-Sampling": {"by": "prior"},
    "Balanced": {"tau": 1.0},
    "CSL [Re-weighted]": {"loss": "re_weighted", "iterate": "last"},
    "CSL [Logit-adjusted]": {"loss": "logit_adjusted", "iterate": "last"},
    "CSL [Hybrid A]": {"loss": "hybrid_a", "iterate": "last"},
    "CSL [Hybrid B]": {"loss": "hybrid_b", "iterate": "last"},
    "CSL [Logit-adjusted] + PS": {"loss": "logit_adjusted", "iterate": "last"},
    "Distilled Balanced": {"tau": 1.0},
    "Distilled CSL [Re-weighted]": {"loss": "re_weighted", "iterate": "last"},
    "Distilled CSL [Logit-adjusted]": {"loss": "logit_adjusted", "iterate": "last"},
    "LA loss (tau=1)": {"tau": 1.0},
    "AutoBalance: tau of LA loss": {"objective": "balanced", "learn": "tau"},
    "AutoBalance: l": {**SEARCH, "learn": "l"},
    "AutoBalance: Delta": {**SEARCH, "learn": "delta"},
    "AutoBalance: Delta & l": {**SEARCH, "learn": "both"},
    "AutoBalance: Delta & l, LA init": {**SEARCH, "learn": "both", "la_init": True},
    "AutoBalance: PDA, Delta & l": {"la_init": False},
    "Group LA": TEXT,
    "Group CDT": TEXT,
    "Group VS": TEXT,
    "Group LA + DRO": {**TEXT, **PLAIN_DRO},
    "Group CDT + DRO": {**TEXT, **PLAIN_DRO},
    "Group VS + DRO": {**TEXT, **PLAIN_DRO},
    "CE + DRO": PLAIN_DRO,
    "CE_bal^G": {"ce_share": 0.0},
    "Group-LA loss": {"tau": 1.0, "ce_share": 0.0},
    "CE_deo": {"ce_share": 0.0},
    "0.1*CE + 0.9*CE_deo (lambda = 0.1)": {"ce_share": 0.1},
    "AutoBalance: L_fair with lambda_val = 0.1": {"objective": "deo", "ce_share": 0.1},
}
"""Our settings for rows that are one variant of a method. In Li et al., Table 3, the coefficients
0.1 and 0.9 decide and not the λ: 0.1 is that of cross-entropy."""

METHODS = {
    "CE": "erm",
    "wCE": "wce",
    "Re-Sampling": "resample",
    "LDAM": "ldam",
    "LA (tau=tau*)": "la",
    "CDT (gamma=gamma*)": "cdt",
    "VS": "vs",
    "VS (tau=tau*, gamma=gamma*)": "vs",
    "CE+DRW": "erm_drw",
    "LDAM-DRW": "ldam_drw",
    "LDAM+DRW": "ldam_drw",
    "VS+DRW": "vs_drw",
    "CE+ADRW": "erm_adrw",
    "LDAM+ADRW": "ldam_adrw",
    "VS+TLA+DRW": "vs_tla_drw",
    "VS+TLA+ADRW": "vs_tla_adrw",
    "ERM": "erm",
    "Balanced": "la",
    "Equalized": "equalized",
    "Adaptive": "ldam",
    "CSL [Re-weighted]": "csl",
    "CSL [Logit-adjusted]": "csl",
    "CSL [Hybrid A]": "csl",
    "CSL [Hybrid B]": "csl",
    "ERM + PS": "erm+post_shift",
    "CSL [Logit-adjusted] + PS": "csl+post_shift",
    "Distilled ERM": "distilled-erm",
    "Distilled Balanced": "distilled-la",
    "Distilled CSL [Re-weighted]": "distilled-csl",
    "Distilled CSL [Logit-adjusted]": "distilled-csl",
    "Cross-Entropy": "erm",
    "LDAM loss": "ldam",
    "LA loss (tau=1)": "la",
    "CDT loss": "cdt",
    "AutoBalance: tau of LA loss": "autobalance",
    "AutoBalance: l": "autobalance",
    "AutoBalance: Delta": "autobalance",
    "AutoBalance: Delta & l": "autobalance",
    "AutoBalance: Delta & l, LA init": "autobalance",
    "MADAO": "madao",
    "AutoBalance: PDA": "pda",
    "AutoBalance: PDA, Delta & l": "pda_autobalance",
    "Group LA": "group_la",
    "Group CDT": "group_cdt",
    "Group VS": "group_vs",
    "CE + DRO": "dro",
    "Group LA + DRO": "group_la_dro",
    "Group CDT + DRO": "group_cdt_dro",
    "Group VS + DRO": "group_vs_dro",
    "Cross entropy (CE)": "erm",
    "CE_bal^G": "group_balanced",
    "Group-LA loss": "la_within_groups",
    "CE_deo": "deo_penalty",
    "0.1*CE + 0.9*CE_deo (lambda = 0.1)": "deo_penalty",
    "DRO": "dro",
    "AutoBalance: L_fair with lambda_val = 0.1": "autobalance",
}
"""`Configuration.pipeline` of our methods by printed names; other rows have no counterpart."""

LEARNED_ON_HELD_OUT = {
    name
    for name, method in METHODS.items()
    if method in ("autobalance", "madao", "pda", "pda_autobalance")
}
"""Printed methods that learn a loss or augmentation on held-out images and retrain on all."""

METRICS = {
    "top1_accuracy_balanced_val": "balanced_accuracy",
    "avg_recall": "balanced_accuracy",
    "symm_deo": "symmetric_deo",
    "group_balanced_accuracy": "balanced_group_accuracy",
    "group_balanced_error": "balanced_group_error",
    "deo": "deo_sum",
}
"""Our metrics by the papers' names, where they differ. With equally many test images per class,
accuracy is balanced accuracy. Li et al., Table 3, does not define its DEO: its loss CE_deo uses the
sum over both labels, and the printed numbers are consistent with the sum."""


class PrintedObjective(NamedTuple):
    """The rate that is maximised, and the constraints without spaces and `[*]`."""

    maximize: str
    subject_to: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> PrintedObjective:
        """The objective in the settings of a method or a post-hoc method."""
        lines = (re.sub(r"\s|\[\*\]", "", line) for line in settings["subject_to"])
        return cls(settings["maximize"], frozenset(lines))


WORST, WORST_HALF = PrintedObjective("min_recall"), PrintedObjective("min_head_tail_recall")
COVERED = PrintedObjective("mean_recall", frozenset({"balanced_coverage>=0.95/m"}))
COVERED_HALVES = PrintedObjective(
    "mean_recall",
    frozenset({"balanced_coverage[head]>=0.95/m", "balanced_coverage[tail]>=0.95/m"}),
)
COVERAGE = "maximize average recall s.t. coverage (printed target {})"
DISTILLED = "self-distillation (ResNet-56 teacher and student)"
OBJECTIVES: Mapping[tuple[str, str], PrintedObjective] = {
    ("maximize worst-case recall (per class)", "CIFAR-10"): WORST,
    ("maximize min per-class recall", "CIFAR-10"): WORST,
    ("maximize min per-class recall", "CIFAR-100"): WORST,
    ("maximize min of head and tail recall", "CIFAR-100"): WORST_HALF,
    ("maximize min of head and tail recall", "TinyImageNet"): WORST_HALF,
    (COVERAGE.format("0.095"), "CIFAR-10"): COVERED,
    (COVERAGE.format("0.010"), "CIFAR-100"): COVERED_HALVES,
    (COVERAGE.format("0.005"), "TinyImageNet"): COVERED_HALVES,
    (DISTILLED, "CIFAR-10"): WORST,
    (DISTILLED, "CIFAR-100"): WORST_HALF,
}
"""Objectives of the papers' methods by protocol and data set. Methods without an objective are
printed under several protocols, with the same training under each."""

SAM = "w/ SAM"
"""The protocol of networks that were trained with sharpness-aware minimisation."""

ON_OTHER_SCALES = {"min_coverage", "min_head_tail_coverage"}
"""Our metrics of at most 1/m for m classes, such as 0.01, where a margin in points is too wide."""
