"""`evenhand validate SUITE`: the mistakes in a suite file, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evenhand.cli.notes import print_best_by
from evenhand.cli.options import AsJson, Changes, Data, Only, Plugins, SuiteName, open_part
from evenhand.cli.output import console, plural, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenhand.suite.identical_rows import IdenticalRows
    from evenhand.suite.resolve import Suite


def validate(
    suite: SuiteName,
    only: Only = None,
    changes: Changes = None,
    plugin: Plugins = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Check a suite file and print its number of trials.

    All mistakes are printed together, each with its line. Tables and image folders of your own are
    read, if they are on this machine, and what was made of them is printed. Data sets and networks
    of a plugin are made once. A warning names rows that are the same training on a problem.
    """
    from evenhand.cli.readings import OwnData, as_json, print_own, read_own
    from evenhand.cli.warnings import find_warnings, print_warnings
    from evenhand.data.files.data_root import use_data_root
    from evenhand.execution.own_parts import check_own_parts
    from evenhand.suite.identical_rows import identical_rows

    opened = open_part(suite, only, plugin, changes)
    own = read_own(opened, data)
    with use_data_root(data, opened.declaration.data):
        made = check_own_parts(opened)
    own |= {name: OwnData(summary, Path()) for name, summary in made.items()}
    identical, warnings = identical_rows(opened), find_warnings(opened, own)
    if json:
        named = {"suite": opened.declaration.suite, "version": opened.declaration.version}
        rows = [found._asdict() for found in identical]
        found = {"trials": len(opened.trials), "identical_rows": rows, "warnings": warnings}
        print_json(named | found | {"data": as_json(own)})
        return
    console().print(
        f"{suite} is a valid suite: {opened.declaration.suite} v{opened.declaration.version}\n"
        f"  {_shape(opened)} = {plural(len(opened.trials), 'trial')}",
        soft_wrap=True,
    )
    print_best_by(opened)
    print_warnings(warnings)
    _print_identical(identical)
    print_own(own)


def _print_identical(identical: Sequence[IdenticalRows]) -> None:
    """Print a warning for each set of identical rows for which the suite gives no reason."""
    right = "  change a setting, leave a row out, or give the reason under `identical:`"
    for found in identical:
        if not found.reason:
            console().print(f"warning: {found}\n{right}", style="yellow", soft_wrap=True)


def _shape(suite: Suite) -> str:
    """Size of a suite as a product: `16 rows × 8 problems × 5 seeds`.

    The number of settings is added where settings compete for a row, and the number of
    configurations where a row has more of them on one problem than on another.
    """
    settings = {
        (configuration.row, configuration.setting) for configuration in suite.configurations
    }
    seeds = plural(len({trial.seed for trial in suite.trials.values()}), "seed")
    rows, problems = len(suite.rows), len(suite.problems)
    if len(settings) * problems != len(suite.configurations):
        configurations = f"{plural(len(suite.configurations), 'configuration')} × {seeds}"
        return f"{plural(rows, 'row')} on {plural(problems, 'problem')}; {configurations}"
    competing = f"; {plural(len(settings), 'setting')}" if len(settings) > rows else ""
    return f"{plural(rows, 'row')}{competing} × {plural(problems, 'problem')} × {seeds}"
