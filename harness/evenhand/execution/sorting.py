"""Sorting of trials by their status in the store: done, missing, failed or blocked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenhand.declared.trial import Kept, Trial
from evenhand.execution.events import trial_label
from evenhand.execution.scoring import lacks_scores, metrics_of_logits, without_probabilities
from evenhand.store import Head
from evenhand.suite.resolve import Suite


@dataclass(frozen=True)
class Blocked:
    """A trial that cannot run: its parent has failed, or its record must not be written."""

    trial: Trial
    cause: str
    parent: str = ""
    """Key of the trial that has failed; "" where none has."""


def kept_for_others(suite: Suite, heads: Mapping[str, Head]) -> dict[str, frozenset[Kept]]:
    """Arrays that each trial keeps: those of the suite's `keep:`, those that other trials read,
    those that it kept before, and the logits where the suite names a metric of logits."""
    asked = frozenset(suite.declaration.keep)
    asked |= {"logits"} if metrics_of_logits(suite.declaration) else set()
    keep = {key: asked | frozenset(heads[key].kept if key in heads else ()) for key in suite.trials}
    for trial in suite.trials.values():
        child, parent = trial, trial.parent
        while parent is not None:
            kept = heads[parent.key].kept if parent.key in heads else ()
            keep[parent.key] = keep.get(parent.key, frozenset(kept)) | {child.reads}
            child, parent = parent, parent.parent
    return keep


@dataclass
class Sorting:
    """Trials of a suite while they are sorted into a plan."""

    heads: Mapping[str, Head]
    keep: Mapping[str, frozenset[Kept]]
    labels: Mapping[str, str]
    """Names of trials by key; a trial without an entry goes by its method."""
    retry_failed: bool
    metrics: tuple[str, ...] = ()
    """Metrics of logits that the records hold."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Causes why records cannot be read or written, by key; their trials do not run."""
    found: dict[str, dict[str, Trial]] = field(
        default_factory=lambda: {"done": {}, "missing": {}, "failed": {}}
    )
    blocked: list[Blocked] = field(default_factory=list)

    def sort(self, trial: Trial) -> None:
        """Sort a trial by its status, and mark as missing its ancestors that must run again."""
        status = self._status(trial)
        blocked = self._blocked(trial) if status == "missing" else None
        if blocked is not None:
            self.blocked.append(blocked)
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
        if status != "done" or self._must_run_for_scores(trial):
            return "missing"
        return "done"

    def _must_run_for_scores(self, trial: Trial) -> bool:
        """Whether a finished trial has neither the metrics of logits nor logits for them."""
        if not lacks_scores(self.heads[trial.key], self.metrics) or without_probabilities(trial):
            return False
        return trial.posthoc is not None or not self._has_kept(trial, "logits")

    def _blocked(self, trial: Trial) -> Blocked | None:
        """Why a trial cannot run: its record, or its nearest failed ancestor; None if it can."""
        if trial.key in self.refused:
            return Blocked(trial, self.refused[trial.key])
        child, parent = trial, trial.parent
        while parent is not None and not self._has_kept(parent, child.reads):
            if parent.key in self.refused:
                name = self.labels.get(parent.key) or trial_label(parent)
                return Blocked(trial, f"it reads from {name}: {self.refused[parent.key]}")
            head = self.heads.get(parent.key)
            if head and head.status in ("failed", "diverged") and not self.retry_failed:
                self.found["failed"][parent.key] = parent
                name = self.labels.get(parent.key) or trial_label(parent)
                ended = "has failed" if head.status == "failed" else "has diverged"
                cause = f"it reads from {name}, which {ended} ({parent.key[:8]})"
                return Blocked(trial, cause, parent.key)
            child, parent = parent, parent.parent
        return None

    def _has_kept(self, trial: Trial, what: Kept) -> bool:
        head = self.heads.get(trial.key)
        return head is not None and head.status == "done" and what in head.kept
