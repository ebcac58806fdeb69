"""What happens between two stretches of training: a fresh start, a look back, a head solved for."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from evenhand.declared.stage_parts import Refit, Solved
from evenhand.train.checkpoints import Iterates
from evenhand.train.device_data import Placed
from evenhand.train.evaluation import BATCH, look
from evenhand.train.training import Training


def enter(run: Training) -> None:
    """Before an epoch: where a stage begins with it, all that this stage begins with."""
    if not run.stages or run.position or run.stage.first_epoch != run.epoch - 1:
        return
    run.stage.look_back(lambda: _is_wrong(run))
    if run.stage.spec.restart:
        restart(run)


@torch.no_grad()
def restart(run: Training) -> None:
    """Weights and momentum as they were at the start, in the tensors that there are.

    A CUDA graph reads them there. Momentum of 0 is none: the first step makes it the gradient.
    """
    run.model.load_state_dict(dict(run.fresh()))
    for state in run.optimizer.state.values():
        if state.get("momentum_buffer") is not None:
            state["momentum_buffer"].zero_()
    run.iterates = Iterates()
    run.checkpoints.clear()


@torch.no_grad()
def refit(run: Training) -> None:
    """Solve for the head, and forget what was seen of the one before."""
    assert run.refit is not None
    solved = solved_for(run, run.refit)
    head = run.model.head
    assert isinstance(head, nn.Linear), "checked by the method"
    for parameter, value in ((head.weight, solved.weight), (head.bias, solved.bias)):
        parameter.copy_(torch.as_tensor(value, dtype=parameter.dtype))
    run.iterates = Iterates()
    run.checkpoints.clear()
    if run.refit.split == "val":
        # Images that a head was fitted on say nothing of it: what they would score is not recorded.
        run.splits = {name: split for name, split in run.splits.items() if name != "val"}


def solved_for(run: Training, spec: Refit) -> Solved:
    """What a refit finds on the features of the network as it is."""
    split = run.splits["val"] if spec.split == "val" else run.train
    labels, groups = split.labels.cpu().numpy(), split.groups.cpu().numpy()
    n_groups, n_classes = run.shape
    cells = np.bincount(labels * n_groups + groups, minlength=n_classes * n_groups)
    return spec.solve(
        features(run, split),
        labels,
        groups,
        counts=cells.reshape(n_classes, n_groups),
        randomness=run.draw(),
    )


@torch.no_grad()
def features(run: Training, split: Placed) -> Float[np.ndarray, "n features"]:
    """What the head sees of a split, in order, without augmentation; in float64."""
    was_training = run.model.training
    run.model.eval()
    size = BATCH[run.device.type]
    found: list[Tensor] = []
    for start in range(0, len(split), size):
        images = run.normalise(split.pixels[start : start + size])
        found.append(run.model.features(images).double().cpu())
    run.model.train(was_training)
    return torch.cat(found).numpy()


def _is_wrong(run: Training) -> Bool[np.ndarray, " n"]:
    """Of each training image, as it is."""
    predictions = look(run, run.train).predictions
    return np.asarray((predictions != run.train.labels).cpu().numpy())
