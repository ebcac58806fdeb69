"""Execution of a step: eagerly, or as the replay of a CUDA graph.

A ResNet-32 needs about 600 kernels a step, and launching them one by one from Python takes longer
than running them. A graph holds them all, from the gathering of the batch to the optimiser.
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

from evenhand.declared.static_step import is_static
from evenhand.declared.trial import Trial
from evenhand.train.optimizer_state import state_tensors
from evenhand.train.training import BoundStage, Training

Stepper = Callable[[Training, Int[Tensor, " batch"]], Float[Tensor, ""]]
"""Makes one step of the optimiser on some training examples; the loss before the step."""

WARM_UPS = 3
"""Steps before a capture, in which libraries choose kernels and the optimiser makes its buffers."""

CAPTURE_LOCK = threading.Lock()
"""Lock of captures and replays in one process: both rely on the state of the generators."""


def stepper_of(trial: Trial, device: torch.device, *, is_compiled: bool = False) -> Stepper:
    """CUDA graphs on a GPU, where all parts of the trial are static; else eager steps."""
    stepper = CudaGraphs() if device.type == "cuda" and is_static(trial) else eager_step
    return CompileOnce(stepper, trial.workload) if is_compiled else stepper


def eager_step(run: Training, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Make a step without a CUDA graph."""
    return run.step(run.stage, index)


@dataclass
class CompileOnce:
    """A stepper whose first step, which compiles, runs in one process of the machine at a time.

    The others then find the compiled code in the cache of the machine.
    """

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
class CudaGraphs:
    """A CUDA graph for each stage and batch size, captured when it is first needed."""

    graphs: dict[tuple[int, int], _Graph] = field(default_factory=dict)
    pool: Any = None

    def __call__(self, run: Training, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        place = (run.stage.first_epoch, len(index))
        if place not in self.graphs:
            with CAPTURE_LOCK:
                # All graphs of a trial share one pool of memory: they never run at the same time.
                self.pool = self.pool or torch.cuda.graph_pool_handle()
                self.graphs[place] = _capture(run, run.stage, index, self.pool)
        captured = self.graphs[place]
        # A graph reads and writes fixed addresses: the next replay overwrites the loss.
        captured.index.copy_(index)
        with CAPTURE_LOCK:
            captured.graph.replay()
        return captured.loss.clone()


def _capture(run: Training, stage: BoundStage, like: Int[Tensor, " batch"], pool: Any) -> _Graph:
    """Capture a step on the trial's own stream; the changes of the warm-up steps are undone."""
    index = like.clone()
    put_back = saved_state(run)
    for _ in range(WARM_UPS):
        run.step(stage, index)
    put_back()
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(run.randomness)
    stream = torch.cuda.current_stream(run.device)
    with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
        loss = run.step(stage, index)
    return _Graph(graph, index, loss)


def saved_state(run: Training) -> Callable[[], None]:
    """Save everything that a step changes, and return a function that restores it.

    That is weights, running statistics, the state of reductions and of the optimiser, and the
    generator. They are restored into the same tensors, whose addresses a graph records.
    """
    kept = [t for stage in run.stages for t in stage.reduction.tensors().values()]
    tensors = [*run.model.parameters(), *run.model.buffers(), *kept]
    before = [tensor.detach().clone() for tensor in tensors]
    moments = {place: tensor.clone() for place, tensor in state_tensors(run.optimizer).items()}
    generator = run.randomness.get_state()

    @torch.no_grad()
    def put_back() -> None:
        for tensor, value in zip(tensors, before, strict=True):
            tensor.copy_(value)
        for place, tensor in state_tensors(run.optimizer).items():
            # A static optimiser is one of those that begin at zero.
            tensor.copy_(moments[place]) if place in moments else tensor.zero_()
        run.randomness.set_state(generator)

    return put_back
