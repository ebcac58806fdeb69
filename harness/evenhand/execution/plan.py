"""Plan of a suite: the trials that are done, missing and failed, and the time that is left."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from evenhand.declared.trial import Kept, Trial
from evenhand.execution import compiling
from evenhand.execution.events import trial_label
from evenhand.store import Fault, Head, Store
from evenhand.suite.resolve import Suite

FOR_OTHERS = "(for others)"
"""Row of the trials that no row of the suite has: teachers, and parents of post-hoc methods."""


@dataclass(frozen=True)
class MethodCost:
    """Numbers of trials of a leaderboard row, and their times."""

    row: str
    title: str
    trials: int
    done: int
    missing: int
    failed: int
    seconds: float | None
    """Median time of a finished trial; None where none has finished."""
    remaining_seconds: float | None
    """Time of all missing trials, one after the other; None where one cannot be estimated."""


@dataclass(frozen=True)
class Blocked:
    """A trial that cannot run, because its parent has failed."""

    trial: Trial
    cause: str


@dataclass(frozen=True, repr=False)
class Plan:
    """The trials of a suite by their status in the store.

    >>> import tempfile
    >>> import evenhand as eh
    >>> plan = eh.plan(eh.open_suite("quickstart"), tempfile.mkdtemp())
    >>> len(plan.missing), plan.total(plan.missing) is None
    (30, True)
    """

    suite: Suite
    heads: Mapping[str, Head]
    faults: tuple[Fault, ...]
    done: tuple[Trial, ...]
    missing: tuple[Trial, ...]
    """Trials to run: those without a record, interrupted ones and, if asked for, failed ones.

    Trials that others read from are among them, too: teachers and parents without a row of their
    own, and finished trials that did not keep the arrays that others read.
    """
    failed: tuple[Trial, ...]
    blocked: tuple[Blocked, ...] = ()
    """Trials that cannot run; they are not among the missing ones."""
    keep: Mapping[str, frozenset[Kept]] = field(default_factory=dict)
    """Arrays that a trial keeps for others, by key."""

    def __repr__(self) -> str:
        """The number of trials by status, not the trials."""
        parts = ("done", "missing", "failed", "blocked")
        counts = ", ".join(f"{len(getattr(self, name))} {name}" for name in parts)
        return f"<Plan of {self.suite.declaration.suite}: {counts}>"

    @cached_property
    def _seconds(self) -> Mapping[tuple[str, str], float]:
        """Median seconds of finished trials by (method, workload); "" stands for any method."""
        groups: dict[tuple[str, str], list[float]] = {}
        for head in self.heads.values():
            if head.status == "done":
                for method in (head.method, ""):
                    groups.setdefault((method, head.workload), []).append(head.seconds)
        return {key: statistics.median(seconds) for key, seconds in groups.items()}

    def estimate(self, trial: Trial) -> float | None:
        """Estimated seconds of a trial; None where no record allows an estimate.

        The estimate is the median of finished trials of the same problem under the same recipe:
        those of its method, or of any method where there are none.
        """
        alike, any_method = (trial.method.name, trial.workload), ("", trial.workload)
        return self._seconds.get(alike, self._seconds.get(any_method))

    def total(self, trials: Iterable[Trial]) -> float | None:
        """Estimated seconds of trials, one after the other; None where one has no estimate."""
        seconds = [self.estimate(trial) for trial in trials]
        return None if None in seconds else sum(s for s in seconds if s is not None)

    def gpu_hours(self, gpus_per_trial: float) -> float | None:
        """GPU hours of all missing trials; None where one has no estimate, or one from a CPU."""
        trained = [trial for trial in self.missing if trial.posthoc is None]
        seconds = self.total(trained)
        wanted = {trial.workload for trial in trained}
        done = [h for h in self.heads.values() if h.status == "done" and h.workload in wanted]
        if seconds is None or any(head.device != "cuda" for head in done):
            return None
        return seconds * gpus_per_trial / 3600

    @property
    def again(self) -> tuple[Trial, ...]:
        """Missing trials that are done, but did not keep the arrays that others read."""
        done = {key for key, head in self.heads.items() if head.status == "done"}
        return tuple(trial for trial in self.missing if trial.key in done)

    @property
    def generations(self) -> tuple[tuple[Trial, ...], ...]:
        """The missing trials in generations, parents before children; the longest come first."""
        order = sorted(self.missing, key=lambda t: -(self.estimate(t) or float("inf")))
        ages = sorted({trial.generation for trial in order})
        return tuple(tuple(t for t in order if t.generation == age) for age in ages)

    @cached_property
    def methods(self) -> tuple[MethodCost, ...]:
        """Costs of each leaderboard row, in the suite's order, then of the trials for others."""
        keys = {
            name: {t.key for t in getattr(self, name)} for name in ("done", "missing", "failed")
        }
        rows: dict[str, tuple[str, dict[str, Trial]]] = {}
        for configuration in self.suite.configurations:
            rows.setdefault(configuration.row, (configuration.title, {}))[1].update(
                {t.key: t for t in configuration.trials}
            )
        extra = {t.key: t for t in self.missing if t.key not in self.suite.trials}
        if extra:
            rows[FOR_OTHERS] = ("trained for others", extra)
        return tuple(
            MethodCost(
                row=row,
                title=title,
                trials=len(trials),
                done=len(trials.keys() & keys["done"]),
                missing=len(trials.keys() & keys["missing"]),
                failed=len(trials.keys() & keys["failed"]),
                seconds=self._median(trials.keys() & keys["done"]),
                remaining_seconds=self.total(trials[k] for k in trials.keys() & keys["missing"]),
            )
            for row, (title, trials) in rows.items()
        )

    @cached_property
    def compiled(self) -> frozenset[str]:
        """Workloads of missing trials whose networks are compiled, because that saves time.

        None of a deterministic recipe, and none whose time is unknown or was measured on a GPU.
        """
        if compiling.compiler() is None:
            return frozenset()
        groups: dict[str, list[Trial]] = {}
        for trial in self.missing:
            if not trial.recipe.deterministic:
                groups.setdefault(trial.workload, []).append(trial)
        on_gpu = {head.workload for head in self.heads.values() if head.device == "cuda"}
        return frozenset(
            workload
            for workload, trials in groups.items()
            if workload not in on_gpu
            and compiling.saves_time(self.total(trials) or 0.0, len(trials))
        )

    def _median(self, keys: Iterable[str]) -> float | None:
        seconds = [self.heads[key].seconds for key in keys]
        return statistics.median(seconds) if seconds else None

    def as_json(self, *, gpus_per_trial: float, slots: int) -> dict[str, Any]:
        """The JSON that `evenhand plan --json` prints; times without an estimate are None."""
        seconds = self.total(self.missing)
        return {
            "suite": self.suite.declaration.suite,
            "trials": len(self.suite.trials),
            "done": len(self.done),
            "missing": len(self.missing),
            "failed": len(self.failed),
            "blocked": [{"key": b.trial.key, "cause": b.cause} for b in self.blocked],
            "slots": slots,
            "estimated_seconds": None if seconds is None else seconds / slots,
            "estimated_trial_seconds": seconds,
            "estimated_gpu_hours": self.gpu_hours(gpus_per_trial),
            "compiled": len([t for t in self.missing if t.workload in self.compiled]),
            "methods": [vars(method) for method in self.methods],
            "faults": [vars(fault) for fault in self.faults],
        }


def make_plan(suite: Suite, store: Store, *, retry_failed: bool = False) -> Plan:
    """Sort every trial of a suite by its status in the store; no data set is read."""
    heads = store.heads()
    sorting = _Sorting(heads, _kept_for_others(suite.whole or suite, heads), retry_failed)
    for trial in suite.trials.values():
        sorting.sort(trial)
    found = sorting.found
    return Plan(
        suite,
        heads,
        store.faults,
        done=tuple(found["done"].values()),
        missing=tuple(found["missing"].values()),
        failed=tuple(found["failed"].values()),
        blocked=tuple(sorting.blocked),
        keep=sorting.keep,
    )


def _kept_for_others(suite: Suite, heads: Mapping[str, Head]) -> dict[str, frozenset[Kept]]:
    """Arrays that each trial keeps: those of the suite's `keep:`, those that other trials read, and
    those that it kept before."""
    asked = frozenset(suite.declaration.keep)
    keep = {key: asked | frozenset(heads[key].kept if key in heads else ()) for key in suite.trials}
    for trial in suite.trials.values():
        child, parent = trial, trial.parent
        while parent is not None:
            kept = heads[parent.key].kept if parent.key in heads else ()
            keep[parent.key] = keep.get(parent.key, frozenset(kept)) | {child.reads}
            child, parent = parent, parent.parent
    return keep


@dataclass
class _Sorting:
    """Trials of a suite while they are sorted into a plan."""

    heads: Mapping[str, Head]
    keep: Mapping[str, frozenset[Kept]]
    retry_failed: bool
    found: dict[str, dict[str, Trial]] = field(
        default_factory=lambda: {"done": {}, "missing": {}, "failed": {}}
    )
    blocked: list[Blocked] = field(default_factory=list)

    def sort(self, trial: Trial) -> None:
        """Sort a trial by its status, and mark as missing its ancestors that must run again."""
        status = self._status(trial)
        cause = self._cause(trial) if status == "missing" else None
        if cause:
            self.blocked.append(Blocked(trial, cause))
            return
        self.found["done"].pop(trial.key, None)
        self.found[status][trial.key] = trial
        parent = trial.parent
        if status == "missing" and parent and not self._has_kept(parent, trial.reads):
            # The parent finished in a run of a suite without this trial, and kept nothing for it.
            self._again(parent)

    def _again(self, trial: Trial) -> None:
        self.found["done"].pop(trial.key, None)
        self.found["missing"][trial.key] = trial
        if trial.parent and not self._has_kept(trial.parent, trial.reads):
            self._again(trial.parent)

    def _status(self, trial: Trial) -> str:
        if trial.key in self.found["missing"]:
            return "missing"
        status = self.heads[trial.key].status if trial.key in self.heads else "missing"
        if status in ("failed", "diverged"):
            return "missing" if self.retry_failed else "failed"
        return "done" if status == "done" else "missing"

    def _cause(self, trial: Trial) -> str | None:
        """The reason why a trial cannot run: its nearest failed ancestor; None if it can run."""
        child, parent = trial, trial.parent
        while parent is not None and not self._has_kept(parent, child.reads):
            head = self.heads.get(parent.key)
            if head and head.status in ("failed", "diverged") and not self.retry_failed:
                self.found["failed"][parent.key] = parent
                ended = "has failed" if head.status == "failed" else "has diverged"
                return f"it reads from {trial_label(parent)}, which {ended} ({parent.key[:8]})"
            child, parent = parent, parent.parent
        return None

    def _has_kept(self, trial: Trial, what: Kept) -> bool:
        head = self.heads.get(trial.key)
        return head is not None and head.status == "done" and what in head.kept
