"""`evenhand report SUITE`: a leaderboard and tables from the records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.options import (
    Changes,
    Edition,
    MaxSeeds,
    Only,
    Plugins,
    Results,
    SuiteName,
    UntilSeparated,
    open_part,
)
from evenhand.cli.output import console, print_text
from evenhand.cli.separating import TwoNames
from evenhand.ending import ExitCode

if TYPE_CHECKING:
    from evenhand.suite.resolve import Suite
    from evenhand_reports.formats.files import ReportFiles


def report(
    suite: SuiteName,
    results: Results = "results",
    edition: Edition = "main",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder to write to. Default: report/SUITE, with -EDITION for another edition "
            "than main, -part with --only and -changed with --set.",
            file_okay=False,
        ),
    ] = None,
    only: Only = None,
    changes: Changes = None,
    plugin: Plugins = None,
    until_separated: UntilSeparated = None,
    max_seeds: MaxSeeds = None,
) -> None:
    """Write the leaderboard and the tables of a suite.

    The formats are HTML, LaTeX, CSV, Markdown and Parquet. trials.parquet and curves.parquet have
    the scores and the curves of single trials. The leaderboard is printed as well. The exit code is
    1 where no trial has a score. With --until-separated, the comparison of the two rows is printed
    alone, and no file is written; the exit code is 1 where it is not over.
    """
    from evenhand import api
    from evenhand.execution import provenance

    opened = open_part(suite, only, plugin, changes)
    rows = TwoNames.of(until_separated, max_seeds)
    if rows.separated:
        if not rows.show(opened, api.open_store(results, edition)):
            raise typer.Exit(ExitCode.INCOMPLETE)
        return
    board = api.leaderboard(opened, api.open_store(results, edition))
    written = board.write(out or _folder(opened, edition), command=provenance.command())
    console().print(board)
    _print_paths(written)
    if board.failure:
        print_text(board.failure, to_errors=True)
        raise typer.Exit(ExitCode.INCOMPLETE)


def _print_paths(written: ReportFiles) -> None:
    # Without rich, which would read brackets in a path as markup and wrap the line.
    print()
    for what, path in (("HTML", written.html), ("LaTeX", written.tables), ("CSV", written.csv)):
        print_text(f"{what:<6} {path}")


def _folder(suite: Suite, edition: str) -> Path:
    """Default folder: of its own for each edition, and for reports of a part of the suite."""
    from evenhand.suite.commands import DEFAULT_EDITION
    from evenhand_reports.formats.file_names import shortened

    name = suite.declaration.suite
    name += "" if edition == DEFAULT_EDITION else f"-{edition}"
    name += "-part" if suite.only else ""
    name += "-changed" if suite.changes else ""
    return Path("report") / shortened(name, name)
