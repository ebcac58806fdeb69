"""From a plan to a run: what is checked and loaded before the first trial starts."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evenhand.declared.base import Part
from evenhand.declared.plugin import loaded_plugins
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import RunError
from evenhand.execution.events import Sink
from evenhand.execution.execute import Execution
from evenhand.execution.plan import Plan
from evenhand.execution.retries import Runner, Watch, drive
from evenhand.store import Store


@dataclass(frozen=True)
class RunOptions:
    """How the missing trials of a plan are run. Nothing here is part of a trial."""

    inline: bool = False
    """In this process, one trial after the other, without Ray."""
    address: str | None = None
    """A Ray cluster: "ray://…", "HOST:PORT" or "auto"; None starts Ray on this machine alone."""
    cpus_per_trial: float = 1.0
    """CPU cores of a trial."""
    gpus_per_trial: float | None = None
    """Share of a GPU of a trial; None: a quarter where there is a GPU, else none."""
    max_failures: int | None = None
    """The run stops when more trials than this have failed; None: it never does."""
    time_limit: float = float("inf")
    """Seconds that a trial may take."""
    pack: int = 1
    """Trials of one problem and recipe that share a process, its memory and its GPU."""
    compiled: bool | None = None
    """Whether networks are compiled first; None: where the plan expects it to save time."""
    data: Path | None = None
    """Where prepared data sets are; None: the suite's `data:`, else the user's cache."""


def start(plan: Plan, store: Store, options: RunOptions, watch: Watch) -> Plan:
    """Run the missing trials of a plan; returns the plan of what is then done, failed and missing.

    Raises before any trial starts: `StoreError` where records cannot be written, `DataError` where
    data are missing or do not fit, `BackboneError` where a network does not fit, and `RunError`
    where options do not go together or the cluster cannot meet them.
    """
    store.check_writable()
    if not options.inline:
        _check_travels(plan.missing)
    execution = replace(
        _execution(plan, options),
        pack=options.pack,
        compiled=_compiled(plan, options),
        compile_anywhere=bool(options.compiled),
    )
    return drive(plan, execution, store, watch, _runner(options))


def watched(sink: Sink | None, options: RunOptions) -> Watch:
    """A watch that hands every event on to the sink."""
    return Watch(sink or (lambda _: None), options.max_failures)


def _check_travels(trials: tuple[Trial, ...]) -> None:
    """Raises `RunError` for a part that the processes of Ray's workers cannot have."""
    for trial in trials:
        for kind, part in _parts(trial):
            if REGISTRY.get(kind, part.name).make.__module__ == "__main__":
                raise RunError(
                    f"the {kind} {part.name!r} is registered in this session alone, and the "
                    "workers of a Ray cluster do not have it\n"
                    "  move it to a file and open the suite with plugins=[FILE], or run inline=True"
                )


def _parts(trial: Trial) -> list[tuple[str, Part]]:
    found = [("dataset", trial.problem.dataset), ("profile", trial.problem.profile)]
    found += [("backbone", trial.recipe.backbone), ("schedule", trial.recipe.schedule)]
    found += [("augmentation", part) for part in trial.recipe.augment]
    found += [("method", trial.method)]
    found += [("posthoc", trial.posthoc)] if trial.posthoc else []
    return found + (_parts(trial.parent) if trial.parent else [])


def _compiled(plan: Plan, options: RunOptions) -> frozenset[str]:
    """Workloads to compile. Raises `RunError` where that is wanted and cannot be."""
    from evenhand.execution.compiling import check_compiler

    if options.compiled is None:
        return plan.compiled if options.pack == 1 else frozenset()
    if not options.compiled:
        return frozenset()
    if options.pack > 1:
        raise RunError(
            "--compile cannot be combined with --pack: torch compiles for one trial at a time\n"
            "  remove one of the two options"
        )
    check_compiler()
    return frozenset(t.workload for t in plan.missing if not t.recipe.deterministic)


def _execution(plan: Plan, options: RunOptions) -> Execution:
    """Load the data sets and check that they and the networks fit."""
    from evenhand.data.files.root import rooted
    from evenhand.execution import provenance
    from evenhand.execution.sources import check_fits, check_networks, load_sources

    suite = plan.resolved.declaration
    trained = [trial for trial in plan.missing if trial.posthoc is None]
    problems = {trial.problem.name: trial.problem for trial in trained}
    with rooted(options.data, suite.data) if trained else nullcontext():
        sources = load_sources(list(problems.values()), seed=plan.missing[0].seed)
    check_fits(plan.missing, sources, selects=suite.select is not None)
    check_networks(trained, sources)
    return Execution(
        suite=f"{suite.suite} v{suite.version}",
        command=provenance.command(),
        threads=max(1, round(options.cpus_per_trial)),
        time_limit=options.time_limit,
        use_gpu=options.gpus_per_trial != 0,
        sources=sources,
    )


def _runner(options: RunOptions) -> Runner:
    if options.inline:
        from evenhand.execution.inline import run_inline

        return run_inline

    def on_ray(*args: Any) -> None:
        from evenhand.execution.ray_tune import run_on_ray
        from evenhand.execution.resources import Resources

        run_on_ray(
            *args,
            address=options.address,
            resources=Resources(options.cpus_per_trial, options.gpus_per_trial),
            plugins=loaded_plugins(),
        )

    return on_ray
