"""One trial, from its spec to its record in the store. What goes wrong becomes a record too."""

from __future__ import annotations

import hashlib
import importlib
import math
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from evenhand.data.images import Source
from evenhand.data.splits import load_source, prepare
from evenhand.declared.record import Cost, Exit, Provenance, Record
from evenhand.declared.trial import Kept, Trial
from evenhand.errors import EvenhandError
from evenhand.execution import compiling, provenance
from evenhand.execution.attachments import Arrays, attached, packed, taught
from evenhand.execution.events import Sink, ended, started
from evenhand.execution.posthoc_trial import mapped
from evenhand.execution.sources import source_key
from evenhand.store import Store

if TYPE_CHECKING:
    import torch

    from evenhand.train.outcome import Progress
    from evenhand.train.resume import Resumable

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
    keep        what a trial keeps for others that read it, by key; absent: nothing
    pack        like trials that share a process
    alone       keys of trials that share theirs with none
    compiled    workloads whose networks are compiled first, as the plan or the user says
    compile_anywhere  also on a GPU, and where there is no compiler: the user insists
    save_every  seconds between two saves of a trial's state, at least; 0: after every step; None:
                as `resume.py` has it
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
    keep: Mapping[str, frozenset[Kept]] = field(default_factory=dict)
    pack: int = 1
    alone: frozenset[str] = frozenset()
    compiled: frozenset[str] = frozenset()
    compile_anywhere: bool = False
    save_every: float | None = None
    stop: threading.Event | None = None


def run_trial(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Record:
    """Train, write the record, tell the sink. Only a store that cannot be written to raises.

    A trial that an earlier attempt left half done goes on from there. Its state is kept until it is
    done, or has diverged.

    Raises `KeyboardInterrupt` after the record that says "interrupted".
    """
    sink(started(trial))
    make = _mapped if trial.posthoc else _trained
    if make is _trained:
        # Importing torch takes seconds, once a process: no trial's own.
        importlib.import_module("evenhand.train.engine")
    clock, began = time.perf_counter(), provenance.now()
    interrupt: KeyboardInterrupt | None = None
    kept: Mapping[Kept, Arrays] = {}
    try:
        record, kept = make(trial, execution, store, sink)
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
    record = record.model_copy(update={"kept": tuple(sorted(kept))})
    store.write(record, {attached(kind): packed(arrays) for kind, arrays in kept.items()})
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


class Made(NamedTuple):
    """A record but for the time it took, and what lies beside it for other trials."""

    record: Record
    kept: Mapping[Kept, Arrays] = {}


def _trained(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Made:
    from evenhand.train.engine import Conduct, train
    from evenhand.train.hardware import computes_in_half
    from evenhand.train.outcome import Ended

    device = _device(execution)
    source = execution.sources.get(source_key(trial.problem.dataset)) or load_source(trial.problem)
    data = prepare(trial.problem, source, seed=trial.seed, vary=trial.vary)
    conduct = Conduct(
        threads=execution.threads,
        time_limit=execution.time_limit,
        is_compiled=_is_compiled(trial, execution, device),
        keeps=execution.keep.get(trial.key, frozenset()),
        stop=execution.stop,
    )
    precision = "bf16" if computes_in_half(trial.recipe.precision, device) else "fp32"
    soft, told = taught(trial, data.summary, store), _teller(trial, sink)
    identity = {
        "key": trial.key,
        "data": data.summary.fingerprint,
        "device": device.type,
        "precision": precision,
        "keeps": ",".join(sorted(conduct.keeps)),
        "taught": "" if soft is None else hashlib.sha256(soft.tobytes()).hexdigest(),
    }
    saved = _resumable(trial, identity, execution, store)
    try:
        outcome = train(
            trial, data, device=device, conduct=conduct, taught=soft, saved=saved, report=told
        )
        end = Exit(status="done")
    except Ended as stop:
        outcome, end = stop.outcome, _ended_early(stop, execution)
    seen: dict[str, object] = {
        "precision": precision,
        "compiled": conduct.is_compiled,
        "pack": execution.pack,
        "resumed_after_epoch": saved.resumed,
        **_gpu(device),
    }
    record = unfinished(trial, execution, end)
    found: dict[str, object] = {
        "evaluations": outcome.evaluations,
        "curves": outcome.curves,
        "cost": outcome.cost.model_copy(update={"seconds": saved.seconds}),
        "data": data.summary,
        "provenance": record.provenance.model_copy(update=seen),
    }
    return Made(record.model_copy(update=found), outcome.kept)


def _mapped(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Made:
    return Made(mapped(unfinished(trial, execution, Exit(status="done")), store))


def _ended_early(stop: Exception, execution: Execution) -> Exit:
    from evenhand.train.outcome import Diverged, TimeUp

    if isinstance(stop, Diverged):
        return Exit(status="diverged", cause=str(stop), step=stop.step, epoch=stop.epoch)
    if isinstance(stop, TimeUp):
        cause = f"took longer than the time limit of {execution.time_limit:g} s"
        return Exit(status="failed", cause=cause)
    return Exit(status="interrupted", cause=str(stop))


def _resumable(
    trial: Trial, identity: dict[str, str], execution: Execution, store: Store
) -> Resumable:
    """Where the trial's state is kept. One made under another torch is not gone on from."""
    import torch

    from evenhand.train.resume import LEAST_SECONDS, Resumable

    every = LEAST_SECONDS if execution.save_every is None else execution.save_every
    return Resumable(
        identity=identity | {"torch": str(torch.__version__)},
        state=store.kept(trial.key, STATE),
        write=lambda content: store.keep(trial.key, STATE, content),
        # Trials that share a process take turns at saving, too.
        least_seconds=every * execution.pack,
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


def _device(execution: Execution) -> torch.device:
    """A GPU where there is one to be used, of whose memory no more may be taken than granted."""
    import torch

    if not (execution.use_gpu and torch.cuda.is_available()):
        return torch.device("cpu")
    if execution.gpu_fraction < 1:
        torch.cuda.set_per_process_memory_fraction(execution.gpu_fraction)
    return torch.device("cuda")


def _gpu(device: torch.device) -> dict[str, object]:
    """What is known of it; nothing of a CPU."""
    import torch

    if device.type != "cuda":
        return {}
    name = torch.cuda.get_device_name(device)
    return {"device": "cuda", "gpu": name, "driver": provenance.driver()}
