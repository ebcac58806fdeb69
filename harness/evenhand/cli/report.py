"""`evenhand report SUITE`: a leaderboard and tables from the records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.options import Edition, Only, Plugins, Results, SuiteName, open_part
from evenhand.cli.output import console


def report(
    suite: SuiteName,
    results: Results = "results",
    edition: Edition = "main",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder to write to. Default: report/SUITE.", file_okay=False
        ),
    ] = None,
    only: Only = None,
    plugin: Plugins = None,
) -> None:
    """Write the leaderboard and the tables of a suite.

    The formats are HTML, LaTeX, CSV, Markdown and Parquet. The leaderboard is printed as well. The
    exit code is 1 where no trial has a score.
    """
    from evenhand import api
    from evenhand.execution import provenance
    from evenhand_reports.formats.file_names import shortened

    opened = open_part(suite, only, plugin)
    board = api.leaderboard(opened, api.open_store(results, edition))
    name = opened.declaration.suite
    written = board.write(
        out or Path("report") / shortened(name, name), command=provenance.command()
    )
    console().print(board)
    # Without rich, which would read brackets in a path as markup and wrap the line.
    print()
    for what, path in (("HTML", written.html), ("LaTeX", written.tables), ("CSV", written.csv)):
        print(f"{what:<6} {path}")
    if board.failure:
        print(board.failure, file=sys.stderr)
        raise typer.Exit(1)
