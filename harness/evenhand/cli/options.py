"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evenhand.declared.plugin import Plugin
    from evenhand.suite.resolve import Suite

SuiteName = Annotated[
    str, typer.Argument(metavar="SUITE", help="A suite file or the name of a shipped suite.")
]
Results = Annotated[
    str,
    typer.Option(
        metavar="DIR|URL",
        envvar="EVENHAND_RESULTS",
        help="The store of records: a folder, s3://… or gs://….",
    ),
]
Edition = Annotated[
    str, typer.Option(metavar="NAME", help="The edition of the records, for example one night.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILTER",
        help="A part of the suite: method=vs,problem=cifar10*,seed=0..2. Can be repeated; "
        "a trial is kept if one of the filters matches it.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="A Python file that registers parts of your own. Can be repeated.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR|URL",
        envvar="EVENHAND_DATA",
        help="The prepared data sets: a folder, s3://… or gs://…. Default: the suite's `data`, "
        "then ~/.cache/evenhand.",
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="A change to the suite: problems.selection=null, recipe.epochs=40, seeds=1. Can be "
        "repeated; every command on the suite needs the same changes.",
    ),
]
UntilSeparated = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--until-separated",
        metavar="ROW ROW",
        help="Two rows alone, at the suite's seeds and then at further ones, until a sequential "
        "test separates them: vs la. Names are those of `contrasts:`.",
    ),
]
MaxSeeds = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="The number of seeds up to which --until-separated goes. Default: 20."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load_plugins(paths: list[Path] | None) -> tuple[Plugin, ...]:
    """Run the files of `--plugin`, which register parts. Raises `SpecError` if one fails."""
    from evenhand.declared import plugin

    return plugin.load_plugins(paths or ())


def open_part(
    name: str, only: list[str] | None, plugins: list[Path] | None, changes: list[str] | None = None
) -> Suite:
    """The suite after `--set`, or the part of it that `--only` keeps. Raises `SpecError`."""
    from evenhand import api

    return api.open_suite(name, only=only or (), plugins=plugins or (), changes=changes or ())
