"""Start of a run from a plan, after checks of the data, the networks and the options."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from numbers import Integral, Real
from pathlib import Path

from evenhand.declared.data_sentences import describe_shared
from evenhand.declared.importing import ENTRY_POINTS
from evenhand.declared.plugin import loaded_plugins
from evenhand.declared.plugin_modules import plugin_of
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.trial import Trial
from evenhand.errors import RunError
from evenhand.execution.destinations import with_writable
from evenhand.execution.events import Event, Sink
from evenhand.execution.execute import Execution
from evenhand.execution.places import RunPlace, inline_place
from evenhand.execution.plan import Plan
from evenhand.execution.resources import Resources, check_address
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.execution.scoring import metrics_of_logits
from evenhand.execution.steps import NextTrials, run_in_steps
from evenhand.execution.trial_parts import parts_of
from evenhand.execution.usage import Granted
from evenhand.store import Store
from evenhand.store.leftovers import nothing_left
from evenhand.suite.commands import Place, suite_command

Code = tuple[str, str, str | None]
"""Kind and name of a part, and the digest of its code in the key of a trial."""


@dataclass(frozen=True)
class RunOptions:
    """Options of a run, none of which is part of a trial."""

    inline: bool = False
    """Whether trials run in this process, one after the other, without Ray."""
    address: str | None = None
    """A Ray cluster: "HOST:PORT" or "auto"; None: a Ray on this machine alone."""
    ship_code: bool = False
    """Whether the nodes of a cluster use the code of this process in place of their own."""
    cpus_per_trial: float = 1.0
    """CPU cores of a trial."""
    gpus_per_trial: float | None = None
    """GPUs of a trial, or a fraction of one; None: by the memory of finished trials."""
    accelerators: tuple[str, ...] = ()
    """Types of GPUs on whose nodes trials run, by Ray's names; empty: any node."""
    max_failures: int | None = None
    """Number of trials that may fail; one more stops the run. None: no limit."""
    time_limit: float = float("inf")
    """Seconds that a trial may take."""
    pack: int = 1
    """Number of trials of one problem and recipe that share a process, its memory and its GPU."""
    compiled: bool | None = None
    """Whether networks are compiled before training; None: where that is expected to save time."""
    max_concurrent: int | None = None
    """Largest number of trials that run at a time; None: as many as there is room for."""
    until: float | None = None
    """Unix time by which trials are expected to end; others are not started. None: no limit."""
    budget: float | None = None
    """Seconds of a GPU, or of a CPU core where trials use no GPU, that all trials of the suite may
    use in this edition, those of earlier runs included. None: no limit."""
    data: str | Path | None = None
    """Folder or URL of prepared data sets; None: the suite's `data:`, else the user's cache."""
    next_trials: NextTrials | None = None
    """Choice of the trials that run next, after those before have ended; None: all run."""
    end_when_hung: bool = False
    """Whether an inline run ends its process, with exit code 1, where a trial hangs."""
    command: str = ""
    """The command line or the call that a record keeps; "": the equivalent `evenhand run`."""

    def is_anything_left(self, plan: Plan) -> bool:
        """Whether a run with these options has a trial of a plan to run."""
        if self.next_trials is None:
            return bool(plan.missing)
        return any(self.next_trials(1, {trial.key for trial in plan.missing}))

    def __post_init__(self) -> None:
        """Raises `RunError` for values that no run can have."""
        _check_number("pack", self.pack, whole=True, at_least=1)
        _check_number("cpus_per_trial", self.cpus_per_trial, above=0)
        _check_number("time_limit", self.time_limit, above=0)
        if self.budget is not None:
            _check_number("budget", self.budget, above=0)
        if self.until is not None:
            _check_number("until", self.until, above=0)
        if self.max_concurrent is not None:
            _check_number("max_concurrent", self.max_concurrent, whole=True, at_least=1)
            if self.max_concurrent < self.pack:
                raise RunError(
                    f"at most {self.max_concurrent} trials run at a time (--max-concurrent), and a "
                    f"pack (--pack) has {self.pack}, which run together\n"
                    f"  write --pack {self.max_concurrent} or --max-concurrent {self.pack}"
                )
        if self.gpus_per_trial is not None:
            _check_number("gpus_per_trial", self.gpus_per_trial, at_least=0)
        if self.max_failures is not None:
            _check_number("max_failures", self.max_failures, whole=True, at_least=0)
        check_address(self.address)
        if self.ship_code and self.address is None:
            raise RunError(
                "code is shipped (--ship-code) to a cluster at an address, and this run has none\n"
                "  add --address HOST:PORT, or leave out --ship-code"
            )
        if self.accelerators and (self.inline or self.gpus_per_trial == 0):
            what = "an inline run" if self.inline else "a run with --gpus-per-trial 0"
            raise RunError(
                f"{what} chooses no nodes by their GPUs, and --accelerator is "
                f"{','.join(self.accelerators)}\n  leave out one of the two"
            )
        if self.inline and self.address is not None:
            raise RunError(
                f"an inline run has no cluster, and the address is {self.address!r}\n"
                "  leave out one of the two"
            )


def _check_number(
    name: str,
    value: object,
    *,
    whole: bool = False,
    at_least: float | None = None,
    above: float | None = None,
) -> None:
    """Raise `RunError` for a value of another kind, or one that is too small."""
    if isinstance(value, Integral if whole else Real) and not isinstance(value, bool):
        number = float(value)
        if (at_least is not None and number >= at_least) or (above is not None and number > above):
            return
    what = "a whole number" if whole else "a number"
    right = f"of at least {at_least:g}" if at_least is not None else f"above {above:g}"
    raise RunError(f"{name} is {value!r}; write {what} {right}")


def start(plan: Plan, store: Store, options: RunOptions, tracker: RunTracker) -> Plan:
    """Run the missing trials of a plan; the new plan after that.

    Raises before any trial starts: `StoreError` where records cannot be written, `DataError` where
    data are missing or do not fit, `BackboneError` where a network does not fit, and `RunError`
    where options do not go together or the cluster cannot meet them. A store that is new is then
    removed.
    """
    with nothing_left(store):
        store.check_writable()
        return _start(plan, store, options, tracker)


def _start(plan: Plan, store: Store, options: RunOptions, tracker: RunTracker) -> Plan:
    plan = with_writable(plan, store)
    if not plan.missing:
        return plan
    registered = _registered(plan.missing)
    metrics = metrics_of_logits(plan.suite.declaration)
    registered |= {("metric", name, None): REGISTRY.get("metric", name) for name in metrics}
    _check_unchanged(registered)
    if not options.inline:
        _check_travels(registered)
    execution = _execution(plan, options, tracker)
    if options.budget is not None or options.until is not None:
        plan = _priced(plan, execution, options, tracker)
    with _run_place(plan, execution, store, tracker, options) as place:
        execution = replace(execution, granted=place.granted)
        slots = min(place.slots, options.max_concurrent or place.slots)
        plan = replace(plan, slots=slots)
        tracker(Event("ready", slots=slots if options.address is None else None))
        run = _runner(plan, execution, store, tracker, place, options)
        if options.next_trials is None:
            return run(plan)
        return run_in_steps(plan, store, tracker, run, options.next_trials)


def _runner(
    plan: Plan,
    execution: Execution,
    store: Store,
    tracker: RunTracker,
    place: RunPlace,
    options: RunOptions,
) -> Callable[[Plan], Plan]:
    """A run of the missing trials of a plan, as far as they fit into the limits of the options."""
    if options.budget is None and options.until is None:
        return lambda now: run_plan(now, execution, store, tracker, place.runner)
    from evenhand.execution.budget import Limits, run_within

    limits = Limits(
        until=math.inf if options.until is None else options.until,
        budget=options.budget,
        slots=plan.slots,
        granted=place.granted.among(options.pack),
        time_limit=options.time_limit,
    )
    return lambda now: run_within(now, execution, store, tracker, place.runner, limits=limits)


def _priced(plan: Plan, execution: Execution, options: RunOptions, sink: Sink) -> Plan:
    """The plan with prices of the trials that have no record like them."""
    from evenhand.execution.pricing import with_prices

    priced = with_prices(
        plan, data=options.data, threads=execution.threads, use_gpu=execution.use_gpu
    )
    for unpriced in priced.prices.unpriced:
        sink(Event("note", cause=str(unpriced)))
    return priced


def _resources(options: RunOptions) -> Resources:
    return Resources(options.cpus_per_trial, options.gpus_per_trial, options.accelerators)


def _check_unchanged(registered: Mapping[Code, Registered]) -> None:
    """Raise `RunError` for a part whose code was edited after the suite was opened.

    Its trials have the key of the earlier code, and would be records of the later code.
    """
    for (kind, name, code), found in registered.items():
        if kind != "metric" and found.code != code:
            raise RunError(
                f"the {kind} {name!r} was edited after the suite was opened\n"
                "  open the suite again, so that its trials have the keys of the new code"
            )


def _check_travels(registered: Mapping[Code, Registered]) -> None:
    """Raise `RunError` for a part that Ray's workers cannot import."""
    plugins = {point.module.partition(".")[0] for point in entry_points(group=ENTRY_POINTS)}
    for (kind, name, _), found in registered.items():
        module = found.make.__module__
        is_ours = module.startswith("evenhand.") or plugin_of(module) is not None
        if not is_ours and module.partition(".")[0] not in plugins:
            raise RunError(
                f"the {kind} {name!r} is registered by {module} in this process alone, "
                "and the workers of a Ray cluster do not have it\n"
                "  move it to a file and open the suite with plugins=[FILE], or run inline=True"
            )


def _registered(trials: Iterable[Trial]) -> dict[Code, Registered]:
    """What is registered now for the parts of all trials, each once: thousands share a few."""
    codes = {(kind, part.name, part.code) for trial in trials for kind, part in parts_of(trial)}
    return {
        (kind, name, code): REGISTRY.get(kind, name) for kind, name, code in sorted(codes, key=str)
    }


def _compiled(plan: Plan, options: RunOptions) -> frozenset[str]:
    """Workloads to compile. Raises `RunError` where they cannot be compiled as asked."""
    from evenhand.execution.compiling import check_compiler

    if options.compiled is None:
        return plan.compiled if options.pack == 1 else frozenset()
    if not options.compiled:
        return frozenset()
    if options.pack > 1:
        raise RunError(
            "compiling (--compile) cannot be combined with packs (--pack): torch compiles for one "
            "trial at a time\n  leave out one of the two"
        )
    check_compiler()
    return frozenset(t.workload for t in plan.missing if not t.recipe.deterministic)


def _execution(plan: Plan, options: RunOptions, sink: Sink) -> Execution:
    """Load the data sets and check that they and the networks fit.

    Duplicates between splits are sent to the sink.
    """
    from evenhand.data.files.data_root import data_root, use_data_root
    from evenhand.execution.preflight import check_data, check_networks, load_data, seeds_of

    suite = plan.suite.declaration
    trained = [trial for trial in plan.missing if trial.posthoc is None]
    problems = {trial.problem.name: trial.problem for trial in trained}
    with use_data_root(options.data, suite.data) if trained else nullcontext():
        root = data_root()
        root = root.absolute() if isinstance(root, Path) else root
        loaded = load_data(problems.values(), seeds_of(trained), suite.vary)
    sources = loaded.sources
    for name, summary in loaded.summaries.items():
        for text in describe_shared(summary):
            sink(Event("note", cause=f"{name}: {text}"))
    check_data(plan.suite, plan.missing, sources)
    with use_data_root(root):
        check_networks(plan.suite, trained, sources)
    return Execution(
        suite=f"{suite.suite} v{suite.version}",
        command=options.command or _command(plan, options),
        threads=max(1, round(options.cpus_per_trial)),
        time_limit=options.time_limit,
        use_gpu=options.gpus_per_trial != 0,
        sources=sources,
        data_roots=(root,),
        pack=options.pack,
        compiled=_compiled(plan, options),
        compile_anywhere=bool(options.compiled),
    )


def _command(plan: Plan, options: RunOptions) -> str:
    """The command that is equivalent to the run of a plan in Python."""
    from evenhand.data.files.data_root import named_root, shown

    data = None if options.data is None else shown(named_root(options.data))
    place = Place(plan.location, plan.edition, data)
    flags = ["--inline"] if options.inline else []
    return suite_command("run", plan.suite, *flags, place=place)


@contextmanager
def _run_place(
    plan: Plan, execution: Execution, store: Store, sink: Sink, options: RunOptions
) -> Iterator[RunPlace]:
    """Where trials run in a `with` block, which may need a connection to a cluster."""
    cpus, gpus = options.cpus_per_trial, options.gpus_per_trial
    if options.inline:
        trains, ends = any(t.posthoc is None for t in plan.missing), options.end_when_hung
        yield inline_place(cpus, gpus, options.pack, trains=trains, end_when_hung=ends)
        return
    from evenhand.execution.measured import Measured
    from evenhand.execution.ray_tune import on_ray

    with on_ray(
        plan.missing,
        execution,
        store,
        sink,
        address=options.address,
        ship_code=options.ship_code,
        resources=_resources(options),
        measured=Measured.of(plan.heads.values()),
        plugins=loaded_plugins(),
        max_concurrent=options.max_concurrent,
    ) as runner:
        yield RunPlace(runner, runner.slots, Granted(runner.taken.gpus or 0.0, runner.taken.cpus))
