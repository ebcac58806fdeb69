"""`evenhand validate FILE`: every mistake in a suite, before anything runs."""

from __future__ import annotations

from harness.cli.options import Only, Plugins, SuiteName, open_part
from harness.cli.output import console, plural


def validate(suite: SuiteName, only: Only = None, plugin: Plugins = None) -> None:
    """Check a suite file and say what it would run."""
    resolved = open_part(suite, only, plugin)
    settings = {(cell.row, cell.setting) for cell in resolved.cells}
    seeds = {trial.seed for trial in resolved.trials.values()}
    shape = " × ".join(
        (
            plural(len(settings), "setting"),
            plural(len(resolved.problems), "problem"),
            plural(len(seeds), "seed"),
        )
    )
    console().print(
        f"{suite} is a valid suite: {resolved.suite.suite} v{resolved.suite.version}\n"
        f"  {plural(len(resolved.rows), 'method')}; {shape} = "
        f"{plural(len(resolved.trials), 'trial')}",
        soft_wrap=True,
    )
