"""`evenhand status [SUITE]`: what a store holds for each configuration, and why trials failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenhand.cli.options import AsJson, Edition, Only, Plugins, Results, open_part
from evenhand.cli.output import console, print_json, some_of
from evenhand.cli.plan import print_blocked

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.execution.plan import Plan
    from evenhand.store import Store

CAUSES_SHOWN = 10


def status(
    suite: Annotated[
        str | None,
        typer.Argument(metavar="SUITE", help="As for `run`. Default: the whole store."),
    ] = None,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    plugin: Plugins = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="List every trial with its key for `show`.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Print the progress of a suite, and why trials failed.

    The suite may be running at the same time, also on another machine.
    """
    from evenhand import api

    store = api.open_store(results, edition)
    if suite is None:
        trials = _trials_of_store(store)
        if not keys:
            _store(store, json)
    else:
        plan = api.plan(open_part(suite, only, plugin), store)
        trials = _trials_of_suite(plan)
        if not keys:
            _suite(plan, store, json)
    if keys:
        _print_keys(trials, json)


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


def _trials_of_store(store: Store) -> list[dict[str, str]]:
    """Key, status, method and problem of every record, read from the store's index."""
    return [
        {"key": key, "status": head.status, "trial": f"{head.method} on {head.problem}"}
        for key, head in store.heads().items()
    ]


def _trials_of_suite(plan: Plan) -> list[dict[str, str]]:
    """Key, status, row and setting of every trial, in the order of the suite."""
    from evenhand.suite.only import setting_beside

    found = {}
    for configuration in plan.suite.configurations:
        name = ", ".join(filter(None, (configuration.row, setting_beside(configuration))))
        for trial in configuration.trials:
            head = plan.heads.get(trial.key)
            label = f"{name} on {configuration.problem.name}, seed {trial.seed}"
            status = head.status if head else "missing"
            found[trial.key] = {"key": trial.key, "status": status, "trial": label}
    return list(found.values())


def _print_keys(trials: Iterable[dict[str, str]], json: bool) -> None:
    if json:
        print_json(list(trials))
        return
    out = console()
    for trial in trials:
        line = f"{trial['key']}  {trial['status']:<11}  {trial['trial']}"
        out.print(line, markup=False, soft_wrap=True)


def _causes(plan: Plan, store: Store) -> dict[str, list[str]]:
    """The names of the failed trials by the cause of the failure."""
    from evenhand.execution.events import trial_label

    causes: dict[str, list[str]] = {}
    for record in store.records(trial.key for trial in plan.failed):
        causes.setdefault(record.exit.cause, []).append(trial_label(record.trial))
    return causes


def _as_json(plan: Plan, store: Store) -> dict[str, Any]:
    return {
        "suite": plan.suite.declaration.suite,
        "trials": len(plan.suite.trials),
        "done": len(plan.done),
        "missing": len(plan.missing),
        "failed": len(plan.failed),
        "blocked": len(plan.blocked),
        "failures": _causes(plan, store),
        "faults": [str(fault) for fault in plan.faults],
    }


def _suite(plan: Plan, store: Store, json: bool) -> None:
    if json:
        print_json(_as_json(plan, store))
    else:
        _print(plan, store)


def _print(plan: Plan, store: Store) -> None:
    from rich.table import Table

    out = console()
    done, failed = {t.key for t in plan.done}, {t.key for t in plan.failed}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for problem in plan.suite.problems:
        table.add_column(problem, justify="right")
    for row in plan.suite.rows:
        shown = []
        for problem in plan.suite.problems:
            configurations = [
                c for c in plan.suite.configurations if (c.row, c.problem.name) == (row, problem)
            ]
            keys = {trial.key for configuration in configurations for trial in configuration.trials}
            bad = f" [red]{len(keys & failed)} failed[/red]" if keys & failed else ""
            shown.append(f"{len(keys & done)}/{len(keys)}{bad}")
        table.add_row(row, *shown)
    out.print(table)
    total = len(plan.suite.trials)
    out.print(
        f"\n{len(plan.done)} of {total} done, {len(plan.missing)} missing, "
        f"{len(plan.failed)} failed"
    )
    for cause, trials in list(_causes(plan, store).items())[:CAUSES_SHOWN]:
        out.print(f"[red]{len(trials)}×[/red]", end=" ")
        out.print(cause, markup=False, soft_wrap=True)
        out.print(f"   {some_of(trials, 3)}", markup=False, style="dim", soft_wrap=True)
    print_blocked(plan)
    _print_faults(out, [str(fault) for fault in plan.faults])


def _print_faults(out: Console, faults: list[str]) -> None:
    for fault in faults:
        out.print(f"unreadable: {fault}", style="yellow", markup=False, soft_wrap=True)
