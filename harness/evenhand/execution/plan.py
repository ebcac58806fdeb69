"""Plan of a suite: the trials that are done, missing and failed, and the time that is left."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from evenhand.declared.trial import Kept, Trial
from evenhand.execution import compiling
from evenhand.execution.events import trial_label
from evenhand.execution.labels import row_labels
from evenhand.execution.schedule import (
    MethodCost,
    Prices,
    duration,
    generations_of,
    in_order,
    median_seconds,
)
from evenhand.execution.scoring import lacks_scores, metrics_of_logits
from evenhand.execution.sorting import Blocked, Sorting, kept_for_others
from evenhand.execution.stale import Stale, describe, find_stale
from evenhand.store import Fault, Head, Store
from evenhand.suite.resolve import Suite

WITHOUT_ROW = "teachers and parents"
"""Name of the trials that no row of the suite has: teachers, and parents of post-hoc methods."""


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
    own, and finished trials that did not keep the arrays that others, or metrics of logits, read.
    """
    failed: tuple[Trial, ...]
    unscored: tuple[Trial, ...] = ()
    """Trials that are done and lack a metric of logits, which a run computes without training."""
    blocked: tuple[Blocked, ...] = ()
    """Trials that cannot run; they are not among the missing ones."""
    keep: Mapping[str, frozenset[Kept]] = field(default_factory=dict)
    """Arrays that a trial keeps for others, by key."""
    stale: tuple[Stale, ...] = ()
    """Missing trials of which the store has a record of other code or of another version."""
    location: str = ""
    """Location of the store that was read."""
    edition: str = "main"
    """Edition of the store that was read."""
    prices: Prices = field(default_factory=Prices)
    """Prices of missing trials; none where the plan was made without pricing."""
    unwritable: Mapping[str, str] = field(default_factory=dict)
    """Causes why the records of trials cannot be written, by key, as far as that was tested."""
    by_seed: bool = False
    """Whether the trials of one seed come before those of the next."""
    slots: int = 1
    """Number of trials that run at a time, on which their order depends."""

    def __repr__(self) -> str:
        """The number of trials by status, not the trials."""
        parts = ("done", "missing", "failed", "blocked")
        counts = ", ".join(f"{len(getattr(self, name))} {name}" for name in parts)
        counts += f" ({len(self.stale)} stale)" if self.stale else ""
        return f"<Plan of {self.suite.declaration.suite}: {counts}>"

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Name of each trial of the suite by key: its row, problem and seed."""
        return row_labels(self.suite)

    def label(self, trial: Trial) -> str:
        """Name of a trial: by its row, or by its method where no row has it."""
        return self.labels.get(trial.key) or trial_label(trial)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Reasons why records of missing trials are not used, each with its number of trials."""
        return describe(self.stale)

    @cached_property
    def _seconds(self) -> Mapping[tuple[str, str], float]:
        """Median seconds of finished trials by (method, workload); "" stands for any method."""
        return median_seconds(self.heads.values())

    def estimate(self, trial: Trial) -> float | None:
        """Estimated seconds of a trial; None where neither a record nor a price allows one.

        The estimate is the median of finished trials of the same problem under the same recipe,
        of its method or, where it has none, of any method; a price goes before the latter.
        """
        alike = self._seconds.get((trial.method.name, trial.workload))
        return alike if alike is not None else self.prices.seconds.get(trial.key, self._any(trial))

    def _any(self, trial: Trial) -> float | None:
        """Median of finished trials of any method on the trial's problem under its recipe."""
        return self._seconds.get(("", trial.workload))

    def _recorded(self, trial: Trial) -> float:
        """Estimated seconds of a trial by records alone; 0 where there is none."""
        alike = self._seconds.get((trial.method.name, trial.workload), self._any(trial))
        return alike or 0.0

    @property
    def unmeasured(self) -> tuple[Trial, ...]:
        """Missing trials of whose method no trial has finished on their problem and recipe."""
        known = self._seconds
        return tuple(t for t in self.missing if (t.method.name, t.workload) not in known)

    def total(self, trials: Iterable[Trial]) -> float | None:
        """Estimated seconds of trials, one after the other; None where one has no estimate."""
        seconds = [self.estimate(trial) for trial in trials]
        return None if None in seconds else sum(s for s in seconds if s is not None)

    def duration(self, slots: int) -> float | None:
        """Estimated seconds of a run of all missing trials; None where one has no estimate.

        slots trials run at a time, parents before children, as in `evenhand run`.
        """
        if self.total(self.missing) is None:
            return None
        planned = replace(self, slots=slots).generations
        return duration([[self.estimate(t) or 0.0 for t in g] for g in planned], slots)

    def gpu_hours(self, gpus_per_trial: float) -> float | None:
        """GPU hours of all missing trials; None where one has no estimate, or one from a CPU."""
        trained = [trial for trial in self.missing if trial.posthoc is None]
        seconds = self.total(trained)
        wanted = {trial.workload for trial in trained}
        done = [h for h in self.heads.values() if h.status == "done" and h.workload in wanted]
        devices = {head.device for head in done}
        devices |= {self.prices.device for trial in trained if trial.key in self.prices.seconds}
        if seconds is None or devices - {"cuda"}:
            return None
        return seconds * gpus_per_trial / 3600

    @property
    def newer(self) -> tuple[Fault, ...]:
        """Records of the suite's trials that a later version of Evenhand wrote."""
        wanted = kept_for_others(self.suite, {}).keys()
        return tuple(f for f in self.faults if f.kind == "newer" and f.key in wanted)

    @property
    def again(self) -> tuple[Trial, ...]:
        """Missing trials that are done, but did not keep what other trials or metrics read."""
        done = {key for key, head in self.heads.items() if head.status == "done"}
        return tuple(trial for trial in self.missing if trial.key in done)

    @property
    def generations(self) -> tuple[tuple[Trial, ...], ...]:
        """The missing trials in generations, parents before children, in the order of a run.

        A trial whose parent has ended is in the first one: it waits for no other.
        """
        by_seed, slots = self.by_seed, self.slots
        order = in_order(self.missing, self.estimate, by_seed=by_seed, slots=slots)
        found: dict[int, list[Trial]] = {}
        age = generations_of(order)
        for trial in order:
            found.setdefault(age[trial.key], []).append(trial)
        return tuple(tuple(found[age]) for age in sorted(found))

    @cached_property
    def methods(self) -> tuple[MethodCost, ...]:
        """Costs of each leaderboard row, in the suite's order, then of teachers and parents."""
        keys = {
            name: {t.key for t in getattr(self, name)} for name in ("done", "missing", "failed")
        }
        rows: dict[str, tuple[str, dict[str, Trial]]] = {}
        for configuration in self.suite.configurations:
            rows.setdefault(configuration.row, (configuration.title, {}))[1].update(
                {t.key: t for t in configuration.trials}
            )
        extra = {t.key: t for t in self.missing if t.key not in self.suite.trials}
        named = [(row, title, trials) for row, (title, trials) in rows.items()]
        named += [(WITHOUT_ROW, WITHOUT_ROW, extra)] if extra else []
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
            for row, title, trials in named
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
            and compiling.saves_time(sum(map(self._recorded, trials)), len(trials))
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
            "stale": [
                {
                    "key": s.trial.key,
                    "record": s.record,
                    "reasons": [difference.text for difference in s.differences],
                }
                for s in self.stale
            ],
            "store": {
                "location": self.location,
                "edition": self.edition,
                "records": len(self.heads),
            },
            "slots": slots,
            "cost": self.suite.declaration.cost,
            "estimated_seconds": self.duration(slots),
            "estimated_trial_seconds": seconds,
            "estimated_gpu_hours": self.gpu_hours(gpus_per_trial),
            "compiled": len([t for t in self.missing if t.workload in self.compiled]),
            "methods": [vars(method) for method in self.methods],
            "unpriced": [u._asdict() for u in self.prices.unpriced],
            "faults": [vars(fault) for fault in self.faults],
        }


def make_plan(
    suite: Suite,
    store: Store,
    *,
    retry_failed: bool = False,
    unwritable: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """Sort every trial of a suite by its status in the store; no data set is read.

    Trials are blocked whose records cannot be read now or written, or are of a later version.
    """
    heads = store.heads()
    keep = kept_for_others(suite.whole or suite, heads)
    metrics = metrics_of_logits(suite.declaration)
    ended = {key for key, head in heads.items() if head.status in ("failed", "diverged")}
    refused = {key: cause for key, cause in unwritable.items() if key not in ended}
    refused |= {fault.key: str(fault) for fault in store.faults if fault.kind != "damaged"}
    sorting = Sorting(heads, keep, row_labels(suite), retry_failed, metrics, refused)
    for trial in suite.trials.values():
        sorting.sort(trial)
    found = sorting.found
    missing = tuple(found["missing"].values())
    return Plan(
        suite,
        heads,
        store.faults,
        done=tuple(found["done"].values()),
        unscored=tuple(t for t in found["done"].values() if lacks_scores(heads[t.key], metrics)),
        missing=missing,
        failed=tuple(found["failed"].values()),
        blocked=tuple(sorting.blocked),
        keep=sorting.keep,
        stale=find_stale(
            [trial for trial in missing if trial.key not in heads],
            heads,
            current=(suite.whole or suite).trials.keys(),
        ),
        location=store.location,
        edition=store.edition,
        unwritable=unwritable,
    )
