"""`evenhand plan SUITE`: the trials that would run, and their cost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.options import AsJson, Data, Edition, Only, Plugins, Results, SuiteName, open_part
from evenhand.cli.output import console, duration, plural, print_json

if TYPE_CHECKING:
    from evenhand.execution.plan import Plan


def plan(
    suite: SuiteName,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
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

    store = api.open_store(results, edition)
    made = api.plan(open_part(suite, only, plugin), store, retry_failed=retry_failed)
    own = read_own(made.suite, data)
    if json:
        planned = made.as_json(gpus_per_trial=gpus_per_trial, slots=slots)
        print_json(planned | {"data": as_json(own)})
        return
    _print(made, gpus_per_trial, slots)
    print_own(own)


def print_blocked(plan: Plan) -> None:
    """Print each trial that cannot run because a trial that it needs has failed."""
    from evenhand.execution.events import trial_label

    for blocked in plan.blocked:
        text = f"blocked: {trial_label(blocked.trial)}: {blocked.cause}"
        console().print(text, style="yellow", markup=False, soft_wrap=True)
    if plan.blocked:
        text = "`evenhand show KEY` prints the cause; correct it, then add --retry-failed"
        console().print(text, style="yellow", markup=False)


def _print(plan: Plan, gpus_per_trial: float, slots: int) -> None:
    from rich.table import Table

    out, suite = console(), plan.suite.declaration
    out.print(f"[bold]{suite.suite}[/bold] v{suite.version}: {suite.question}\n")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("method")
    for heading in ("trials", "done", "missing", "failed", "per trial", "remaining"):
        table.add_column(heading, justify="right")
    for m in plan.methods:
        table.add_row(
            m.row,
            *(str(n) for n in (m.trials, m.done, m.missing, m.failed)),
            duration(m.seconds) if m.seconds is not None else "–",
            duration(m.remaining_seconds) if m.missing else "–",
        )
    out.print(table)
    out.print(
        f"\n{plural(len(plan.suite.trials), 'trial')}: {len(plan.done)} done, "
        f"{len(plan.missing)} missing, {len(plan.failed)} failed"
        + (f", {len(plan.blocked)} blocked" if plan.blocked else "")
    )
    if any(trial.key not in plan.suite.trials for trial in plan.missing):
        out.print("(for others): networks that are in no row, but that rows of the suite use")
    if plan.again:
        text = f"{len(plan.again)} of the missing trials are trained again"
        out.print(f"{text}: their records lack outputs that other trials need")
    print_blocked(plan)
    _print_time(plan, gpus_per_trial, slots)
    for fault in plan.faults:
        out.print(f"unreadable: {fault}", style="yellow", markup=False, soft_wrap=True)


def _print_time(plan: Plan, gpus_per_trial: float, slots: int) -> None:
    """Print the estimated time of the missing trials."""
    out, seconds = console(), plan.total(plan.missing)
    if not plan.missing:
        out.print("nothing to run")
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
