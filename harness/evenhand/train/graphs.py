"""How a step reaches the device: call by call, or as one CUDA graph replayed.

A ResNet-32 takes some 600 kernels a step; launched one by one from Python they take longer than
they run. A graph holds them all, from the gathering of the batch to the optimiser.
"""

from __future__ import annotations

import getpass
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.static import holds_still
from evenhand.declared.trial import Trial
from evenhand.train.training import BoundStage, Training

Stepper = Callable[[Training, Int[Tensor, " batch"]], Float[Tensor, ""]]
"""One step of the optimiser on some training examples; the loss before it."""

WARM_UPS = 3
"""Steps before a capture, in which libraries choose kernels and the optimiser makes its buffers."""

CAPTURE = threading.Lock()
"""Among trials that share a process nothing is replayed while one captures: both count on the
state of the generators."""


def stepper_of(trial: Trial, device: torch.device, *, is_compiled: bool = False) -> Stepper:
    """Graphs on a GPU, but for parts that are not known to hold still."""
    stepper = Graphed() if device.type == "cuda" and holds_still(trial) else call_by_call
    return FirstAlone(stepper, trial.workload) if is_compiled else stepper


def call_by_call(run: Training, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    """The plain way."""
    return run.step(run.stage, index)


@dataclass
class FirstAlone:
    """The first step compiles: of all processes on a machine one does, the others find it done."""

    stepper: Stepper
    workload: str
    is_first: bool = True

    def __call__(self, run: Training, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        if not self.is_first:
            return self.stepper(run, index)
        self.is_first = False
        name = f"evenhand-{getpass.getuser()}-compiles-{self.workload}.lock"
        with FileLock(Path(tempfile.gettempdir()) / name):
            return self.stepper(run, index)


@dataclass(frozen=True)
class _Graph:
    graph: torch.cuda.CUDAGraph
    index: Int[Tensor, " batch"]
    loss: Float[Tensor, ""]


@dataclass
class Graphed:
    """A graph for each stage and each size of batch, captured when it is first needed."""

    graphs: dict[tuple[int, int], _Graph] = field(default_factory=dict)
    pool: Any = None

    def __call__(self, run: Training, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        place = (run.stage.first_epoch, len(index))
        if place not in self.graphs:
            with CAPTURE:
                # One pool of memory for all: they never run at the same time.
                self.pool = self.pool or torch.cuda.graph_pool_handle()
                self.graphs[place] = _capture(run, run.stage, index, self.pool)
        captured = self.graphs[place]
        captured.index.copy_(index)
        with CAPTURE:
            captured.graph.replay()
        return captured.loss.clone()


def _capture(run: Training, stage: BoundStage, like: Int[Tensor, " batch"], pool: Any) -> _Graph:
    """On the trial's own stream. Nothing is trained by it: what the warm-up changed is put back."""
    index = like.clone()
    put_back = state_kept(run)
    for _ in range(WARM_UPS):
        run.step(stage, index)
    put_back()
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(run.randomness)
    stream = torch.cuda.current_stream(run.device)
    with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
        loss = run.step(stage, index)
    return _Graph(graph, index, loss)


def state_kept(run: Training) -> Callable[[], None]:
    """What puts back all that a step changes, each in its place.

    Weights, running statistics, what reductions keep, momentum and the generator.
    """
    kept = [t for stage in run.stages for t in stage.reduction.tensors().values()]
    tensors = [*run.model.parameters(), *run.model.buffers(), *kept]
    before = [tensor.detach().clone() for tensor in tensors]
    momenta = {p: s["momentum_buffer"].clone() for p, s in _momenta(run)}
    generator = run.randomness.get_state()

    @torch.no_grad()
    def put_back() -> None:
        for tensor, value in zip(tensors, before, strict=True):
            tensor.copy_(value)
        for parameter, state in _momenta(run):
            # Where there was none, 0 is the same: the first step makes it the gradient.
            old = momenta.get(parameter)
            state["momentum_buffer"].zero_() if old is None else state["momentum_buffer"].copy_(old)
        run.randomness.set_state(generator)

    return put_back


def _momenta(run: Training) -> list[tuple[Tensor, dict[str, Tensor]]]:
    state = run.optimizer.state
    return [(p, s) for p, s in state.items() if s.get("momentum_buffer") is not None]
