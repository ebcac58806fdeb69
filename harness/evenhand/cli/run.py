"""`evenhand run SUITE`: train the trials that have no record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.notes import print_blocked, print_missing, print_store, print_unscored
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
from evenhand.cli.output import console, duration, errors, plural, print_line
from evenhand.cli.separating import TwoNames
from evenhand.cli.waiting import run_until_over
from evenhand.ending import ExitCode
from evenhand.errors import TooManyFailures
from evenhand.execution.times import moment, seconds

if TYPE_CHECKING:
    from evenhand.execution.plan import Plan
    from evenhand.suite.commands import Place


def run(
    suite: SuiteName,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    changes: Changes = None,
    plugin: Plugins = None,
    data: Data = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run the trials one by one in this process.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The Ray cluster: HOST:PORT or auto. Default: a local one is started.",
        ),
    ] = None,
    ship_code: Annotated[
        bool,
        typer.Option("--ship-code", help="Send the code of Evenhand to the nodes of the cluster."),
    ] = False,
    wait_for_cluster: Annotated[
        bool,
        typer.Option(
            "--wait-for-cluster",
            help="Wait where the cluster does not answer or is lost, and resume. With "
            "--retry-failed, trials that fail in between are run again each time.",
        ),
    ] = False,
    cpus_per_trial: Annotated[float, typer.Option(min=0.1, help="CPU cores for a trial.")] = 1,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            min=0, help="Share of a GPU for a trial. Default: by the memory of finished trials."
        ),
    ] = None,
    accelerator: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE", help="Train on nodes with these GPUs only, by Ray's names: H100,A100."
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed and diverged trials again.")
    ] = False,
    max_failures: Annotated[
        int | None, typer.Option(min=0, help="Stop if more trials than this have failed.")
    ] = None,
    time_limit: Annotated[
        str | None, typer.Option(metavar="TIME", help="The time limit of a trial: 90s, 30m, 2h.")
    ] = None,
    max_concurrent: Annotated[
        int | None, typer.Option(min=1, help="Run at most this many trials at a time.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Start only trials that are expected to end by then: 07:00, 2026-12-24T18:00, 8h.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="HOURS",
            help="GPU-hours that the suite's trials may use in all, with those of earlier runs: "
            "40h. Hours of CPU cores without a GPU.",
        ),
    ] = None,
    pack: Annotated[
        int,
        typer.Option(
            min=1, max=32, help="The number of similar trials that share one process and its GPU."
        ),
    ] = 1,
    compile_: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Compile the networks first. Default: if the plan expects that this saves time.",
        ),
    ] = None,
    until_separated: UntilSeparated = None,
    max_seeds: MaxSeeds = None,
    json: AsJson = False,
) -> None:
    """Train every trial of a suite that has no record yet.

    Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 stop the run within 25 s and keep the finished trials. Rerun
    the same command to resume.
    """
    from evenhand import api
    from evenhand.cli.display import display
    from evenhand.execution import provenance
    from evenhand.suite.commands import Place

    limit = float("inf") if time_limit is None else seconds(time_limit, "--time-limit")
    end = None if until is None else moment(until, "--until")
    if budget is not None:
        seconds(budget, "--budget", with_unit=True)
    if wait_for_cluster:
        raise typer.Exit(run_until_over(address, end))
    store, opened = api.open_store(results, edition), open_part(suite, only, plugin, changes)
    rows = TwoNames.of(until_separated, max_seeds)
    plan = api.plan(opened, store, retry_failed=retry_failed, **rows.given)
    where = _where(address, ship_code, inline)
    place = Place(results, edition, data, where, separated=rows.separated)
    # Beside `--json`, standard output has events only.
    notes = errors() if json else console()
    print_store(place, len(plan.heads), notes)
    print_missing(plan, place, notes)
    if plan.unscored:
        print_unscored(plan, notes)
    elif rows.separated and not plan.newer and not rows.next_trials(opened, store, plan):
        # The run starts nothing.
        after = api.run(opened, store, **rows.given)
        _end_separated(rows.show(opened, store, json=json), after, place, json)
        return
    elif not plan.missing and not plan.newer:
        _nothing_to_do(plan, place, json)
        return
    try:
        latest = end.timestamp() if end else math.inf
        with display(plan, json=json, until=latest, at_most=rows.separated is not None) as sink:
            after = api.run(
                opened if rows.separated else plan,
                store,
                retry_failed=retry_failed and rows.separated is not None,
                **rows.given,
                inline=inline,
                address=address,
                ship_code=ship_code,
                cpus_per_trial=cpus_per_trial,
                gpus_per_trial=gpus_per_trial,
                accelerator=accelerator,
                max_failures=max_failures,
                time_limit=limit,
                max_concurrent=max_concurrent,
                until=end,
                budget=budget,
                pack=pack,
                compiled=compile_,
                data=data,
                on_event=sink,
                end_when_hung=True,
                command=provenance.command(),
            )
    except TooManyFailures as error:
        errors().print(f"{error}; rerun the same command to resume", soft_wrap=True)
        raise typer.Exit(ExitCode.INCOMPLETE) from None
    if rows.separated:
        _end_separated(rows.show(opened, store, json=json), after, place, json)
    else:
        _finish(plan, after, place, is_limited=bool(end or budget), json=json)


def _end_separated(is_over: bool, after: Plan, place: Place, json: bool) -> None:
    """End a run of two rows: exit code 1 where they are not compared to the end."""
    if json:
        _summary(after)
    else:
        print_blocked(after, place)
    if not is_over:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _finish(plan: Plan, after: Plan, place: Place, *, is_limited: bool, json: bool) -> None:
    """Print what a run has left, and end with the exit code 1 where it has left something."""
    if is_limited and not json:
        _print_left(plan, after, place)
    elif after.missing and not json:
        _print_unrun(after)
    _ended(after, place, json)


def _where(address: str | None, ship_code: bool, inline: bool) -> tuple[str, ...]:
    """The options of this call that name where trials run, for the commands in messages."""
    words = ["--inline"] if inline else []
    words += [] if address is None else ["--address", address]
    return (*words, *(["--ship-code"] if ship_code else []))


def _print_left(plan: Plan, after: Plan, place: Place) -> None:
    """Print what was left by the time or the budget, and the command that goes on."""
    from evenhand.suite.commands import suite_command

    ended = {trial.key for trial in (*after.done, *after.failed)}
    left = [trial for trial in plan.missing if trial.key not in ended]
    if left:
        # Times of this run's records; none where the run has no record of their problem.
        seconds = after.total(left)
        time = "" if seconds is None else f", about {duration(seconds)} one after the other"
        command = suite_command("run", after.suite, place=place)
        text = f"{plural(len(left), 'trial')} left{time}; `{command}` runs them without limits"
        console().print(text, soft_wrap=True)


def _print_unrun(after: Plan) -> None:
    """Print the number of trials that Ray did not run, or that were lost without a record."""
    text = f"{plural(len(after.missing), 'trial')} did not run; rerun the same command to resume"
    errors().print(text, soft_wrap=True)


def _ended(after: Plan, place: Place, json: bool) -> None:
    from evenhand.suite.commands import suite_command

    failed = len(after.failed)
    if json:
        _summary(after)
    elif failed:
        command = suite_command("status", after.suite, place=place)
        text = f"{plural(failed, 'trial')} failed; `{command}` prints the causes"
        errors().print(text, soft_wrap=True)
    if not json:
        print_blocked(after, place)
    if failed or after.missing or after.blocked or after.unscored:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _nothing_to_do(plan: Plan, place: Place, json: bool) -> None:
    from evenhand.suite.commands import suite_command

    failed = len(plan.failed)
    if json:
        _summary(plan)
    else:
        console().print(
            f"nothing to run: {len(plan.done)} of {plural(len(plan.suite.trials), 'trial')} done"
        )
    if failed and not json:
        again = suite_command("run", plan.suite, "--retry-failed", place=place)
        console().print(f"{failed} failed; `{again}` runs them again", soft_wrap=True)
    if not json:
        print_blocked(plan, place)
    if failed or plan.blocked:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _summary(plan: Plan) -> None:
    """Print the last line of `--json`."""
    names = ("done", "failed", "missing", "blocked")
    print_line({"kind": "over", **{name: len(getattr(plan, name)) for name in names}})
