"""The three checkpoint rules, always all three: last, best on validation, best on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.record import Evaluation, Rule, Split
from evenhand.metrics import better, score


class Snapshot(NamedTuple):
    """What an evaluation after an epoch (1-based) gave: counts by split, and what is kept of it."""

    epoch: int
    counts: dict[Split, PredictionCounts]
    kept: dict[str, np.ndarray]

    def state(self) -> tuple[int, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """As plain containers and tensors."""
        return self.epoch, _tensors(self.counts), _tensors(self.kept)

    @classmethod
    def of(cls, state: Any) -> Snapshot:
        """The inverse of `state`."""
        epoch, counts, kept = state
        return cls(epoch, _arrays(counts), _arrays(kept))


def _tensors(arrays: Mapping[Any, np.ndarray]) -> dict[Any, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _arrays(tensors: Mapping[Any, torch.Tensor]) -> dict[Any, np.ndarray]:
    return {name: tensor.cpu().numpy() for name, tensor in tensors.items()}


@dataclass
class Iterates:
    """What is kept of earlier networks, where a controller asks for another than the last.

    best     weights of the one with the greatest merit, and that merit
    mixture  sums of the counts of all that were evaluated
    """

    best: dict[str, torch.Tensor] = field(default_factory=dict)
    merit: tuple[float, float] | None = None
    mixture: dict[Split, PredictionCounts] = field(default_factory=dict)


@dataclass
class Checkpoints:
    """PredictionCounts at the epochs that the rules pick, as training goes on.

    by     metric that `best-val` and `best-test` compare; the earliest of equal epochs is kept
    train  [classes, groups] training counts, which some metrics need
    settings  the method's, which some metrics read
    """

    by: str
    train: Int[np.ndarray, "classes groups"]
    settings: Mapping[str, Any] = field(default_factory=dict)
    _last: Snapshot | None = None
    _best: dict[Split, tuple[float, Snapshot]] = field(default_factory=dict)

    def see(self, seen: Snapshot) -> dict[Split, float | None]:
        """Take in what was seen after an epoch; the score of each split by `by`."""
        scores = {
            split: score(self.by, c, self.train, self.settings) for split, c in seen.counts.items()
        }
        self._last = seen
        for split, value in scores.items():
            if value is None:
                continue
            merit = value if better(self.by) == "higher" else -value
            if split not in self._best or merit > self._best[split][0]:
                self._best[split] = (merit, seen)
        return scores

    def clear(self) -> None:
        """Forget what was seen: the network is another one."""
        self._last, self._best = None, {}

    def state(self) -> dict[str, Any]:
        """All that was seen, as plain containers and tensors."""
        best = {split: (merit, seen.state()) for split, (merit, seen) in self._best.items()}
        return {"last": self._last and self._last.state(), "best": best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self._last = state["last"] and Snapshot.of(state["last"])
        self._best = {split: (m, Snapshot.of(seen)) for split, (m, seen) in state["best"].items()}

    def evaluations(self) -> tuple[Evaluation, ...]:
        """Each split at each rule; `best-test` on test alone, as published code reports it."""
        assert self._last is not None, "the last epoch is evaluated"
        picked: list[tuple[Rule, int, Mapping[Split, PredictionCounts]]] = []
        picked.append(("last", self._last.epoch, self._last.counts))
        if "val" in self._best:
            _, seen = self._best["val"]
            picked.append(("best-val", seen.epoch, seen.counts))
        if "test" in self._best:
            _, seen = self._best["test"]
            picked.append(("best-test", seen.epoch, {"test": seen.counts["test"]}))
        return tuple(
            Evaluation.of(c, split=split, rule=rule, epoch=epoch)
            for rule, epoch, counts in picked
            for split, c in counts.items()
        )

    def kept(self) -> dict[str, np.ndarray]:
        """What was kept at the epochs that the rules pick, by `EPOCH/NAME`."""
        seen = [snapshot for _, snapshot in self._best.values()]
        return {
            f"{snapshot.epoch}/{name}": array
            for snapshot in (*seen, *([self._last] if self._last else []))
            for name, array in snapshot.kept.items()
        }
