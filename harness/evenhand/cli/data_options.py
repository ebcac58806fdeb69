"""Arguments and options of the verbs of `evenhand data`, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.errors import DataError

if TYPE_CHECKING:
    from evenhand.data.files.original import Original

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set, e.g. cifar10.")]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        "--data",
        metavar="DIR",
        envvar="EVENHAND_DATA",
        help="Where prepared data sets are kept; by default ~/.cache/evenhand.",
    ),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR|FILE",
        help="The official files, folders of images or Parquet files; else it is downloaded.",
    ),
]


def root_of(given: Path | None) -> Path:
    from evenhand.data.files.root import data_root, rooted

    with rooted(given):
        return data_root()


def original_of(name: str) -> Original:
    """Raises `SpecError` for an unknown name, `DataError` for one that needs no preparing."""
    from evenhand.declared.registry import REGISTRY

    original: Original | None = REGISTRY.get("dataset", name).facts.get("original")
    if original is None:
        there = [e.name for e in REGISTRY.all("dataset") if e.facts.get("original")]
        raise DataError(f"{name} needs no preparing\n  these do: {', '.join(there)}")
    return original
