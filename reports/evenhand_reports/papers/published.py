"""The numbers that the papers print, as data; `numbers/README.md` describes them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

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
    half_digit: float
    """Half a unit of the last printed digit of the value, as a fraction."""

    std_half_digit: float
    """The same of the deviation; 0 where none is printed."""

    quoted_from: str = ""
    """The work from which the paper quotes the number; "" for a number of its own."""


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
        half_digit=_half_digit(value, unit),
        std_half_digit=_half_digit(std, unit),
        quoted_from=line.get("quoted_from", ""),
    )


def _half_digit(text: str, unit: float) -> float:
    """Half a unit of the last digit of a number as it is printed: 0.05 for `71.5`."""
    exponent = Decimal(text or "0").as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent) / unit if text else 0.0


def _moved(text: str, digits: int) -> str:
    """A number with its point moved right and its zeros kept: `0.750` by two digits is `75.0`."""
    return str(Decimal(text).scaleb(digits)) if text else ""
