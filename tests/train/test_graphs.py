"""CUDA graphs: what can be captured at all is tested here, the capture itself on a GPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock, Timeout
from torch.utils._python_dispatch import TorchDispatchMode

from evenhand.declared.base import Part
from evenhand.declared.registry import REGISTRY
from evenhand.declared.static_step import is_static
from evenhand.execution.execute import run_trial
from evenhand.execution.packs import run_pack
from evenhand.store import Store
from evenhand.train.graphs import CompileOnce, CudaGraphs, eager_step, saved_state, stepper_of
from evenhand.train.initial_state import begin
from tests.execution.test_execute import execution
from tests.train.trials import CPU, RESNET, SOURCE, data_of, make, result, run

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "repeat_interleave")
"""Operations whose result, or its size, Python must wait for: none can be captured."""

EVERYTHING = RESNET | {
    "augment": tuple(Part(name=n, settings=s) for n, s in [
        ("crop", {"padding": 1}), ("flip", {}), ("autoaugment", {}),
        ("cutout", {"size": 2, "holes": 1}),
    ])
}  # fmt: skip


class Waiting(TorchDispatchMode):
    """Notes what would wait for a device."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        # An index of truths becomes one of places below this level, and waits for how many.
        # One number put in every such place is `masked_fill_`, which does not.
        by_truth = (
            name in ("index", "index_put_")
            and any(t is not None and t.dtype == torch.bool for t in args[1])
            and (name == "index" or args[2].numel() > 1)
        )
        if name in WAITS or by_truth:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def in_colour(images):
    return replace(images, pixels=np.repeat(images.pixels, 3, axis=3))


COLOUR = replace(SOURCE, train=in_colour(SOURCE.train), test=in_colour(SOURCE.test))


def begun(trial, **source):
    return begin(trial, data_of(trial, **source), CPU)


@pytest.mark.parametrize("name", ["erm", "wce", "vs_tla_adrw", "ldam_drw", "focal", "resample"])
@pytest.mark.parametrize("sam", [None, [0.1]])
@pytest.mark.parametrize("mixing", [None, "mixup", "remix"])
def test_no_step_of_our_own_parts_waits_for_the_device(name, sam, mixing):
    mixing = mixing and REGISTRY.part("mixing", mixing)
    trial = make(name, sam=sam, mixing=mixing, **EVERYTHING)
    assert is_static(trial)
    training = begun(trial, source=COLOUR)
    training.model.train()
    for stage in training.stages:
        with Waiting() as waiting:
            training.step(stage, torch.arange(16))
        # SGD on a CPU reads its rate as a number; on a GPU the rate is a tensor there.
        assert waiting.found == []


def test_the_watch_sees_a_step_that_waits():
    with Waiting() as waiting:
        torch.tensor([1.0, 0.0]).nonzero()
        torch.tensor(1.0).item()
        (x := torch.arange(3.0))[x > 1]
        x[x > 0] = torch.tensor([3.0, 4.0])
        x[x > 1] = 0.0
    assert waiting.found == ["nonzero", "_local_scalar_dense", "index", "index_put_"]


REMIX = REGISTRY.part("mixing", "remix")
ADAMW = REGISTRY.part("optimizer", "adamw")


@pytest.mark.parametrize(
    "fields", [{"momentum": 0.0}, {"momentum": 0.9}, {"optimizer": ADAMW, "lr": 1e-3}], ids=str
)
def test_what_a_warm_up_changes_is_put_back(fields):
    """Training after warm-up, restored, goes on as without: at the start and in the middle."""
    trial = make("vs", **fields, **RESNET)
    plain, warmed = begun(trial), begun(trial)
    for step in range(4):
        index = torch.arange(16) + step
        if step in (0, 2):
            put_back = saved_state(warmed)
            for _ in range(3):
                warmed.step(warmed.stage, index)
            put_back()
        losses = [t.step(t.stage, index) for t in (plain, warmed)]
        assert torch.equal(*losses)
    for one, other in zip(
        plain.model.state_dict().values(), warmed.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_parts_that_are_not_known_to_hold_still_are_called_one_by_one():
    ours = make("vs", **RESNET)
    foreign = Part(name="timm", settings={"model": "resnet18", "pretrained": False})
    of_timm = make("vs", backbone=foreign)
    of_plugin = ours.model_copy(update={"method": ours.method.model_copy(update={"code": "0f"})})
    assert [is_static(t) for t in (ours, of_timm, of_plugin)] == [True, False, False]
    mine = ADAMW.model_copy(update={"code": "0f"})
    assert is_static(make("vs", optimizer=ADAMW, **RESNET))
    assert not is_static(make("vs", optimizer=mine, **RESNET))
    gpu = torch.device("cuda")
    assert isinstance(stepper_of(ours, gpu), CudaGraphs)
    assert stepper_of(of_timm, gpu) is eager_step
    assert stepper_of(ours, CPU) is eager_step


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    "fields",
    [{}, {"sam": [0.1]}, {"optimizer": ADAMW, "lr": 1e-3}, {"mixing": REMIX}],
    ids=["sgd", "sam", "adamw", "remix"],
)
def test_a_graph_trains_as_calls_do(monkeypatch, fields):
    trial = make("vs_tla_adrw", epochs=5, deterministic=True, **fields, **RESNET)
    gpu = torch.device("cuda")
    graphed = run(trial, device=gpu)
    monkeypatch.setattr("evenhand.train.engine.stepper_of", lambda *_, **__: eager_step)
    called = run(trial, device=gpu)
    assert graphed.curves["train_loss"] == pytest.approx(called.curves["train_loss"], rel=1e-3)
    assert result(graphed)[0] == result(run(trial, device=gpu))[0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_sixteen_trials_with_graphs_share_a_gpu_as_if_each_were_alone(tmp_path):
    """More captures than torch has streams: none may fall on the stream of another trial."""
    fields = RESNET | {"deterministic": True, "epochs": 5}
    trials = tuple(make("vs_tla_adrw", seed=s, **fields) for s in range(16))
    alone, together = Store.open(tmp_path / "alone"), Store.open(tmp_path / "together")
    for trial in trials:
        run_trial(trial, execution(trial), alone, lambda _: None)
    run_pack(trials, execution(trials[0]), together, lambda _: None)
    for trial in trials:
        assert together.read(trial.key).evaluations == alone.read(trial.key).evaluations


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_no_trial_of_a_pack_breaks_off_what_another_captures(tmp_path):
    """Two stages each, in the fast mode, and an evaluation between any two captures."""
    trials = tuple(make("ldam_drw", seed=s, epochs=5, **RESNET) for s in range(8))
    store = Store.open(tmp_path)
    run_pack(trials, execution(trials[0]), store, lambda _: None)
    assert {record.exit.cause for record in store.records()} == {""}


def test_of_processes_that_compile_one_does_and_the_others_wait(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    trial, held = make(), []
    stepper = stepper_of(trial, CPU, is_compiled=True)
    assert isinstance(stepper, CompileOnce)

    def step(*_):
        [lock] = tmp_path.glob("*.lock")
        other = FileLock(lock, timeout=0)
        try:
            other.acquire()
        except Timeout:
            held.append(True)
        else:
            other.release()
            held.append(False)

    alone = CompileOnce(step, trial.workload)
    alone(None, None)
    alone(None, None)
    assert held == [True, False]
