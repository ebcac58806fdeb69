"""Arguments and options that several verbs share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evenhand.declared.plugin import Plugin
    from evenhand.suite.resolve import Suite

SuiteName = Annotated[
    str, typer.Argument(metavar="SUITE", help="A suite file, or the name of a shipped suite.")
]
Results = Annotated[
    str,
    typer.Option(
        metavar="DIR|URL",
        envvar="EVENHAND_RESULTS",
        help="Where records are kept: a folder, s3://… or gs://….",
    ),
]
Edition = Annotated[
    str, typer.Option(metavar="NAME", help="Which set of records, e.g. one night's.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILTER",
        help="Part of the suite: method=vs,problem=cifar10*,seed=0..2. Repeat for alternatives.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="A Python file with parts of your own."),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="EVENHAND_DATA",
        help="Where prepared data sets are; else the suite's `data:`, else ~/.cache/evenhand.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def load_plugins(paths: list[Path] | None) -> tuple[Plugin, ...]:
    """The files of `--plugin`, run. Raises `SpecError` where one fails."""
    from evenhand.declared.plugin import Plugin

    plugins = tuple(Plugin.read(path) for path in paths or ())
    for plugin in plugins:
        plugin.load()
    return plugins


def open_part(name: str, only: list[str] | None, plugins: list[Path] | None) -> Suite:
    """The suite, or the part of it that `--only` keeps. Raises `SpecError`."""
    from evenhand.suite.only import restrict
    from evenhand.suite.resolve import open_suite

    load_plugins(plugins)
    return restrict(open_suite(name), only or ())
