"""Description of a problem's data in words, for the terminal and for reports."""

from __future__ import annotations

from typing import NamedTuple

from evenhand.declared.record import DataReading, DataSummary, SharedExamples
from evenhand.errors import listed

MOST = 12
"""Largest number of columns that are listed by name."""
SPLITS = {"train": "training", "val": "validation", "test": "test"}


class Fact(NamedTuple):
    """A sentence with the heading of its line."""

    heading: str
    text: str


def describe_data(data: DataSummary) -> list[Fact]:
    """What is known of the data beyond their sizes: columns, treatment of images, duplicates."""
    found = [] if data.reading is None else _reading(data.reading)
    if data.folds is not None:
        text = f"{data.folds}-fold cross-validation: the seed chooses the test fold"
        found.append(Fact("splits", text))
    return [*found, *(Fact("duplicates", text) for text in describe_shared(data))]


def describe_sizes(data: DataSummary) -> str:
    """`3 classes; 180 training, 0 validation and 120 test examples; 40 to 70 a class`."""
    sizes = sorted({*data.train_counts.sum(1).tolist()})
    a_class = " to ".join(f"{n:,}" for n in sizes[:1] + sizes[1:][-1:])
    groups = f", {len(data.groups)} groups" if len(data.groups) > 1 else ""
    return (
        f"{len(data.classes):,} classes{groups}; {data.train_counts.sum():,} training, "
        f"{data.n_val:,} validation and {data.n_test:,} test examples; "
        f"{a_class} training examples a class"
    )


def describe_shared(data: DataSummary) -> list[str]:
    """A sentence for each pair of splits that have examples in common.

    >>> shared = SharedExamples(split="test", other="train", n=3, relabelled=1)
    >>> summary = DataSummary(
    ...     fingerprint="", classes=("a", "b"), groups=("all",), train=((5,), (5,)),
    ...     n_val=0, n_test=4, shared=(shared,),
    ... )
    >>> describe_shared(summary)
    ['3 of 4 test examples are also in the training split, 1 of them with another label']
    """
    return [_shared(data, shared) for shared in data.shared]


def _shared(data: DataSummary, shared: SharedExamples) -> str:
    of = data.n_test if shared.split == "test" else data.n_val
    return shared_sentence(
        shared.split, shared.other, f"{shared.n:,}", f"{of:,}", f"{shared.relabelled:,}"
    )


def shared_sentence(
    split: str, other: str, n: str, of: str, relabelled: str = "0", problem: str = ""
) -> str:
    """The sentence on examples of a split that another has, too, with numbers or ranges of them.

    >>> shared_sentence("val", "train", "3 to 5", "40", problem="digits-exp-10")
    '3 to 5 of 40 validation examples of digits-exp-10 are also in the training split'
    """
    of_problem = f" of {problem}" if problem else ""
    labels = f", {relabelled} of them with another label" if relabelled != "0" else ""
    return (
        f"{n} of {of} {SPLITS[split]} examples{of_problem} are also in the {SPLITS[other]} "
        f"split{labels}"
    )


def _reading(reading: DataReading) -> list[Fact]:
    found = []
    if reading.features:
        n = len(reading.features)
        columns = "1 column" if n == 1 else f"{n:,} columns"
        found.append(Fact("features", f"{columns}: {listed(reading.features, MOST)}"))
    if reading.left_out:
        named = [f"{name} ({reason})" for name, reason in reading.left_out.items()]
        found.append(Fact("left out", listed(named, MOST)))
    return [*found, *(Fact("note", note) for note in reading.notes)]
