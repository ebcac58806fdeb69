"""The numbers that the papers print, as data; `numbers/README.md` describes them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from evenhand.declared.trial import Problem

FOLDER = Path(__file__).parent / "numbers"

PAPERS = {
    "narasimhan2021training": "Narasimhan & Menon 2021",
    "wang2023unified": "Wang et al. 2023 (DDC)",
    "li2021autobalance": "Li et al. 2021 (AutoBalance)",
    "kini2021label": "Kini et al. 2021 (VS-loss)",
    "menon2021long": "Menon et al. 2021 (Logit adjustment)",
}
"""Names in the data by bib key."""

PROFILES = {"exp": ("LT",), "step": ("Step",), "natural": ("group", "natural")}
"""The tables' kinds of imbalance by our profiles; `natural` is the imbalance of the data set."""

DATASETS = {("Waterbirds", "ResNet-18 512-d features"): "waterbirds_features"}
"""Our data sets by the tables' name and protocol, where the name alone is ambiguous."""

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


@dataclass(frozen=True)
class PrintedNumber:
    """One printed number, with the columns of `numbers/README.md`."""

    paper: str
    table: str
    dataset: str
    imbalance_type: str
    imbalance_ratio: float | None
    protocol: str
    method: str
    metric: str
    value: float | None
    """As a fraction; None for a dash."""

    std: float | None
    """As a fraction; None where no deviation is printed."""

    n_runs: int | None
    printed: str
    """Value and deviation as the paper writes them."""

    in_percent: str
    """The same in percent, with as many significant digits."""

    from_paper: bool


def rows(
    *,
    paper: str | None = None,
    dataset: str | None = None,
    metric: str | None = None,
    method: str | None = None,
    also_repositories: bool = False,
) -> list[PrintedNumber]:
    """The printed numbers of a paper (bib key or name), a data set, a metric or a method.

    `also_repositories` adds numbers from the READMEs of released code.
    """
    wanted = {
        "paper": PAPERS.get(paper, paper) if paper else None,
        "dataset": dataset,
        "metric": metric,
        "method": method,
    }
    return [
        row
        for row in _all()
        if (row.from_paper or also_repositories)
        and all(value is None or getattr(row, name) == value for name, value in wanted.items())
    ]


def numbers_for(problem: Problem, sources: Sequence[str]) -> list[PrintedNumber]:
    """The numbers of the papers of these bib keys for a problem: same data, profile and ratio.

    A data set with its natural imbalance has no ratio.
    """
    kinds = PROFILES.get(problem.profile.name, ())
    ratio = problem.profile.settings.get("ratio")
    is_natural = problem.profile.name == "natural"
    dataset = _plain(problem.dataset.name)
    return [
        row
        for key in sources
        if key in PAPERS
        for row in rows(paper=key)
        if _plain(DATASETS.get((row.dataset, row.protocol), row.dataset)) == dataset
        and row.imbalance_type in kinds
        and (is_natural or row.imbalance_ratio == ratio)
    ]


def _plain(name: str) -> str:
    """The name in lower case without punctuation: `cifar10` for `CIFAR-10`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _all() -> tuple[PrintedNumber, ...]:
    found: list[PrintedNumber] = []
    for path in sorted(FOLDER.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            lines = csv.DictReader(stream)
            found += [_printed(line, from_paper=path.parent == FOLDER) for line in lines]
    return tuple(found)


def _printed(line: dict[str, str], *, from_paper: bool) -> PrintedNumber:
    unit = {"percent": 100.0, "fraction": 1.0}[line["unit"]]
    value, std = line["value"], line["std"]
    moved = [_moved(text, 0 if unit > 1 else 2) for text in (value, std)]
    return PrintedNumber(
        paper=line["paper"],
        table=line["table"],
        dataset=line["dataset"],
        imbalance_type=line["imbalance_type"],
        imbalance_ratio=float(line["imbalance_ratio"]) if line["imbalance_ratio"] else None,
        protocol=line["protocol"],
        method=line["method"],
        metric=line["metric"],
        value=float(value) / unit if value else None,
        std=float(std) / unit if std else None,
        n_runs=int(line["n_runs"]) if line["n_runs"] else None,
        printed=f"{value} ± {std}" if std else value,
        in_percent=" ± ".join(filter(None, moved)),
        from_paper=from_paper,
    )


def _moved(text: str, digits: int) -> str:
    """A number with its point moved right and its zeros kept: `0.750` by two digits is `75.0`."""
    return str(Decimal(text).scaleb(digits)) if text else ""
