"""`evenhand status [SUITE]`: what a store holds for each configuration, and why trials failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenhand.cli.notes import (
    neighbours_as_json,
    print_blocked,
    print_editions,
    print_missing,
    print_store,
    print_without_row,
)
from evenhand.cli.options import AsJson, Changes, Edition, Only, Plugins, Results, open_part
from evenhand.cli.output import console, print_json, print_table
from evenhand.cli.running import print_running, running, running_as_json
from evenhand.ending import ExitCode
from evenhand.errors import listed

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.execution.plan import Plan
    from evenhand.store import Head, Store
    from evenhand.suite.commands import Place

CAUSES_SHOWN = 10
TRIALS_SHOWN = 3


def status(
    suite: Annotated[
        str | None,
        typer.Argument(metavar="SUITE", help="As for `run`. Default: the whole store."),
    ] = None,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    changes: Changes = None,
    plugin: Plugins = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="List every trial with its key for `show`.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Print the progress of a suite, and why trials failed.

    The suite may be running at the same time, also on another machine. The exit code is 1 where
    trials have failed or are blocked.
    """
    from evenhand import api
    from evenhand.suite.commands import Place

    store, place = api.open_store(results, edition), Place(results, edition)
    if suite is None:
        heads = store.heads()
        went_wrong = any(head.status in ("failed", "diverged") for head in heads.values())
        trials = _trials_of_store(heads)
        if not keys:
            _store(store, heads, place, json)
    else:
        plan = api.plan(open_part(suite, only, plugin, changes), store)
        went_wrong = bool(plan.failed or plan.blocked)
        trials = _trials_of_suite(plan)
        if not keys:
            _suite(plan, store, place, json)
    if keys:
        _print_keys(trials, json)
    if went_wrong:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _store(store: Store, heads: Mapping[str, Head], place: Place, json: bool) -> None:
    by_status = dict(Counter(head.status for head in heads.values()))
    faults = [str(fault) for fault in store.faults]
    if json:
        print_json(
            {"store": store.location, "edition": store.edition, **by_status, "faults": faults}
        )
        return
    print_store(place, len(heads), console())
    if by_status:
        console().print(", ".join(f"{n} {name}" for name, n in sorted(by_status.items())))
    else:
        print_editions(place, console())
    _print_faults(console(), faults)


def _trials_of_store(heads: Mapping[str, Head]) -> list[dict[str, str]]:
    """Key, status, method and problem of every record, read from the store's index."""
    return [
        {"key": key, "status": head.status, "trial": f"{head.method} on {head.problem}"}
        for key, head in heads.items()
    ]


def _trials_of_suite(plan: Plan) -> list[dict[str, str]]:
    """Key, status, row and setting of every trial, in the order of the suite."""
    return [
        {
            "key": key,
            "status": plan.heads[key].status if key in plan.heads else "missing",
            "trial": label,
        }
        for key, label in plan.labels.items()
    ]


def _print_keys(trials: Iterable[dict[str, str]], json: bool) -> None:
    if json:
        print_json(list(trials))
        return
    out = console()
    for trial in trials:
        line = f"{trial['key']}  {trial['status']:<11}  {trial['trial']}"
        out.print(line, soft_wrap=True)


def _causes(plan: Plan, store: Store) -> dict[str, list[str]]:
    """The names of the failed trials by the cause of the failure."""
    causes: dict[str, list[str]] = {}
    for record in store.records(trial.key for trial in plan.failed):
        causes.setdefault(record.exit.cause, []).append(plan.label(record.trial))
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
        "running": running_as_json(running(store, plan), plan.labels),
        "stale": dict(plan.reasons),
        "store": {
            "location": plan.location,
            "edition": plan.edition,
            "records": len(plan.heads),
        },
        "neighbours": neighbours_as_json(plan),
        "faults": [str(fault) for fault in plan.faults],
    }


def _suite(plan: Plan, store: Store, place: Place, json: bool) -> None:
    if json:
        print_json(_as_json(plan, store))
    else:
        _print(plan, store, place)


def _print(plan: Plan, store: Store, place: Place) -> None:
    out = console()
    print_store(place, len(plan.heads), out)
    _print_table(plan)
    total = len(plan.suite.trials)
    stopped = sum(
        trial.key in plan.heads and plan.heads[trial.key].status == "interrupted"
        for trial in plan.missing
    )
    note = f" ({stopped} interrupted)" if stopped else ""
    out.print(
        f"\n{len(plan.done)} of {total} done, {len(plan.missing)} missing{note}, "
        f"{len(plan.failed)} failed"
    )
    print_without_row(plan, out)
    print_running(running(store, plan), plan.labels, out)
    for cause, trials in list(_causes(plan, store).items())[:CAUSES_SHOWN]:
        out.print(f"{len(trials)}×", style="red", end=" ")
        out.print(cause, soft_wrap=True)
        out.print(f"   {listed(trials, TRIALS_SHOWN)}", style="dim", soft_wrap=True)
    print_blocked(plan, place)
    print_missing(plan, place, out)
    _print_faults(out, [str(fault) for fault in plan.faults])


def _print_table(plan: Plan) -> None:
    """Print the finished trials of each row on each problem."""
    done, failed = {t.key for t in plan.done}, {t.key for t in plan.failed}
    cells: dict[tuple[str, str], set[str]] = {}
    for c in plan.suite.configurations:
        cells.setdefault((c.row, c.problem.name), set()).update(t.key for t in c.trials)
    rows = []
    for row in plan.suite.rows:
        shown = []
        for problem in plan.suite.problems:
            keys = cells.get((row, problem), set())
            bad = f" {len(keys & failed)} failed" if keys & failed else ""
            shown.append(f"{len(keys & done)}/{len(keys)}{bad}")
        rows.append([row, *shown])
    print_table(["", *plan.suite.problems], rows, red="failed")


def _print_faults(out: Console, faults: list[str]) -> None:
    for fault in faults:
        out.print(f"unreadable: {fault}", style="yellow", soft_wrap=True)
