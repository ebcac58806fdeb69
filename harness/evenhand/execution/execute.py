"""Execution of one trial, from its specification to its record; a failure becomes a record, too."""

from __future__ import annotations

import contextlib
import hashlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from evenhand.data.files.data_root import Root, use_data_roots
from evenhand.data.images import Source
from evenhand.data.splits import load_source, make_splits
from evenhand.declared.record import Cost, Exit, Provenance, Record
from evenhand.declared.trial import Kept, Trial
from evenhand.errors import EvenhandError, MetricError
from evenhand.execution import compiling, provenance
from evenhand.execution.attachments import Arrays, DamagedArrays, teacher_probabilities
from evenhand.execution.claims import Claim, Claimant, StopSigns
from evenhand.execution.device import device_of, gpu_facts
from evenhand.execution.engine_import import import_engine
from evenhand.execution.events import Sink, ended_event, started_event
from evenhand.execution.posthoc_trial import apply_posthoc
from evenhand.execution.preflight import source_key
from evenhand.execution.raised import GpuShareExceeded, failure, is_out_of_gpu_memory
from evenhand.execution.saving import exit_after_damage, resumable, write_record
from evenhand.execution.scoring import outputs_of, with_scores
from evenhand.execution.usage import Granted, Ledger, Used, charged
from evenhand.execution.watchdog import StallLimits
from evenhand.remote.retries import may_pass
from evenhand.store import Store
from evenhand.train.clock import running_seconds

if TYPE_CHECKING:
    import torch

    from evenhand.train.engine import TrainOptions
    from evenhand.train.result import Progress
    from evenhand.train.resume import Resumable

PROGRESS_EVERY_SECONDS = 0.5
STOPPED = "the run was stopped"


@dataclass(frozen=True)
class Execution:
    """Settings of a run that change no trial's result."""

    suite: str = ""
    command: str = ""
    commit: provenance.Commit = field(default_factory=provenance.commit)
    threads: int = 1
    """CPU threads of a trial."""
    time_limit: float = math.inf
    """Seconds that one attempt of a trial may take."""
    gpu_fraction: float = 1.0
    """Share of its GPU's memory that a process may use."""
    use_gpu: bool = True
    """Whether trials use a GPU where there is one."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Data sets in memory, by `source_key`; others are read from disk."""
    data_roots: tuple[Root, ...] = ()
    """Places of prepared data sets and of weights of networks; empty for the default."""
    attempts: Mapping[str, int] = field(default_factory=dict)
    """Attempts of each trial before this run, by key; a trial without an entry had none."""
    keep: Mapping[str, frozenset[Kept]] = field(default_factory=dict)
    """Arrays that a trial keeps for other trials, by key; a trial without an entry keeps none."""
    metrics: tuple[str, ...] = ()
    """Metrics of logits that records hold, computed from the logits that the trials keep."""
    pack: int = 1
    """Largest number of trials that share a process."""
    together: int = 1
    """Number of trials that the process of a trial runs at the same time."""
    alone: frozenset[str] = frozenset()
    """Keys of trials that share their process with no other."""
    compiled: frozenset[str] = frozenset()
    """Workloads whose networks are compiled before training."""
    compile_anywhere: bool = False
    """Whether they are compiled on a GPU, too, and without a check for a compiler (`--compile`)."""
    save_every: float | None = None
    """Least seconds between two saves of a trial's state; 0: after every step; None: the default
    of `resume.py`."""
    stop: threading.Event | None = None
    """Event that ends a trial at its next step, once another thread sets it."""
    claimant: Claimant = field(default_factory=Claimant)
    """Who claims trials, so that two runs on one store train none twice."""
    claim: Claim | None = None
    """Claim of the trial, which ends it once another process has taken it over."""
    stalls: StallLimits = field(default_factory=StallLimits)
    """Times without progress after which a process is given up."""
    needs_gpu: bool = False
    """Whether a GPU was granted, without which no trial may start."""
    whole_node: bool = False
    """Whether a trial has a node to itself."""
    whole_gpu: frozenset[str] = frozenset()
    """Keys of trials that have a whole GPU each, because a share of one was too small."""
    latest: Mapping[str, float] = field(default_factory=dict)
    """Unix time after which a trial is not started any more, by key; any time without an entry."""
    ledger: Ledger | None = None
    """Budget of GPU time that a trial must fit into to be started; None: no limit."""
    granted: Granted = field(default_factory=Granted)
    """GPUs and CPU cores of the process, or of the trial where it runs."""
    spent: Mapping[str, Used] = field(default_factory=dict)
    """What trials used in this run that are started anew and hold no lease, by key."""


def run_trial(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Record:
    """Train a trial, write its record, and send its events to the sink.

    A trial resumes from the state that an earlier attempt saved; the state is deleted when the
    trial is done or has diverged. Where another run has finished the trial, its record stays, and
    is returned. Raises `StoreError` where no record can be written, `LeaseLostError` where another
    process has taken the trial over, `GpuShareExceeded` where it needs more memory than its share
    of a GPU has, and `KeyboardInterrupt` after a record with the status "interrupted" was written.
    """
    make = _apply_posthoc if trial.posthoc else _train
    if make is _train:
        # Before the clock starts: importing torch takes seconds, once for all trials of a process.
        import_engine()
    sink(started_event(trial))
    clock, began = running_seconds(), provenance.now()
    interrupt: KeyboardInterrupt | None = None
    kept: Mapping[Kept, Arrays] = {}
    try:
        with use_data_roots(execution.data_roots):
            record, kept = make(trial, execution, store, sink)
    except KeyboardInterrupt as stop:
        interrupt = stop
        record = empty_record(trial, execution, Exit(status="interrupted", cause=STOPPED))
    except DamagedArrays as error:
        record = empty_record(trial, execution, exit_after_damage(store, error))
    except EvenhandError as error:
        if store.is_remote and may_pass(error):
            # The store does not answer: that is no failure of the trial.
            raise
        record = empty_record(trial, execution, Exit(status="failed", cause=str(error)))
    except BaseException as error:
        # The edge of a trial: what a method, a data set or the hardware raises is its result. So is
        # `sys.exit()`, which would end the run with the exit code that a plugin has chosen.
        share = execution.gpu_fraction / execution.together
        shares_gpu = share < 1 and trial.key not in execution.whole_gpu
        if shares_gpu and is_out_of_gpu_memory(error):
            text = f"ran out of the memory of its share of a GPU ({share:.2g})"
            raise GpuShareExceeded(text) from error
        record = empty_record(trial, execution, failure(error))
    stamped = record.provenance.model_copy(update={"started": began, "finished": provenance.now()})
    took = running_seconds() - clock
    # Beside this process, earlier ones of this attempt may have run, and been killed.
    claim, granted = execution.claim, execution.granted.of_trial(trial)
    used = granted.over(took) if claim is None else claim.used
    cost = record.cost.model_copy(update={"seconds": record.cost.seconds + took})
    record = record.model_copy(update={"provenance": stamped, "cost": cost})
    record = record.model_copy(update={"kept": tuple(sorted(kept))})
    record = charged(record, used, granted, store)
    if claim is not None:
        claim.check()
    record = write_record(record, kept, store, sink)
    sink(ended_event(record))
    if interrupt is not None:
        raise interrupt
    return record


def empty_record(trial: Trial, execution: Execution, end: Exit) -> Record:
    """The record of a trial without results."""
    return Record(
        key=trial.key,
        trial=trial,
        exit=end,
        attempts=execution.attempts.get(trial.key, 0) + 1,
        cost=Cost(),
        provenance=_provenance(execution),
    )


class Made(NamedTuple):
    """A record without its time, and the arrays to keep beside it."""

    record: Record
    kept: Mapping[Kept, Arrays] = {}


def _train(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Made:
    from evenhand.train.engine import train
    from evenhand.train.hardware import runs_in_bf16
    from evenhand.train.result import TrainingEnded
    from evenhand.train.resume import LEAST_SECONDS

    device = device_of(
        use_gpu=execution.use_gpu,
        needs_gpu=execution.needs_gpu,
        gpu_fraction=execution.gpu_fraction,
    )
    source = execution.sources.get(source_key(trial.problem.dataset)) or load_source(trial.problem)
    data = make_splits(trial.problem, source, seed=trial.seed, vary=trial.vary)
    options = _options(trial, execution, device)
    precision = "bf16" if runs_in_bf16(trial.recipe.precision, device) else "fp32"
    soft = teacher_probabilities(trial, data.summary, store)
    # A state of another device, precision or teacher would not lead to the same record.
    identity = {
        "key": trial.key,
        "data": data.summary.fingerprint,
        "device": device.type,
        "precision": precision,
        "keeps": ",".join(sorted(options.keeps)),
        "taught": "" if soft is None else hashlib.sha256(soft.tobytes()).hexdigest(),
    }
    every = LEAST_SECONDS if execution.save_every is None else execution.save_every
    # So that a process saves as often with many trials as with one.
    saved = resumable(trial, identity, every * execution.pack, store, sink, claim=execution.claim)
    report = _progress_sender(trial, saved, sink)
    try:
        result = train(
            trial, data, device=device, options=options, targets=soft, saved=saved, report=report
        )
        end = Exit(status="done")
    except TrainingEnded as stop:
        result, end = stop.result, _exit_of(stop, execution)
    conditions: dict[str, object] = {
        "precision": precision,
        "compiled": options.is_compiled,
        "pack": execution.pack,
        "resumed_after_epoch": saved.resumed,
        **gpu_facts(device),
    }
    record = empty_record(trial, execution, end)
    cost: dict[str, float | None] = {"seconds": saved.seconds}
    cost |= {"reserved_gpu_memory_gib": None} if execution.pack > 1 else {}
    results: dict[str, object] = {
        "evaluations": result.evaluations,
        "curves": result.curves,
        "stages": result.stages,
        "cost": result.cost.model_copy(update=cost),
        "data": data.summary,
        "provenance": record.provenance.model_copy(update=conditions),
    }
    record = record.model_copy(update=results)
    if end.status == "done" and "logits" in result.kept:
        outputs = outputs_of(record, result.kept["logits"])
        # A metric that fails loses no training: the next run computes it from the kept logits.
        with contextlib.suppress(MetricError):
            record = with_scores(record, outputs, execution.metrics)
    return Made(record, result.kept)


def _options(trial: Trial, execution: Execution, device: torch.device) -> TrainOptions:
    from evenhand.train.engine import TrainOptions

    return TrainOptions(
        threads=execution.threads,
        time_limit=execution.time_limit,
        is_compiled=_is_compiled(trial, execution, device),
        keeps=execution.keep.get(trial.key, frozenset()),
        stop=StopSigns(execution.stop, execution.claim),
    )


def _apply_posthoc(trial: Trial, execution: Execution, store: Store, sink: Sink) -> Made:
    record = empty_record(trial, execution, Exit(status="done"))
    return Made(apply_posthoc(record, store, execution.metrics))


def _exit_of(stop: Exception, execution: Execution) -> Exit:
    """The exit of a trial whose training ended before its last epoch."""
    from evenhand.train.result import Diverged, TimeLimitReached

    if isinstance(stop, Diverged):
        return Exit(status="diverged", cause=str(stop), step=stop.step, epoch=stop.epoch)
    if isinstance(stop, TimeLimitReached):
        cause = f"took longer than the time limit of {execution.time_limit:g} s"
        return Exit(status="failed", cause=cause)
    return Exit(status="interrupted", cause=str(stop))


def _is_compiled(trial: Trial, execution: Execution, device: torch.device) -> bool:
    """Whether the network is compiled: on a CPU with a compiler, or because of `--compile`."""
    if trial.workload not in execution.compiled:
        return False
    can = device.type == "cpu" and compiling.compiler() is not None
    return can or execution.compile_anywhere


def _progress_sender(trial: Trial, saved: Resumable, sink: Sink) -> Callable[[Progress], None]:
    """A function that sends a trial's progress to the sink, at most every half second."""
    sent = -math.inf

    def report(progress: Progress) -> None:
        nonlocal sent
        if time.monotonic() - sent < PROGRESS_EVERY_SECONDS:
            return
        sent = time.monotonic()
        event = replace(started_event(trial), kind="progress", epoch=progress.epoch)
        sink(replace(event, score=progress.score, resumed=saved.resumed))

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
