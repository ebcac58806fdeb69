"""`evenhand plan SUITE`: the trials that would run, and their cost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.notes import (
    neighbours_as_json,
    print_blocked,
    print_missing,
    print_store,
    print_unscored,
    print_without_row,
)
from evenhand.cli.options import (
    AsJson,
    Changes,
    Data,
    Edition,
    Only,
    Plugins,
    Results,
    SuiteName,
    open_part,
)
from evenhand.cli.output import console, duration, plural, print_json, print_table

if TYPE_CHECKING:
    from evenhand.execution.plan import Plan
    from evenhand.suite.commands import Place


def plan(
    suite: SuiteName,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    changes: Changes = None,
    plugin: Plugins = None,
    data: Data = None,
    gpus_per_trial: Annotated[
        float, typer.Option(help="The share of a GPU that a trial uses.")
    ] = 0.25,
    slots: Annotated[
        int, typer.Option(min=1, help="The number of trials that run at a time.")
    ] = os.cpu_count() or 1,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Count failed trials as missing.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Print which trials are missing, and what they will cost.

    The times come from finished trials of the same recipe, so they are known after a first run.
    """
    from evenhand import api
    from evenhand.cli.readings import as_json, print_own, read_own
    from evenhand.cli.warnings import find_warnings, print_warnings
    from evenhand.suite.commands import Place

    store = api.open_store(results, edition)
    made = api.plan(open_part(suite, only, plugin, changes), store, retry_failed=retry_failed)
    own = read_own(made.suite, data)
    warnings = find_warnings(made.suite, own)
    if json:
        planned = made.as_json(gpus_per_trial=gpus_per_trial, slots=slots)
        beside = {"neighbours": neighbours_as_json(made), "data": as_json(own)}
        print_json(planned | beside | {"warnings": warnings})
        return
    _print(made, Place(results, edition, data), gpus_per_trial, slots)
    print_warnings(warnings)
    print_own(own)


def _print(plan: Plan, place: Place, gpus_per_trial: float, slots: int) -> None:
    from rich.text import Text

    out, suite = console(), plan.suite.declaration
    out.print(Text.assemble((suite.suite, "bold"), f" v{suite.version}: {suite.question}"))
    print_store(place, len(plan.heads), out)
    out.print()
    numbers = ("trials", "done", "missing", "failed")
    rows = [
        [
            m.row,
            *(str(n) for n in (m.trials, m.done, m.missing, m.failed)),
            duration(m.seconds) if m.seconds is not None else "–",
            duration(m.remaining_seconds) if m.missing else "–",
        ]
        for m in plan.methods
    ]
    print_table(["method", *numbers, "per trial", "remaining"], rows)
    out.print(
        f"\n{plural(len(plan.suite.trials), 'trial')}: {len(plan.done)} done, "
        f"{len(plan.missing)} missing, {len(plan.failed)} failed"
        + (f", {len(plan.blocked)} blocked" if plan.blocked else "")
    )
    print_without_row(plan, out)
    if plan.again:
        text = f"{len(plan.again)} of the missing trials are trained again"
        out.print(f"{text}: their records lack outputs that other trials or metrics need")
    print_unscored(plan, out)
    print_blocked(plan, place)
    print_missing(plan, place, out)
    _print_time(plan, gpus_per_trial, slots)
    for fault in plan.faults:
        out.print(f"unreadable: {fault}", style="yellow", soft_wrap=True)


def _print_time(plan: Plan, gpus_per_trial: float, slots: int) -> None:
    """Print the estimated time of the missing trials."""
    out, seconds = console(), plan.total(plan.missing)
    if not plan.missing:
        out.print("nothing to train" if plan.unscored else "nothing to run")
    elif seconds is None:
        out.print("no estimate of the time: some problem has no finished trial under this recipe")
    else:
        hours = plan.gpu_hours(gpus_per_trial)
        shares = f"{gpus_per_trial:g} of a GPU each"
        on_gpu = "timed on CPUs" if hours is None else f"{hours:.2g} GPU-hours at {shares}"
        out.print(f"about {duration(seconds / slots)} with {slots} at a time, {on_gpu}")
        if plan.compiled:
            out.print(
                "the networks are compiled first, which saves time in total; --no-compile: not"
            )
