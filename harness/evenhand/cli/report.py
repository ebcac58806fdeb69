"""`evenhand report SUITE`: a leaderboard and tables from the records."""

from __future__ import annotations

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

    The formats are HTML, LaTeX, CSV, Markdown and Parquet. The leaderboard is printed as well.
    """
    from evenhand import api
    from evenhand.execution import provenance

    opened = open_part(suite, only, plugin)
    board = api.leaderboard(opened, api.open_store(results, edition))
    folder = out or Path("report") / opened.declaration.suite
    written = board.write(folder, command=provenance.command())
    screen = console()
    screen.print(board)
    screen.print()
    for what, path in (("HTML", written.html), ("LaTeX", written.tables), ("CSV", written.csv)):
        screen.print(f"{what:<6} {path}", soft_wrap=True)
