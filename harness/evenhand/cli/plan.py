"""`evenhand plan SUITE`: the trials that would run, and their cost."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
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
    MaxSeeds,
    Only,
    Plugins,
    Results,
    SuiteName,
    UntilSeparated,
    open_part,
)
from evenhand.cli.output import console, duration, errors, plural, print_json, print_table
from evenhand.cli.separating import TwoNames

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.execution.plan import Plan
    from evenhand.execution.schedule import MethodCost
    from evenhand.execution.usage import Ledger
    from evenhand.suite.commands import Place

ROWS_SHOWN = 60
"""Rows up to which each is printed; more are summed up by method."""


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
        int,
        typer.Option(
            min=1, help="The number of trials that run at a time, as --max-concurrent limits it."
        ),
    ] = os.cpu_count() or 1,
    budget: Annotated[
        str | None,
        typer.Option(metavar="HOURS", help="Print how much of this budget of `run` is used: 40h."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Count failed trials as missing.")
    ] = False,
    price: Annotated[
        bool,
        typer.Option(
            "--price",
            help="Time a few steps of each problem and recipe that has no finished trial.",
        ),
    ] = False,
    until_separated: UntilSeparated = None,
    max_seeds: MaxSeeds = None,
    json: AsJson = False,
) -> None:
    """Print which trials are missing, and what they will cost.

    The times come from finished trials of the same recipe, so they are known after a first run, or
    before it with --price, which needs no prepared images. With --until-separated, the plan is that
    of the two rows at the largest number of seeds, which is the largest cost.
    """
    from evenhand import api
    from evenhand.cli.readings import as_json, print_own, read_own
    from evenhand.cli.warnings import find_warnings, print_warnings
    from evenhand.execution.times import seconds
    from evenhand.suite.commands import Place

    whole = None if budget is None else seconds(budget, "--budget", with_unit=True)
    store = api.open_store(results, edition)
    opened, rows = open_part(suite, only, plugin, changes), TwoNames.of(until_separated, max_seeds)
    made = api.plan(opened, store, retry_failed=retry_failed, **rows.given)
    if price:
        made = _priced(made, data)
    own = read_own(made.suite, data)
    warnings = find_warnings(made.suite, own)
    if json:
        planned = made.as_json(gpus_per_trial=gpus_per_trial, slots=slots)
        beside = {"neighbours": neighbours_as_json(made), "data": as_json(own)}
        used = {"used": _used(made, gpus_per_trial)}
        print_json(planned | used | beside | {"warnings": warnings})
        return
    place = Place(results, edition, data, separated=rows.separated)
    _print(made, place, gpus_per_trial, slots)
    if rows.separated:
        console().print("this is the largest cost: the run ends where the rows are separated")
    if whole is not None:
        console().print(_ledger(made, whole, gpus_per_trial).sentence(made.heads))
    print_warnings(warnings)
    print_own(own)


def _ledger(made: Plan, budget: float, gpus_per_trial: float) -> Ledger:
    """The budget in hours of GPUs; in hours of cores where records are of CPUs alone."""
    from evenhand.execution.usage import Granted, Ledger

    devices = {made.heads[key].device for key in made.keep if key in made.heads}
    gpus = 0.0 if devices == {"cpu"} else gpus_per_trial
    return Ledger(budget, Granted(gpus), made.keep.keys())


def _used(made: Plan, gpus_per_trial: float) -> dict[str, float]:
    """GPU-hours and core-hours that all attempts of the suite's trials have used."""
    from evenhand.execution.usage import Granted, Ledger

    shares = {"gpu_hours": Granted(gpus_per_trial or 1.0), "core_hours": Granted()}
    ledgers = {name: Ledger(0.0, share, made.keep.keys()) for name, share in shares.items()}
    return {name: ledger.used(made.heads) / 3600 for name, ledger in ledgers.items()}


def _priced(made: Plan, data: str | Path | None) -> Plan:
    """The plan with prices. On a terminal, what is being timed is shown on standard error."""
    from evenhand.execution.pricing import with_prices

    out = errors()
    if not out.is_terminal:
        return with_prices(made, data=data)
    with out.status("timing a few steps") as status:
        return with_prices(made, data=data, report=lambda what: status.update(f"timing {what}"))


def _print(plan: Plan, place: Place, gpus_per_trial: float, slots: int) -> None:
    from rich.text import Text

    out, suite = console(), plan.suite.declaration
    out.print(Text.assemble((suite.suite, "bold"), f" v{suite.version}: {suite.question}"))
    if suite.cost:
        out.print(f"cost: {suite.cost}")
    print_store(place, len(plan.heads), out)
    out.print()
    numbers = ("trials", "done", "missing", "failed")
    shown = plan.methods if len(plan.methods) <= ROWS_SHOWN else _by_method(plan.methods)
    rows = [
        [
            m.row,
            *(str(n) for n in (m.trials, m.done, m.missing, m.failed)),
            duration(m.seconds) if m.seconds is not None else "–",
            duration(m.remaining_seconds) if m.missing else "–",
        ]
        for m in shown
    ]
    print_table(["method", *numbers, "per trial", "remaining"], rows)
    if len(shown) < len(plan.methods):
        out.print(f"{len(plan.methods)} rows in all; --json lists each", style="dim")
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
    _print_time(plan, place, gpus_per_trial, slots)
    for fault in plan.faults:
        out.print(f"unreadable: {fault}", style="yellow", soft_wrap=True)


def _by_method(costs: Iterable[MethodCost]) -> list[MethodCost]:
    """The costs of all settings of a method as one row: `la: 1999 settings`."""
    groups: dict[str, list[MethodCost]] = {}
    for cost in costs:
        groups.setdefault(cost.row.partition("(")[0].strip(), []).append(cost)
    return [
        each[0] if len(each) == 1 else _summed(f"{name}: {len(each)} settings", each)
        for name, each in groups.items()
    ]


def _summed(name: str, costs: Sequence[MethodCost]) -> MethodCost:
    """The sum of costs; the time of a trial is the median of their medians."""
    seconds = [cost.seconds for cost in costs if cost.seconds is not None]
    remaining = [cost.remaining_seconds for cost in costs]
    known = [value for value in remaining if value is not None]
    numbers = {
        field: sum(getattr(cost, field) for cost in costs)
        for field in ("trials", "done", "missing", "failed")
    }
    return replace(
        costs[0],
        row=name,
        title=name,
        **numbers,
        seconds=statistics.median(seconds) if seconds else None,
        remaining_seconds=sum(known) if len(known) == len(remaining) else None,
    )


def _print_time(plan: Plan, place: Place, gpus_per_trial: float, slots: int) -> None:
    """Print the estimated time of the missing trials."""
    from evenhand.suite.commands import suite_command

    out, seconds = console(), plan.total(plan.missing)
    if not plan.missing:
        out.print("nothing to train" if plan.unscored else "nothing to run")
    elif seconds is None:
        some = "some problem has no finished trial under this recipe"
        priced = plan.prices.unpriced or plan.prices.seconds
        command = suite_command("plan", plan.suite, "--price", place=place)
        out.print(f"no estimate of the time: {some}", soft_wrap=True)
        if not priced:
            out.print(f"`{command}` times a few steps", soft_wrap=True)
    else:
        hours = plan.gpu_hours(gpus_per_trial)
        shares = f"{gpus_per_trial:g} of a GPU each"
        on_gpu = "timed on CPUs" if hours is None else f"{hours:.2g} GPU-hours at {shares}"
        out.print(f"about {duration(plan.duration(slots))} with {slots} at a time, {on_gpu}")
        if plan.compiled:
            out.print(
                "the networks are compiled first, which saves time in total; --no-compile: not"
            )
    _print_prices(plan, out)


def _print_prices(plan: Plan, out: Console) -> None:
    """Print where prices come from, and which trials have none."""
    prices = plan.prices
    if prices.seconds:
        timed = f"{plural(len(prices.seconds), 'trial')} priced by steps timed on this machine"
        device = "its GPU" if prices.device == "cuda" else "one core"
        out.print(f"{timed} ({device}, {duration(prices.took)}); estimates, not records")
    for unpriced in prices.unpriced:
        out.print(str(unpriced), style="yellow", soft_wrap=True)
