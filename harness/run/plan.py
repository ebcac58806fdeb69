"""What a suite still has to run, and what that will cost, from what the store holds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.run import compiling
from harness.spec.resolve import Resolved
from harness.spec.trial import Trial
from harness.store import Fault, Head, Store


@dataclass(frozen=True)
class MethodCost:
    """A leaderboard row's trials and what they cost. seconds are the median of a finished trial."""

    row: str
    title: str
    trials: int
    done: int
    missing: int
    failed: int
    seconds: float | None
    remaining_seconds: float | None


@dataclass(frozen=True)
class Plan:
    """The trials of a suite by what is known of them. Interrupted trials are missing ones."""

    resolved: Resolved
    heads: Mapping[str, Head]
    faults: tuple[Fault, ...]
    done: tuple[Trial, ...]
    missing: tuple[Trial, ...]
    failed: tuple[Trial, ...]

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
        """Seconds that a trial will take; None where no record tells.

        By finished trials of its problem under its recipe: those of its method, else of any.
        """
        alike, any_method = (trial.method.name, trial.workload), ("", trial.workload)
        return self._seconds.get(alike, self._seconds.get(any_method))

    def total(self, trials: Iterable[Trial]) -> float | None:
        """Seconds of all the trials, one after the other; None where one cannot be estimated."""
        seconds = [self.estimate(trial) for trial in trials]
        return None if None in seconds else sum(s for s in seconds if s is not None)

    def gpu_hours(self, gpus_per_trial: float) -> float | None:
        """Of all the missing trials; None where an estimate is lacking or was made on a CPU."""
        seconds = self.total(self.missing)
        wanted = {trial.workload for trial in self.missing}
        done = [h for h in self.heads.values() if h.status == "done" and h.workload in wanted]
        if seconds is None or any(head.device != "cuda" for head in done):
            return None
        return seconds * gpus_per_trial / 3600

    @property
    def longest_first(self) -> tuple[Trial, ...]:
        """The missing trials in the order in which they should start."""
        return tuple(sorted(self.missing, key=lambda t: -(self.estimate(t) or float("inf"))))

    @cached_property
    def methods(self) -> tuple[MethodCost, ...]:
        """One entry a leaderboard row, in the suite's order."""
        keys = {
            name: {t.key for t in getattr(self, name)} for name in ("done", "missing", "failed")
        }
        rows: dict[str, tuple[str, dict[str, Trial]]] = {}
        for cell in self.resolved.cells:
            rows.setdefault(cell.row, (cell.title, {}))[1].update({t.key: t for t in cell.trials})
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
        """Workloads whose networks are worth compiling before the missing trials train.

        Never under a deterministic recipe, nor where the time is not known or was taken on a GPU.
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
            if workload not in on_gpu and compiling.pays(self.total(trials) or 0.0, len(trials))
        )

    def _median(self, keys: Iterable[str]) -> float | None:
        seconds = [self.heads[key].seconds for key in keys]
        return statistics.median(seconds) if seconds else None

    def as_json(self, *, gpus_per_trial: float, slots: int) -> dict[str, Any]:
        """What `evenhand plan --json` prints; times are None where no record tells them."""
        seconds = self.total(self.missing)
        return {
            "suite": self.resolved.suite.suite,
            "trials": len(self.resolved.trials),
            "done": len(self.done),
            "missing": len(self.missing),
            "failed": len(self.failed),
            "slots": slots,
            "estimated_seconds": None if seconds is None else seconds / slots,
            "estimated_trial_seconds": seconds,
            "estimated_gpu_hours": self.gpu_hours(gpus_per_trial),
            "compiled": len([t for t in self.missing if t.workload in self.compiled]),
            "methods": [vars(method) for method in self.methods],
            "faults": [vars(fault) for fault in self.faults],
        }


def make_plan(resolved: Resolved, store: Store, *, retry_failed: bool = False) -> Plan:
    """Every trial of the suite by its status in the store. Needs no data set on disk."""
    heads = store.heads()
    done, missing, failed = [], [], []
    for key, trial in resolved.trials.items():
        status = heads[key].status if key in heads else "missing"
        if status == "done":
            done.append(trial)
        elif status in ("failed", "diverged") and not retry_failed:
            failed.append(trial)
        else:
            missing.append(trial)
    return Plan(resolved, heads, store.faults, tuple(done), tuple(missing), tuple(failed))
