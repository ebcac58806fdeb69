"""One trial, from its spec to its record in the store. What goes wrong becomes a record too."""

from __future__ import annotations

import importlib
import math
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.data.images import Source
from harness.data.splits import load_source, prepare
from harness.errors import EvenhandError
from harness.run import compiling, provenance
from harness.run.events import Sink, ended, started
from harness.spec.base import Part, canonical
from harness.spec.record import Cost, Exit, Provenance, Record
from harness.spec.registry import REGISTRY
from harness.spec.trial import Problem, Trial
from harness.store import Store

if TYPE_CHECKING:
    import torch

    from harness.train.engine import Conduct
    from harness.train.outcome import Progress
    from harness.train.resume import Resumable

TELL_EVERY_SECONDS = 0.5
STATE = "state.pt"
"""Beside the record that is not there yet: where a trial that was killed goes on."""


@dataclass(frozen=True)
class Execution:
    """How trials are run: nothing in here may change a result.

    threads     CPU threads of a trial
    time_limit  seconds that one attempt of a trial may take
    gpu_fraction  share of its GPU's memory that a trial may fill
    use_gpu     where there is one
    sources     data sets in memory, by `source_key`; what is not here is read from disk
    attempts    tries of each trial before this run, by key; absent: none
    pack        like trials that share a process
    alone       keys of trials that share theirs with none
    compiled    workloads whose networks are compiled first, as the plan or the user says
    compile_anywhere  also on a GPU, and where there is no compiler: the user insists
    save_every  seconds between two saves of a trial's state, at least; 0: after every step
    stop        set from elsewhere, ends a trial at its next step
    """

    suite: str = ""
    command: str = ""
    commit: provenance.Commit = field(default_factory=provenance.commit)
    threads: int = 1
    time_limit: float = math.inf
    gpu_fraction: float = 1.0
    use_gpu: bool = True
    sources: Mapping[str, Source] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    pack: int = 1
    alone: frozenset[str] = frozenset()
    compiled: frozenset[str] = frozenset()
    compile_anywhere: bool = False
    save_every: float = 30.0
    stop: threading.Event | None = None


def source_key(dataset: Part) -> str:
    """One text for one data set."""
    return canonical(dataset)


def load_sources(problems: list[Problem], seed: int) -> dict[str, Source]:
    """Every data set once, each problem tried on it.

    Raises `DataError` for what is not on disk, not whole, or too small for its problem.
    """
    sources: dict[str, Source] = {}
    for problem in problems:
        key = source_key(problem.dataset)
        if key not in sources:
            sources[key] = load_source(problem)
        prepare(problem, sources[key], seed=seed, vary=())
    return sources


def check_networks(trials: Sequence[Trial], sources: Mapping[str, Source]) -> None:
    """Build every network once that the trials name, for the images that they name.

    Raises `BackboneError` for one that timm does not have or that does not take the images. A
    backbone registered with `fits="any"` needs no trying, which saves importing torch.
    """
    seen: set[str] = set()
    for trial in trials:
        backbone, problem = trial.recipe.backbone, trial.problem
        if REGISTRY.get("backbone", backbone.name).facts.get("fits") == "any":
            continue
        place = canonical([backbone.model_dump(), source_key(problem.dataset)])
        if place in seen:
            continue
        seen.add(place)
        from harness.backbones.networks.build import build

        source = sources.get(source_key(problem.dataset)) or load_source(problem)
        _, side, _, channels = source.train.pixels.shape
        n_classes = len(source.classes)
        build(backbone, n_classes=n_classes, head="linear", in_channels=channels, image_size=side)


def run_trial(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Record:
    """Train, write the record, tell the sink. Only a store that cannot be written to raises.

    A trial that an earlier attempt left half done goes on from there. Its state is kept until it is
    done, or has diverged.

    Raises `KeyboardInterrupt` after the record that says "interrupted".
    """
    sink(started(trial))
    # Importing torch takes seconds, once a process: no trial's own.
    importlib.import_module("harness.train.engine")
    clock, began = time.perf_counter(), provenance.now()
    interrupt: KeyboardInterrupt | None = None
    try:
        record = _trained(trial, execution, store, sink)
    except KeyboardInterrupt as stop:
        interrupt = stop
        record = unfinished(trial, execution, Exit(status="interrupted", cause="interrupted"))
    except EvenhandError as error:
        record = unfinished(trial, execution, Exit(status="failed", cause=str(error)))
    except Exception as error:
        # The edge of a trial: whatever a method, a data set or the hardware raised is its result.
        cause = f"{type(error).__name__}: {error}"
        trace = traceback.format_exc()
        record = unfinished(trial, execution, Exit(status="failed", cause=cause, traceback=trace))
    stamped = record.provenance.model_copy(update={"started": began, "finished": provenance.now()})
    seconds = record.cost.seconds + time.perf_counter() - clock
    cost = record.cost.model_copy(update={"seconds": seconds})
    record = record.model_copy(update={"provenance": stamped, "cost": cost})
    store.write(record)
    if record.exit.status in ("done", "diverged"):
        store.drop(trial.key, STATE)
    sink(ended(record))
    if interrupt is not None:
        raise interrupt
    return record


def unfinished(trial: Trial, execution: Execution, end: Exit) -> Record:
    """The record of a trial that has nothing to show."""
    return Record(
        key=trial.key,
        trial=trial,
        exit=end,
        attempts=execution.attempts.get(trial.key, 0) + 1,
        cost=Cost(),
        provenance=_provenance(execution),
    )


def _trained(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Record:
    import torch

    from harness.train.engine import Conduct, train
    from harness.train.outcome import Diverged, Ended

    on_gpu = execution.use_gpu and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    if on_gpu and execution.gpu_fraction < 1:
        torch.cuda.set_per_process_memory_fraction(execution.gpu_fraction)
    source = execution.sources.get(source_key(trial.problem.dataset)) or load_source(trial.problem)
    data = prepare(trial.problem, source, seed=trial.seed, vary=trial.vary)
    conduct = Conduct(
        threads=execution.threads,
        time_limit=execution.time_limit,
        is_compiled=_is_compiled(trial, execution, device),
        stop=execution.stop,
    )
    saved = _resumable(trial, data.summary.fingerprint, device, execution, store)
    record = unfinished(trial, execution, Exit(status="done"))
    try:
        told = _teller(trial, sink)
        outcome = train(trial, data, device=device, conduct=conduct, saved=saved, report=told)
        end = record.exit
    except Diverged as stop:
        outcome = stop.outcome
        end = Exit(status="diverged", cause=str(stop), step=stop.step, epoch=stop.epoch)
    except Ended as stop:
        outcome = stop.outcome
        end = _ended_early(stop, execution)
    seen = _on_device(record.provenance, trial, device, conduct, saved, execution)
    found: dict[str, object] = {
        "evaluations": outcome.evaluations,
        "curves": outcome.curves,
        "cost": outcome.cost.model_copy(update={"seconds": saved.seconds}),
        "data": data.summary,
        "provenance": seen,
    }
    return record.model_copy(update={"exit": end, **found})


def _ended_early(stop: Exception, execution: Execution) -> Exit:
    from harness.train.outcome import TimeUp

    if isinstance(stop, TimeUp):
        cause = f"took longer than the time limit of {execution.time_limit:g} s"
        return Exit(status="failed", cause=cause)
    return Exit(status="interrupted", cause=str(stop))


def _resumable(
    trial: Trial, fingerprint: str, device: torch.device, execution: Execution, store: Store
) -> Resumable:
    """Where the trial's state is kept. One made under other versions is not gone on from."""
    import torch

    from harness.train.hardware import computes_in_half
    from harness.train.resume import Resumable

    identity = {
        "key": trial.key,
        "data": fingerprint,
        "torch": str(torch.__version__),
        "device": device.type,
        "half": str(computes_in_half(trial.recipe.precision, device)),
    }
    return Resumable(
        identity=identity,
        state=store.kept(trial.key, STATE),
        write=lambda content: store.keep(trial.key, STATE, content),
        # Trials that share a process take turns at saving, too.
        least_seconds=execution.save_every * execution.pack,
    )


def _is_compiled(trial: Trial, execution: Execution, device: torch.device) -> bool:
    """Whether the network is compiled here: without being told to, only where that can work."""
    wanted = trial.workload in execution.compiled
    can = device.type == "cpu" and compiling.compiler() is not None
    return wanted and (can or execution.compile_anywhere)


def _teller(trial: Trial, sink: Sink) -> Callable[[Progress], None]:
    """Tells the sink how far the trial is, but not at every epoch of a quick one."""
    told = -math.inf

    def report(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told < TELL_EVERY_SECONDS:
            return
        told = time.monotonic()
        event = replace(started(trial), kind="progress", epoch=progress.epoch)
        sink(replace(event, score=progress.score))

    return report


def _provenance(execution: Execution) -> Provenance:
    return Provenance(
        suite=execution.suite,
        command=execution.command,
        commit=execution.commit.commit,
        dirty=execution.commit.dirty,
        versions=provenance.versions(),
        host=provenance.host(),
        cpu=provenance.cpu(),
        threads=execution.threads,
    )


def _on_device(
    before: Provenance,
    trial: Trial,
    device: torch.device,
    conduct: Conduct,
    saved: Resumable,
    execution: Execution,
) -> Provenance:
    """What is known once training has begun: device, arithmetic, and where it went on."""
    import torch

    from harness.train.hardware import computes_in_half

    half = computes_in_half(trial.recipe.precision, device)
    seen: dict[str, object] = {
        "precision": "bf16" if half else "fp32",
        "compiled": conduct.is_compiled,
        "pack": execution.pack,
        "resumed_after_epoch": saved.resumed,
    }
    if device.type == "cuda":
        gpu = torch.cuda.get_device_name(device)
        seen |= {"device": "cuda", "gpu": gpu, "driver": provenance.driver()}
    return before.model_copy(update=seen)
