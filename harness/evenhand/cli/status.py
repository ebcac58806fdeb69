"""`evenhand status [SUITE]`: what a store holds for each configuration, and why trials failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.notes import (
    neighbours_as_json,
    print_blocked,
    print_editions,
    print_missing,
    print_store,
    print_without_row,
    time_and_rate,
)
from evenhand.cli.options import AsJson, Changes, Edition, Only, Plugins, Results, open_part
from evenhand.cli.output import console, print_json, print_table
from evenhand.cli.running import print_running
from evenhand.ending import ExitCode
from evenhand.errors import RunError, listed
from evenhand.execution.times import seconds as time_of

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.cli.look import Look
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
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Look again and again until every trial has ended."),
    ] = False,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="The time between two looks of --watch.")
    ] = "10s",
    prometheus: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write each look to a file for the textfile collector of node_exporter.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Print the progress of a suite, and why trials failed.

    The suite may be running at the same time, also on another machine. The exit code is 1 where
    trials have failed or are blocked. Ctrl-C ends --watch with the exit code 130, not the run.
    """
    from evenhand import api
    from evenhand.cli.look import Watcher
    from evenhand.cli.look_json import as_json
    from evenhand.cli.prometheus import write_file
    from evenhand.cli.watching import watch_suite
    from evenhand.suite.commands import Place

    seconds = time_of(every, "--every")
    _check_together(suite, keys=keys, watch=watch, prometheus=prometheus)
    store, place = api.open_store(results, edition), Place(results, edition)
    if suite is None:
        heads = store.heads()
        went_wrong = any(head.status in ("failed", "diverged") for head in heads.values())
        if keys:
            _print_keys(_trials_of_store(heads), json)
        else:
            _store(store, heads, place, json)
    else:
        watcher = Watcher(open_part(suite, only, plugin, changes), store)
        if watch:
            look = watch_suite(watcher, seconds, json=json, file=prometheus)
        else:
            look = watcher.look()
            if prometheus is not None:
                write_file(prometheus, look)
        went_wrong = look.went_wrong
        if keys:
            _print_keys(_trials_of_suite(look.plan), json)
        elif not json:
            _print(look, place)
        elif not watch:
            print_json(as_json(look) | {"neighbours": neighbours_as_json(look.plan)})
    if went_wrong:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _check_together(suite: str | None, *, keys: bool, watch: bool, prometheus: Path | None) -> None:
    """Raise `RunError` for options that do not go together."""
    option = "--watch" if watch else "--prometheus"
    if suite is None and (watch or prometheus is not None):
        raise RunError(
            f"{option} needs a suite, of which it shows the trials, and none is given\n"
            f"  write `evenhand status SUITE {option}`"
        )
    if prometheus is not None and prometheus.suffix != ".prom":
        raise RunError(
            f"--prometheus {prometheus}: the textfile collector reads a file only if its name "
            f"ends with .prom\n  write --prometheus {prometheus.with_suffix('.prom')}"
        )
    if keys and watch:
        raise RunError(
            "--keys lists the trials once, and --watch looks again: leave out one of them"
        )


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


def _print(look: Look, place: Place) -> None:
    out, plan = console(), look.plan
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
    print_running(look.leases, plan.labels, out)
    if look.live:
        out.print(time_and_rate(look), soft_wrap=True)
    for cause, trials in list(look.causes.items())[:CAUSES_SHOWN]:
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
