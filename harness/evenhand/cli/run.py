"""`evenhand run SUITE`: train the trials that have no record."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenhand.cli.options import (
    AsJson,
    Data,
    Edition,
    Only,
    Plugins,
    Results,
    SuiteName,
    load_plugins,
    open_part,
)
from evenhand.cli.output import console, errors, plural, print_line
from evenhand.cli.plan import print_blocked
from evenhand.errors import RunError

if TYPE_CHECKING:
    from evenhand.execution.execute import Execution
    from evenhand.execution.plan import Plan
    from evenhand.execution.retries import Runner, Watch
    from evenhand.store import Store

UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
INTERRUPTED = 130


def seconds(text: str) -> float:
    """The seconds of `90`, `45s`, `30m`, `2h` or `1d`. Raises `RunError` for any other text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip())
    if match is None or match[2] not in UNITS or float(match[1]) <= 0:
        raise RunError(f"--time-limit {text}: write e.g. 90s, 30m or 2h")
    return float(match[1]) * UNITS[match[2]]


def run(
    suite: SuiteName,
    results: Results = "results",
    edition: Edition = "main",
    only: Only = None,
    plugin: Plugins = None,
    data: Data = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run the trials one by one in this process.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The Ray cluster: ray://…, HOST:PORT or auto. Default: a local one is started.",
        ),
    ] = None,
    cpus_per_trial: Annotated[float, typer.Option(min=0.1, help="CPU cores for a trial.")] = 1,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(min=0, help="Share of a GPU for a trial. Default: 0.25, or 0 without a GPU."),
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
    json: AsJson = False,
) -> None:
    """Train every trial of a suite that has no record yet.

    Ctrl-C stops the run and keeps the finished trials. Rerun the same command to resume.
    """
    from evenhand.execution.plan import make_plan
    from evenhand.store import Store

    limit = float("inf") if time_limit is None else seconds(time_limit)
    resolved = open_part(suite, only, plugin)
    store = Store.open(results, edition)
    plan = make_plan(resolved, store, retry_failed=retry_failed)
    if not plan.missing:
        _nothing_to_do(plan, json)
        return
    store.check_writable()
    execution = _execution(
        plan,
        threads=max(1, round(cpus_per_trial)),
        time_limit=limit,
        use_gpu=gpus_per_trial != 0,
        data=data,
    )
    execution = replace(
        execution,
        pack=pack,
        compiled=_compiled(plan, compile_, pack),
        compile_anywhere=bool(compile_),
    )
    runner = _runner(inline, address, (cpus_per_trial, gpus_per_trial), plugin)
    _drive(plan, execution, store, runner, json, max_failures)


def _compiled(plan: Plan, wanted: bool | None, pack: int) -> frozenset[str]:
    """Workloads to compile. Raises `RunError` if `--compile` is given and is not possible."""
    from evenhand.execution.compiling import check_compiler

    if wanted is None:
        return plan.compiled if pack == 1 else frozenset()
    if not wanted:
        return frozenset()
    if pack > 1:
        raise RunError(
            "--compile cannot be combined with --pack: torch compiles for one trial at a time\n"
            "  remove one of the two options"
        )
    check_compiler()
    return frozenset(t.workload for t in plan.missing if not t.recipe.deterministic)


def _drive(
    plan: Plan,
    execution: Execution,
    store: Store,
    runner: Runner,
    json: bool,
    max_failures: int | None,
) -> None:
    from evenhand.cli.display import display
    from evenhand.execution.retries import Watch, drive

    with _stopped_once(), display(plan, json=json) as sink:
        watch = Watch(sink, max_failures)
        try:
            after = drive(plan, execution, store, watch, runner)
        except KeyboardInterrupt:
            after = None
    if after is None:
        _stopped(watch)
        raise typer.Exit(1 if watch.too_many_failures else INTERRUPTED)
    failed = len(after.failed)
    if json:
        _summary(after)
    elif failed:
        command = f"evenhand status {plan.resolved.source}"
        text = f"{plural(failed, 'trial')} failed; `{command}` prints the causes"
        errors().print(text, soft_wrap=True)
    if not json:
        print_blocked(after)
    if failed or after.missing or after.blocked:
        raise typer.Exit(1)


def _execution(
    plan: Plan, *, threads: int, time_limit: float, use_gpu: bool, data: Path | None
) -> Execution:
    """What all trials of the run share.

    Raises the error of a data set that is missing, or of a network that does not fit the images,
    before any trial starts.
    """
    from evenhand.data.files.root import rooted
    from evenhand.execution import provenance
    from evenhand.execution.execute import Execution
    from evenhand.execution.sources import check_fits, check_networks, load_sources

    trained = [trial for trial in plan.missing if trial.posthoc is None]
    problems = {trial.problem.name: trial.problem for trial in trained}
    with rooted(data, plan.resolved.declaration.data):
        sources = load_sources(list(problems.values()), seed=plan.missing[0].seed)
    check_fits(plan.missing, sources, selects=plan.resolved.declaration.select is not None)
    check_networks(trained, sources)
    return Execution(
        suite=f"{plan.resolved.declaration.suite} v{plan.resolved.declaration.version}",
        command=provenance.command(),
        threads=threads,
        time_limit=time_limit,
        use_gpu=use_gpu,
        sources=sources,
    )


def _runner(
    inline: bool,
    address: str | None,
    resources: tuple[float, float | None],
    plugin: list[Path] | None,
) -> Runner:
    if inline:
        from evenhand.execution.inline import run_inline

        return run_inline

    def on_ray(*args: Any) -> None:
        from evenhand.execution.ray_tune import run_on_ray
        from evenhand.execution.resources import Resources

        run_on_ray(
            *args,
            address=address,
            resources=Resources(*resources),
            plugins=load_plugins(plugin),
        )

    return on_ray


def _nothing_to_do(plan: Plan, json: bool) -> None:
    failed = len(plan.failed)
    if json:
        _summary(plan)
    else:
        console().print(
            f"nothing to run: {len(plan.done)} of {plural(len(plan.resolved.trials), 'trial')} done"
        )
    if failed and not json:
        console().print(f"{failed} failed; --retry-failed runs them again")
    if not json:
        print_blocked(plan)
    if failed or plan.blocked:
        raise typer.Exit(1)


def _summary(plan: Plan) -> None:
    """Print the last line of `--json`."""
    names = ("done", "failed", "missing", "blocked")
    print_line({"kind": "over", **{name: len(getattr(plan, name)) for name in names}})


@contextmanager
def _stopped_once() -> Iterator[None]:
    """Stop the run at the first Ctrl-C, or at the SIGTERM with which a batch scheduler ends a job.

    Later signals are ignored, because they would interrupt the stopping itself.
    """
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop(*_: object) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopped(watch: Watch) -> None:
    cause = f"more than {watch.max_failures} trials failed; " if watch.too_many_failures else ""
    text = f"{cause}the run is stopped and finished trials are kept"
    errors().print(f"{text}; rerun the same command to resume", soft_wrap=True)
