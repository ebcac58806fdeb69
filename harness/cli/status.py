"""`evenhand status [SUITE]`: what a store holds, cell by cell, and what went wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AsJson, Edition, Only, Plugins, Results, open_part
from harness.cli.output import console, ordinal_list, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from harness.run.plan import Plan
    from harness.store import Store

CAUSES_SHOWN = 10


def status(
    suite: Annotated[
        str | None,
        typer.Argument(metavar="[SUITE]", help="A suite; without one, the whole store."),
    ] = None,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Show how far a suite is, also while it runs elsewhere, and why trials failed."""
    from harness.run.plan import make_plan
    from harness.store import Store

    store = Store.open(results, edition)
    if suite is None:
        _store(store, json)
        return
    plan = make_plan(open_part(suite, only, plugin), store)
    if json:
        print_json(_as_json(plan, store))
        return
    _print(plan, store)


def _store(store: Store, json: bool) -> None:
    by_status = dict(Counter(head.status for head in store.heads().values()))
    faults = [str(fault) for fault in store.faults]
    if json:
        print_json(
            {"store": store.location, "edition": store.edition, **by_status, "faults": faults}
        )
        return
    total = ", ".join(f"{n} {name}" for name, n in sorted(by_status.items())) or "no records"
    console().print(f"{store.location} ({store.edition}): {total}", soft_wrap=True)
    _print_faults(console(), faults)


def _causes(plan: Plan, store: Store) -> dict[str, list[str]]:
    """Trials that failed, by their cause."""
    from harness.run.events import label

    causes: dict[str, list[str]] = {}
    for record in store.records(trial.key for trial in plan.failed):
        causes.setdefault(record.exit.cause, []).append(label(record.trial))
    return causes


def _as_json(plan: Plan, store: Store) -> dict[str, Any]:
    return {
        "suite": plan.resolved.suite.suite,
        "trials": len(plan.resolved.trials),
        "done": len(plan.done),
        "missing": len(plan.missing),
        "failed": len(plan.failed),
        "failures": _causes(plan, store),
        "faults": [str(fault) for fault in plan.faults],
    }


def _print(plan: Plan, store: Store) -> None:
    from rich.table import Table

    out = console()
    done, failed = {t.key for t in plan.done}, {t.key for t in plan.failed}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for problem in plan.resolved.problems:
        table.add_column(problem, justify="right")
    for row in plan.resolved.rows:
        shown = []
        for problem in plan.resolved.problems:
            cells = [c for c in plan.resolved.cells if (c.row, c.problem.name) == (row, problem)]
            keys = {trial.key for cell in cells for trial in cell.trials}
            bad = f" [red]{len(keys & failed)} failed[/red]" if keys & failed else ""
            shown.append(f"{len(keys & done)}/{len(keys)}{bad}")
        table.add_row(row, *shown)
    out.print(table)
    total = len(plan.resolved.trials)
    out.print(
        f"\n{len(plan.done)} of {total} done, {len(plan.missing)} missing, "
        f"{len(plan.failed)} failed"
    )
    for cause, trials in list(_causes(plan, store).items())[:CAUSES_SHOWN]:
        out.print(f"[red]{len(trials)}×[/red]", end=" ")
        out.print(cause, markup=False, soft_wrap=True)
        out.print(f"   {ordinal_list(trials, 3)}", markup=False, style="dim", soft_wrap=True)
    _print_faults(out, [str(fault) for fault in plan.faults])


def _print_faults(out: Console, faults: list[str]) -> None:
    for fault in faults:
        out.print(f"unreadable: {fault}", style="yellow", markup=False, soft_wrap=True)
