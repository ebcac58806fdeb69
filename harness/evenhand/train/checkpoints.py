"""Evaluations at the three checkpoint rules: last, best on validation, best on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from evenhand.declared.labels import PredictionCounts, TrainingCounts
from evenhand.declared.record import Evaluation, Rule, Split
from evenhand.metrics import better, score


class Snapshot(NamedTuple):
    """Evaluation of the network after an epoch."""

    epoch: int
    """Counted from 1."""
    counts: dict[Split, PredictionCounts]
    kept: dict[str, np.ndarray]
    """Arrays that the trial keeps, such as logits, by name."""

    def state(self) -> tuple[int, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The evaluation as plain containers and tensors."""
        return self.epoch, _tensors(self.counts), _tensors(self.kept)

    @classmethod
    def from_state(cls, state: Any) -> Snapshot:
        """The evaluation that `state` returned."""
        epoch, counts, kept = state
        return cls(epoch, _arrays(counts), _arrays(kept))


def _tensors(arrays: Mapping[Any, np.ndarray]) -> dict[Any, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _arrays(tensors: Mapping[Any, torch.Tensor]) -> dict[Any, np.ndarray]:
    return {name: tensor.cpu().numpy() for name, tensor in tensors.items()}


@dataclass
class Iterates:
    """Earlier iterates, kept where a controller evaluates another iterate than the last."""

    best: dict[str, torch.Tensor] = field(default_factory=dict)
    """Weights of the iterate with the greatest merit."""
    merit: tuple[float, float] | None = None
    """The merit of `best`."""
    mixture: dict[Split, PredictionCounts] = field(default_factory=dict)
    """Sums of the counts of all evaluated iterates."""


@dataclass
class Checkpoints:
    """Snapshots at the epochs that the checkpoint rules pick, updated during training."""

    by: str
    """Metric that `best-val` and `best-test` compare; of equal epochs the earliest is kept."""
    train: TrainingCounts
    """Training counts, which some metrics need."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The method's settings, which some metrics need."""
    _last: Snapshot | None = None
    _best: dict[Split, tuple[float, Snapshot]] = field(default_factory=dict)

    def add(self, snapshot: Snapshot) -> dict[Split, float | None]:
        """Add the evaluation of an epoch; the score of each split by the metric `by`."""
        scores = {
            split: score(self.by, c, self.train, self.settings)
            for split, c in snapshot.counts.items()
        }
        self._last = snapshot
        for split, value in scores.items():
            if value is None:
                continue
            merit = value if better(self.by) == "higher" else -value
            if split not in self._best or merit > self._best[split][0]:
                self._best[split] = (merit, snapshot)
        return scores

    def clear(self) -> None:
        """Remove all snapshots, because a new network begins to train."""
        self._last, self._best = None, {}

    def state(self) -> dict[str, Any]:
        """All snapshots as plain containers and tensors."""
        best = {split: (merit, snapshot.state()) for split, (merit, snapshot) in self._best.items()}
        return {"last": self._last and self._last.state(), "best": best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        self._last = state["last"] and Snapshot.from_state(state["last"])
        self._best = {
            split: (merit, Snapshot.from_state(found))
            for split, (merit, found) in state["best"].items()
        }

    def evaluations(self) -> tuple[Evaluation, ...]:
        """Evaluations of each split at each rule; `best-test` has the test split alone."""
        assert self._last is not None, "the last epoch is evaluated"
        picked: list[tuple[Rule, int, Mapping[Split, PredictionCounts]]] = []
        picked.append(("last", self._last.epoch, self._last.counts))
        if "val" in self._best:
            _, snapshot = self._best["val"]
            picked.append(("best-val", snapshot.epoch, snapshot.counts))
        if "test" in self._best:
            _, snapshot = self._best["test"]
            picked.append(("best-test", snapshot.epoch, {"test": snapshot.counts["test"]}))
        return tuple(
            Evaluation.of(c, split=split, rule=rule, epoch=epoch)
            for rule, epoch, counts in picked
            for split, c in counts.items()
        )

    def kept(self) -> dict[str, np.ndarray]:
        """Arrays kept at the epochs that the rules pick, by `EPOCH/NAME`."""
        best = [snapshot for _, snapshot in self._best.values()]
        return {
            f"{snapshot.epoch}/{name}": array
            for snapshot in (*best, *([self._last] if self._last else []))
            for name, array in snapshot.kept.items()
        }
