"""The three checkpoint rules, always all three: last, best on validation, best on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from harness.metrics import better, score
from harness.spec.record import Evaluation, Rule, Split

Counts = Int[np.ndarray, "groups labels predictions"]


@dataclass
class Checkpoints:
    """Counts at the epochs that the rules pick, as training goes on.

    by     metric that `best-val` and `best-test` compare; the earliest of equal epochs is kept
    train  [classes, groups] training counts, which some metrics need
    """

    by: str
    train: Int[np.ndarray, "classes groups"]
    _last: tuple[int, dict[Split, Counts]] = (0, {})
    _best: dict[Split, tuple[float, int, dict[Split, Counts]]] = field(default_factory=dict)

    def see(self, epoch: int, counts: Mapping[Split, Counts]) -> dict[Split, float | None]:
        """Take in the counts after an epoch (1-based); the score of each split by `by`."""
        scores = {split: score(self.by, c, self.train) for split, c in counts.items()}
        self._last = (epoch, dict(counts))
        for split, value in scores.items():
            if value is None:
                continue
            merit = value if better(self.by) == "higher" else -value
            if split not in self._best or merit > self._best[split][0]:
                self._best[split] = (merit, epoch, dict(counts))
        return scores

    def state(self) -> dict[str, Any]:
        """All that was seen, as plain containers and tensors."""
        epoch, counts = self._last
        best = {split: (m, e, _tensors(c)) for split, (m, e, c) in self._best.items()}
        return {"last": (epoch, _tensors(counts)), "best": best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        epoch, counts = state["last"]
        self._last = (epoch, _arrays(counts))
        self._best = {split: (m, e, _arrays(c)) for split, (m, e, c) in state["best"].items()}

    def evaluations(self) -> tuple[Evaluation, ...]:
        """Each split at each rule; `best-test` on test alone, as published code reports it."""
        picked: list[tuple[Rule, int, Mapping[Split, Counts]]] = [("last", *self._last)]
        if "val" in self._best:
            picked.append(("best-val", *self._best["val"][1:]))
        if "test" in self._best:
            _, epoch, counts = self._best["test"]
            picked.append(("best-test", epoch, {"test": counts["test"]}))
        return tuple(
            Evaluation.of(c, split=split, rule=rule, epoch=epoch)
            for rule, epoch, counts in picked
            for split, c in counts.items()
        )


def _tensors(counts: Mapping[Split, Counts]) -> dict[Split, torch.Tensor]:
    return {split: torch.from_numpy(c) for split, c in counts.items()}


def _arrays(counts: Mapping[Split, torch.Tensor]) -> dict[Split, Counts]:
    return {split: c.cpu().numpy() for split, c in counts.items()}
