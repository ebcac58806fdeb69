"""The protocol behind each printed table: the facts that decide whether a row of ours compares.

`protocols.csv` has a line for each table and data set; `numbers/README.md` describes its columns.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from evenhand.declared.record import Rule
from evenhand.declared.trial import Selection, Val
from evenhand_reports.papers.published import PrintedNumber

FILE = Path(__file__).parent / "protocols.csv"
CHECKPOINTS: dict[Rule | None, str] = {
    "last": "last epoch",
    "best-val": "best epoch on validation data",
    "best-test": "best epoch on test data",
    None: "epoch of the number not stated",
}
TUNING = {"test": "tuned on test data", "nothing": "not tuned", "": "tuning not stated"}


@dataclass(frozen=True)
class Protocol:
    """How the numbers of a table on a data set came about, as far as paper and code state it."""

    network: str
    """`ResNet-32`; "" where it is not known."""

    epochs: int | None
    """None where the number is not known."""

    checkpoint: Rule | None
    """Our checkpoint rule of the printed number; None where it is not known."""

    tuned_on: str
    """`test`, `nothing`, or "" where it is not known."""

    held_out: str
    """Images that are not trained on, in words; "" where they are not known."""

    recipe: str
    """Our recipe that follows the paper and its code; "" where there is none."""

    val: Val
    """Our source of the validation images that follows the paper."""

    selection: Selection | None
    """Training images that the code keeps; None where they are not known."""

    train_on: Literal["all"] | None
    """`all` where methods that learn nothing on held-out images train on these as well."""

    largest_class: int | None
    """Training images of the largest class; None where they are not compared."""

    test_images: int | None
    not_stated: str
    """What the paper leaves open and a suite has to choose, in words."""

    source: str
    """The sections that state the protocol, and what is known from code alone."""

    @property
    def words(self) -> str:
        """`ResNet-32, 200 epochs, last epoch, tuned on test data, nothing held out`."""
        held_out = {"": "held-out images not stated", "none": "nothing held out"}
        return ", ".join(
            [
                self.network or "network not stated",
                f"{self.epochs:,} epochs" if self.epochs else "number of epochs not stated",
                CHECKPOINTS[self.checkpoint],
                TUNING[self.tuned_on],
                held_out.get(self.held_out, f"held out: {self.held_out}"),
            ]
        )


def protocol_of(number: PrintedNumber) -> Protocol:
    """The protocol of a number that a paper prints of its own runs or quotes."""
    return _all()[number.paper, number.table, number.dataset]


@cache
def _all() -> dict[tuple[str, str, str], Protocol]:
    with FILE.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    return {(line["paper"], line["table"], line["dataset"]): _protocol(line) for line in lines}


def _protocol(line: dict[str, str]) -> Protocol:
    epochs, largest, test = (
        int(line[name]) if line[name] else None
        for name in ("epochs", "largest_class", "test_images")
    )
    return Protocol(
        network=line["network"],
        epochs=epochs,
        checkpoint=line["checkpoint"] or None,  # type: ignore[arg-type]  # the file has rules
        tuned_on=line["tuned_on"],
        held_out=line["held_out"],
        recipe=line["recipe"],
        val=Val.model_validate(yaml.safe_load(line["val"] or "none")),
        selection=line["selection"] or None,  # type: ignore[arg-type]  # a selection of ours
        train_on=line["train_on"] or None,  # type: ignore[arg-type]  # `all` or nothing
        largest_class=largest,
        test_images=test,
        not_stated=line["not_stated"],
        source=line["source"],
    )
