"""Transitions between stages and runs: the start of a stage, a restart, a refit of the head."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from evenhand.backbones.networks.head import SCALE
from evenhand.declared.stage_parts import LinearHead, Refit, Retrospective
from evenhand.pulse import pulse
from evenhand.train.checkpoints import Iterates
from evenhand.train.device_data import DeviceSplit
from evenhand.train.evaluation import BATCH, predict
from evenhand.train.optimizer_state import clear
from evenhand.train.training import Training


def begin_stage(run: Training) -> None:
    """Set the weights of the coming epoch, and prepare the stage that begins with it, if any."""
    if run.stages and run.stage.weights_at:
        run.stage.weights = run.stage.weights_at(run.epoch - 1)
    if not run.stages or run.position or run.stage.first_epoch != run.epoch - 1:
        return
    reweigh(run)
    if run.epoch > 1 and run.stage.first_epoch == run.stage.run.begins:
        begin_run(run)
    run.stage.tally.begin(run.stage.learned())


def reweigh(run: Training) -> None:
    """Set the epochs of a retrospective sampler from the errors of the current network."""
    stage = run.stage
    if isinstance(stage.spec.sampler, Retrospective):
        # On the training images without augmentation.
        wrong = (predict(run, run.train).labels != run.train.labels).cpu().numpy()
        times = stage.spec.sampler.times(wrong)
        stage.kept = np.repeat(np.arange(len(times)), times)
        stage.tally.errors, stage.tally.examples = int(wrong.sum()), len(wrong)


@torch.no_grad()
def begin_run(run: Training) -> None:
    """Set the weights as the stage declares, and clear the optimiser, iterates and checkpoints.

    All is written into the existing tensors, whose addresses a CUDA graph has recorded.
    """
    if run.stage.spec.restart:
        run.model.load_state_dict(run.draws.network().state_dict())
    if run.stage.spec.head == "new":
        run.model.head.load_state_dict(dict(run.draws.new_head()))
    clear(run.optimizer)
    run.iterates = Iterates()
    run.checkpoints.clear()


def prepare_epoch(run: Training) -> None:
    """Freeze the parameters that the stage does not train, and set the mode of the network.

    This is done at the beginning of every epoch, and of the rest of an epoch that is resumed.
    """
    spec = run.stage.spec
    for name, parameter in run.model.named_parameters():
        is_scale = name == SCALE
        is_trained = {
            "all": not is_scale,
            "head": name.startswith("head."),
            "scale": is_scale,
        }[spec.trains]
        parameter.requires_grad_(is_trained and name in run.trainable)
    run.model.train(spec.trains == "all" or spec.statistics == "updated")


@torch.no_grad()
def refit(run: Training) -> None:
    """Solve for a new head, and clear the checkpoints of the old one."""
    assert run.refit is not None
    solved = solve_head(run, run.refit)
    head = run.model.head
    assert isinstance(head, nn.Linear), "checked by the method"
    for parameter, value in ((head.weight, solved.weight), (head.bias, solved.bias)):
        parameter.copy_(torch.as_tensor(value, dtype=parameter.dtype))
    run.iterates = Iterates()
    run.checkpoints.clear()
    if run.refit.split == "val":
        # A score on the images that the head was fitted on would not be a held-out score.
        run.data = {name: data.without_validation() for name, data in run.data.items()}


def solve_head(run: Training, spec: Refit) -> LinearHead:
    """Weights and bias that a refit finds on the features of the current network."""
    split = run.splits["val"] if spec.split == "val" else run.train
    labels, groups = split.labels.cpu().numpy(), split.groups.cpu().numpy()
    n_groups, n_classes = run.shape
    cells = np.bincount(labels * n_groups + groups, minlength=n_classes * n_groups)
    found = features(run, split)
    return spec.solve(
        found,
        labels,
        groups,
        training=found if split is run.train else features(run, run.train),
        counts=cells.reshape(n_classes, n_groups),
        randomness=run.draws.of_numpy(),
    )


@torch.no_grad()
def features(run: Training, split: DeviceSplit) -> Float[np.ndarray, "n features"]:
    """Inputs of the head for a split, in order, in float64, without augmentation."""
    was_training = run.model.training
    run.model.eval()
    size = BATCH[run.device.type]
    head = run.model.head
    assert isinstance(head, nn.Linear), "checked by the method"
    found = np.empty((len(split), head.in_features), np.float64)
    for start in range(0, len(split), size):
        part = slice(start, start + size)
        found[part] = run.model.features(run.normalise(split.pixels[part])).double().cpu().numpy()
        pulse()
    run.model.train(was_training)
    return found
