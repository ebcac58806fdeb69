"""A trial's state on disk, so that one that was killed goes on where it was.

What comes back is bit for bit what was there: weights, momentum, the generators, the position in
the epoch and everything that goes into the record. On a CPU a resumed trial then ends as one that
was never interrupted; on a GPU it does in deterministic mode.
"""

from __future__ import annotations

import contextlib
import io
import math
import pickle
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from evenhand.declared.stage_parts import Retrospective
from evenhand.errors import StoreError
from evenhand.train.checkpoints import Iterates
from evenhand.train.process import GLOBAL_GENERATOR
from evenhand.train.training import BoundStage, Training

FORMAT = 3
SHARE = 0.005
"""Of the time, that saving may take; the wait after a save follows from how long it took."""

LEAST_SECONDS = 30.0
UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError, TypeError)
"""What torch raises on a file that is torn or none of its own."""


@dataclass
class Resumable:
    """Where a trial's state is kept, and when it is next due.

    identity  what a state must agree with to be this trial's: key, data, versions
    state     that of an earlier attempt, if there is one
    write     puts a state in its place, whole or not at all
    least_seconds  between two saves; 0 saves after every step, whatever it costs
    resumed   epochs that were already done when this attempt began; None: it began anew
    seconds   that earlier attempts took
    """

    identity: dict[str, str] = field(default_factory=dict)
    state: bytes | None = None
    write: Callable[[bytes], None] | None = None
    least_seconds: float = LEAST_SECONDS
    resumed: int | None = None
    seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _due: float = math.inf

    def resume(self, begin: Callable[[], Training]) -> Training:
        """A fresh trial, put where the state was taken if there is one and it is this trial's."""
        self._due = time.monotonic() + self.least_seconds
        run = begin()
        found = _read(self.state, run.device) if self.state else {}
        if found.get("format") != FORMAT or found["identity"] != self.identity:
            return run
        try:
            restore(run, found)
        except UNREADABLE:
            return begin()
        self.resumed, self.seconds = run.epoch - 1, found["seconds"]
        return run

    def save_if_due(self, run: Training) -> None:
        """Write the state where enough time has passed that this hardly shows."""
        if time.monotonic() >= self._due:
            self.save(run)

    def save(self, run: Training) -> None:
        """Write the state as it is between two steps.

        A store that cannot take it now is tried again later: only the record must be written.
        """
        if self.write is None:
            return
        began = time.monotonic()
        content = io.BytesIO()
        seconds = self.seconds + began - self._began
        about = {"format": FORMAT, "identity": self.identity, "seconds": seconds}
        torch.save(about | state_of(run), content)
        with contextlib.suppress(StoreError):
            self.write(content.getvalue())
        took = time.monotonic() - began
        wait = max(self.least_seconds, took / SHARE) if self.least_seconds else 0.0
        self._due = time.monotonic() + wait


def _read(state: bytes, device: torch.device) -> dict[str, Any]:
    """Nothing where it cannot be read: a trial can always begin anew, and its record says so."""
    try:
        found = torch.load(io.BytesIO(state), map_location=device, weights_only=True)
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def state_of(run: Training) -> dict[str, Any]:
    """Everything that grows with a step, as plain containers and tensors."""
    return {
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "generators": {
            "order": run.order_before,
            "randomness": run.randomness.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(run.device) if run.device.type == "cuda" else None,
            "python": _python_state(),
            "numpy": _numpy_state(),
        },
        "progress": {name: getattr(run, name) for name in PROGRESS},
        "losses": torch.stack(run.losses) if run.losses else torch.empty(0),
        "checkpoints": run.checkpoints.state(),
        "stages": [_state_of_stage(stage) for stage in run.stages],
        "iterates": {
            "best": run.iterates.best,
            "merit": run.iterates.merit,
            "mixture": {k: torch.from_numpy(c) for k, c in run.iterates.mixture.items()},
        },
    }


PROGRESS = ("epoch", "position", "steps", "images", "train_seconds", "eval_seconds", "curves")


def restore(run: Training, state: dict[str, Any]) -> None:
    """The inverse of `state_of`, on a trial that has just begun."""
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    generators = state["generators"]
    run.order.set_state(generators["order"].cpu())
    run.randomness.set_state(generators["randomness"].cpu())
    with GLOBAL_GENERATOR:
        torch.set_rng_state(generators["torch"].cpu())
        version, words, gauss = generators["python"]
        random.setstate((version, tuple(words), gauss))
        name, keys, *rest = generators["numpy"]
        np.random.set_state((name, np.array(keys, np.uint32), *rest))
    if generators["cuda"] is not None:
        torch.cuda.set_rng_state(generators["cuda"].cpu(), run.device)
    for name in PROGRESS:
        setattr(run, name, state["progress"][name])
    run.order_before = generators["order"].cpu()
    run.losses = list(state["losses"].unbind())
    run.checkpoints.restore(state["checkpoints"])
    for stage, found in zip(run.stages, state["stages"], strict=True):
        _restore_stage(stage, found)
    iterates = state["iterates"]
    mixture = {k: c.cpu().numpy() for k, c in iterates["mixture"].items()}
    run.iterates = Iterates(iterates["best"], iterates["merit"], mixture)


def _state_of_stage(stage: BoundStage) -> dict[str, Any]:
    looks_back = isinstance(stage.spec.sampler, Retrospective) and stage.weights is not None
    return {
        "controller": stage.controller and stage.controller.state(),
        "reduction": stage.reduction.tensors(),
        "learned": {k: part.parameters() for k, part in stage.learnables.items()},
        "outer": stage.outer and stage.outer.state(),
        "weights": torch.from_numpy(stage.weights) if looks_back else None,
    }


@torch.no_grad()
def _restore_stage(stage: BoundStage, state: dict[str, Any]) -> None:
    if stage.controller:
        stage.controller.restore(state["controller"])
    changed = [(stage.reduction.tensors(), state["reduction"])]
    changed += [(part.parameters(), state["learned"][k]) for k, part in stage.learnables.items()]
    for tensors, saved in changed:
        for name, tensor in tensors.items():
            tensor.copy_(saved[name])
    if stage.outer:
        stage.outer.restore(state["outer"])
    if state["weights"] is not None:
        stage.weights = state["weights"].cpu().numpy()


def _python_state() -> list[Any]:
    version, words, gauss = random.getstate()
    return [version, list(words), gauss]


def _numpy_state() -> list[Any]:
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return [name, np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)]
