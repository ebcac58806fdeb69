"""Initial state of a training, before its first step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from evenhand.data.augment.mixing import BoundMixing, Mixing
from evenhand.data.splits import ProblemData
from evenhand.declared.held_out import trained_on
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import Method
from evenhand.declared.recipe import SGD, Recipe
from evenhand.declared.record import Split
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import Refit, TrainOn
from evenhand.declared.trial import Kept, Trial
from evenhand.recipes.optimizers import Optimizer
from evenhand.train.checkpoints import Checkpoints
from evenhand.train.device_data import DeviceSplit, Normalise, RunData
from evenhand.train.draws import Draws
from evenhand.train.hardware import runs_in_bf16
from evenhand.train.stages import StageInputs, bind
from evenhand.train.training import Training

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Normalisation layers, whose scale and shift a recipe may exempt from weight decay."""


def begin(
    trial: Trial,
    data: ProblemData,
    device: torch.device,
    *,
    is_compiled: bool = False,
    keeps: frozenset[Kept] = frozenset(),
    targets: Float[np.ndarray, "n classes"] | None = None,
) -> Training:
    """Make the state of a trial before its first step; targets are a teacher's probabilities."""
    recipe = trial.recipe
    method = trained_on(REGISTRY.make("method", trial.method), recipe.train_on)
    _check_refit(method.refit, data)
    draws = Draws(trial, data, method.head)
    model = draws.network().to(device)
    randomness = draws.of_torch("augment", device)
    label_counts = data.counts if targets is None else _sums(targets, data)
    inputs = StageInputs(data, label_counts, randomness, draws.of_numpy)
    return Training(
        recipe=recipe,
        device=device,
        bf16=runs_in_bf16(recipe.precision, device),
        model=model,
        network=torch.compile(model, dynamic=False) if is_compiled else model,
        optimizer=_optimizer(recipe, model, device),
        stages=bind(method, inputs, recipe, device),
        epochs=method.total_epochs(recipe.epochs),
        draws=draws,
        schedule=REGISTRY.make("schedule", recipe.schedule),
        augment=tuple(REGISTRY.make("augmentation", part) for part in recipe.augment),
        data=_run_data(method, recipe, data, device),
        mixing=_mixing(recipe, data.pooled if recipe.train_on else data, device),
        checkpoints=Checkpoints(recipe.best_by, data.counts, trial.method.settings),
        order=draws.of_torch("order"),
        randomness=randomness,
        refit=method.refit,
        keeps=keeps,
        targets=None if targets is None else torch.tensor(targets, device=device),
    )


def _mixing(recipe: Recipe, data: ProblemData, device: torch.device) -> BoundMixing | None:
    if recipe.mixing is None:
        return None
    mixing: Mixing = REGISTRY.make("mixing", recipe.mixing)
    return mixing.bind(data.counts, device)


def _check_refit(refit: Refit | None, data: ProblemData) -> None:
    """Check that a refit has the examples that it needs, before training instead of after it."""
    if refit is None:
        return
    split = data.val if refit.split == "val" else data.train
    assert split is not None, "checked with the suite"
    refit.check_counts(split.counts(len(data.summary.classes), len(data.summary.groups)))


def _run_data(
    method: Method, recipe: Recipe, data: ProblemData, device: torch.device
) -> dict[TrainOn, RunData]:
    """The images of the method's runs; with both values, the training images are stored once."""
    n_groups, evaluated = len(data.summary.groups), _splits(data, device)

    def placed(train: DeviceSplit) -> RunData:
        return RunData(train, evaluated, Normalise.of(train, recipe.mean, recipe.std))

    if all(stage.train_on == "train" for stage in method.stages):
        return {"train": placed(DeviceSplit.of(data.train, n_groups=n_groups, device=device))}
    pooled = DeviceSplit.of(data.pooled.train, n_groups=n_groups, device=device)
    first = placed(pooled.first(len(data.train)))
    return {"train": first, "all": placed(pooled).without_validation()}


def _splits(data: ProblemData, device: torch.device) -> dict[Split, DeviceSplit]:
    """The splits to evaluate, validation first where there is one."""
    n_groups = len(data.summary.groups)
    found: dict[Split, DeviceSplit] = {}
    if data.val is not None:
        found["val"] = DeviceSplit.of(data.val, n_groups=n_groups, device=device)
    found["test"] = DeviceSplit.of(data.test, n_groups=n_groups, device=device)
    return found


def _sums(targets: Float[np.ndarray, "n classes"], data: ProblemData) -> TrainingCounts:
    """Sums [classes, groups] of the class probabilities of the training images."""
    groups = np.eye(len(data.summary.groups))[data.train.groups]
    return np.asarray(targets.T.astype(np.float64) @ groups)


def _optimizer(recipe: Recipe, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """Make the recipe's optimiser; one of Evenhand updates all weights in one kernel on a GPU."""
    part = recipe.optimizer or REGISTRY.part("optimizer", SGD)
    make: Optimizer = REGISTRY.make("optimizer", part)
    # A CUDA graph reads the learning rate from a tensor; a float would be fixed at its capture.
    is_graph = device.type == "cuda" and part.code is None
    lr = torch.tensor(recipe.lr, device=device) if is_graph else recipe.lr
    return make(_by_decay(recipe, model), recipe, lr)


def _by_decay(recipe: Recipe, model: nn.Module) -> list[dict[str, Any]]:
    """Parameter groups: one of all weights, or one more for normalisation layers without decay."""
    if recipe.decay_norms is None:
        return [{"params": list(model.parameters()), "weight_decay": recipe.weight_decay}]
    layers = [module for module in model.modules() if isinstance(module, NORMS)]
    norms = {parameter for layer in layers for parameter in layer.parameters(recurse=False)}
    return [
        {
            "params": [p for p in model.parameters() if p not in norms],
            "weight_decay": recipe.weight_decay,
        },
        {"params": [p for p in model.parameters() if p in norms], "weight_decay": 0.0},
    ]
