"""Saved state of a training, from which a trial that was killed resumes.

The state is restored bit for bit: weights, momentum, generators, the position in the epoch and
everything that enters the record. On a CPU a resumed trial gives the record of one that was never
interrupted, and so it does on a GPU in deterministic mode.
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
from evenhand.train.clock import running_seconds
from evenhand.train.process import GLOBAL_GENERATOR
from evenhand.train.tally import Tally
from evenhand.train.training import BoundStage, Training

FORMAT = 5
SHARE = 0.005
"""Share of the time that saving may take: after a save of t seconds, t / SHARE must pass."""

LEAST_SECONDS = 30.0
UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError, TypeError)
"""Exceptions that torch raises on a file that is incomplete or was not written by it."""


@dataclass
class Resumable:
    """A trial's saved state: how it is read and written, and when it is due."""

    identity: dict[str, str] = field(default_factory=dict)
    """Key, data and versions; a state of another identity is not resumed from."""
    state: bytes | None = None
    """State that an earlier attempt saved; None: there is none."""
    write: Callable[[bytes], None] | None = None
    """Stores a state, whole or not at all; None: nothing is saved."""
    least_seconds: float = LEAST_SECONDS
    """Least time between two saves; with 0 every step is followed by a save."""
    resumed: int | None = None
    """Epochs that were done when this attempt began; None: it did not resume."""
    seconds: float = 0.0
    """Time that earlier attempts took."""
    _began: float = field(default_factory=running_seconds)
    _due: float = math.inf

    def resume(self, begin: Callable[[], Training]) -> Training:
        """Make a training, and restore the saved state where there is one of this trial.

        A state that cannot be restored is ignored, because a trial can always begin anew.
        """
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
        """Save the state, unless the last save was too recent."""
        if time.monotonic() >= self._due:
            self.save(run)

    def save(self, run: Training) -> None:
        """Save the state between two steps.

        A `StoreError` is ignored and the next save tries again: only the record must be written.
        """
        if self.write is None:
            return
        began = time.monotonic()
        content = io.BytesIO()
        seconds = self.seconds + running_seconds() - self._began
        about = {"format": FORMAT, "identity": self.identity, "seconds": seconds}
        torch.save(about | state_of(run), content)
        with contextlib.suppress(StoreError):
            self.write(content.getvalue())
        took = time.monotonic() - began
        wait = max(self.least_seconds, took / SHARE) if self.least_seconds else 0.0
        self._due = time.monotonic() + wait


def _read(state: bytes, device: torch.device) -> dict[str, Any]:
    """The fields of a saved state; none where it cannot be read."""
    try:
        found = torch.load(io.BytesIO(state), map_location=device, weights_only=True)
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def state_of(run: Training) -> dict[str, Any]:
    """Everything that changes with a step, as plain containers and tensors.

    Plain, because the file is read with `weights_only=True`, which runs no code of the file.
    """
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
        "losses": run.losses[: run.position].clone(),
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
    """Restore what `state_of` returned, in a training that has just begun."""
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
    run.losses = state["losses"]
    run.checkpoints.restore(state["checkpoints"])
    for stage, found in zip(run.stages, state["stages"], strict=True):
        _restore_stage(stage, found)
    iterates = state["iterates"]
    mixture = {k: c.cpu().numpy() for k, c in iterates["mixture"].items()}
    run.iterates = Iterates(iterates["best"], iterates["merit"], mixture)


def _state_of_stage(stage: BoundStage) -> dict[str, Any]:
    looks_back = isinstance(stage.spec.sampler, Retrospective) and stage.kept is not None
    return {
        "controller": stage.controller and stage.controller.state(),
        "reduction": stage.reduction.tensors(),
        "learned": {k: part.parameters() for k, part in stage.learnables.items()},
        "outer": stage.outer and stage.outer.state(),
        "kept": torch.from_numpy(stage.kept) if looks_back else None,
        "tally": stage.tally.state(),
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
    if state["kept"] is not None:
        stage.kept = state["kept"].cpu().numpy()
    stage.tally = Tally(**state["tally"])


def _python_state() -> list[Any]:
    version, words, gauss = random.getstate()
    return [version, list(words), gauss]


def _numpy_state() -> list[Any]:
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return [name, np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)]
