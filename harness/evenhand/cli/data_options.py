"""Arguments and options that the commands of `evenhand data` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.errors import DataError

if TYPE_CHECKING:
    from evenhand.data.files.original import Original

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of a data set, for example cifar10.")
]
Root = Annotated[
    str | None,
    typer.Option(
        "--root",
        "--data",
        metavar="DIR|URL",
        envvar="EVENHAND_DATA",
        help="The prepared data sets: a folder, s3://… or gs://…. Default: ~/.cache/evenhand.",
    ),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR|FILE",
        help="The official files, folders of images or Parquet files. Default: download.",
    ),
]


def root_of(given: str | None) -> Path | str:
    """The folder or URL of `--root`, or the default folder."""
    from evenhand.data.files.data_root import data_root, use_data_root

    with use_data_root(given):
        return data_root()


def original_of(name: str) -> Original:
    """The declaration of a data set that has to be prepared.

    Raises `SpecError` for an unknown name and `DataError` for one that needs no preparation.
    """
    from evenhand.declared.registry import REGISTRY

    original: Original | None = REGISTRY.get("dataset", name).facts.get("original")
    if original is None:
        there = [e.name for e in REGISTRY.all("dataset") if e.facts.get("original")]
        raise DataError(f"{name} needs no preparation\n  these data sets do: {', '.join(there)}")
    return original
