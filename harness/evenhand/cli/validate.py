"""`evenhand validate SUITE`: the mistakes in a suite file, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenhand.cli.options import Only, Plugins, SuiteName, open_part
from evenhand.cli.output import console, plural

if TYPE_CHECKING:
    from evenhand.suite.resolve import Suite


def validate(suite: SuiteName, only: Only = None, plugin: Plugins = None) -> None:
    """Check a suite file and print its number of trials.

    All mistakes are printed together, each with its line.
    """
    resolved = open_part(suite, only, plugin)
    console().print(
        f"{suite} is a valid suite: {resolved.declaration.suite} v{resolved.declaration.version}\n"
        f"  {_shape(resolved)} = {plural(len(resolved.trials), 'trial')}",
        soft_wrap=True,
    )


def _shape(resolved: Suite) -> str:
    """Size of a suite as a product: `16 rows × 8 problems × 5 seeds`.

    The number of settings is added where settings compete for a row, and the number of
    configurations where a row has more of them on one problem than on another.
    """
    settings = {
        (configuration.row, configuration.setting) for configuration in resolved.configurations
    }
    seeds = plural(len({trial.seed for trial in resolved.trials.values()}), "seed")
    rows, problems = len(resolved.rows), len(resolved.problems)
    if len(settings) * problems != len(resolved.configurations):
        configurations = f"{plural(len(resolved.configurations), 'configuration')} × {seeds}"
        return f"{plural(rows, 'row')} on {plural(problems, 'problem')}; {configurations}"
    competing = f"; {plural(len(settings), 'setting')}" if len(settings) > rows else ""
    return f"{plural(rows, 'row')}{competing} × {plural(problems, 'problem')} × {seeds}"
