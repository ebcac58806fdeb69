"""`evenhand export SUITE --to FILE`: scores and curves of single trials for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.options import Changes, Edition, Only, Plugins, Results, SuiteName, open_part
from evenhand.cli.output import print_text


def export(
    suite: SuiteName,
    to: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="The file to write: trials, curves, leaderboard or comparisons, with the ending "
            ".csv, .json or .parquet, in any folder. Can be repeated.",
        ),
    ],
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    changes: Changes = None,
    plugin: Plugins = None,
) -> None:
    """Write tables of a suite as CSV, JSON or Parquet.

    The name of a file chooses the table: trials.csv has a line for each trial × split × checkpoint
    rule × metric, curves.parquet for each trial × series × epoch, leaderboard.json for each
    estimate, and comparisons.csv for each declared comparison. A file that is there is replaced.
    """
    from evenhand import api
    from evenhand_reports.formats.exported import check_name

    for path in to:
        check_name(path)
    board = api.leaderboard(
        open_part(suite, only, plugin, changes), api.open_store(results, edition)
    )
    for path in to:
        print_text(str(board.export(path)))
