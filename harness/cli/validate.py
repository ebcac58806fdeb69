"""`evenhand validate FILE`: every mistake in a suite, before anything runs."""

from __future__ import annotations

from harness.cli.options import Only, Plugins, SuiteName, open_part
from harness.cli.output import console


def validate(suite: SuiteName, only: Only = None, plugin: Plugins = None) -> None:
    """Check a suite file and say what it would run."""
    resolved = open_part(suite, only, plugin)
    n_settings = len({(cell.row, cell.setting) for cell in resolved.cells})
    console().print(
        f"{suite} is a valid suite: {resolved.suite.suite} v{resolved.suite.version}\n"
        f"  {len(resolved.rows)} methods in {n_settings} settings × {len(resolved.problems)} "
        f"problems × {len(resolved.suite.seeds)} seeds = {len(resolved.trials)} trials",
        soft_wrap=True,
    )
