"""Updates on held-out data during training, and the iterate that is evaluated.

A controller may evaluate another iterate than the last one: the best so far on held-out data, or
the mixture of all evaluated networks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from evenhand.declared.labels import PredictionCounts
from evenhand.train.checkpoints import Snapshot
from evenhand.train.evaluation import evaluate, evaluate_on
from evenhand.train.training import Training


def update_on_held_out(run: Training) -> None:
    """Make the updates of the bilevel search and of the controller that are due before a step."""
    if run.stage.outer:
        run.stage.outer.step(run)
    spec, controller = run.stage.spec.controller, run.stage.controller
    if spec is None or controller is None or run.steps % spec.every:
        return
    predicted = evaluate_on(run, run.splits["val"])
    if spec.iterate == "best" and run.steps:
        _keep_if_best(run, predicted)
    controller.update(predicted)
    run.stage.tally.count_update()


def evaluate_iterate(run: Training) -> Snapshot:
    """Evaluate, after an epoch, the iterate that the stage's controller names."""
    spec = run.stages and run.stage.spec.controller
    latest = evaluate(run)
    if not spec or spec.iterate == "last":
        return latest
    if spec.iterate == "averaged":
        mixture = run.iterates.mixture
        for split, counts in latest.counts.items():
            mixture[split] = mixture[split] + counts if split in mixture else counts
        return Snapshot(latest.epoch, dict(mixture), {})
    if _keep_if_best(run, latest.counts["val"]):
        return latest
    with iterate_weights(run):
        return evaluate(run)


@contextlib.contextmanager
def iterate_weights(run: Training) -> Iterator[None]:
    """Give the model the weights of the evaluated iterate for the duration of a `with` block."""
    spec, best = run.stages and run.stage.spec.controller, run.iterates.best
    if not spec or spec.iterate != "best" or not best:
        yield
        return
    # Copied into the tensors that are there: a CUDA graph reads the weights at their addresses.
    now = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    run.model.load_state_dict(best)
    try:
        yield
    finally:
        run.model.load_state_dict(now)


def _keep_if_best(run: Training, predicted: PredictionCounts) -> bool:
    """Keep the current weights unless an earlier iterate has a greater merit.

    Of iterates with equal merit the latest is kept. Returns whether the weights were kept.
    """
    assert run.stage.controller is not None
    merit = run.stage.controller.merit(predicted)
    if run.iterates.merit is not None and merit < run.iterates.merit:
        return False
    run.iterates.merit = merit
    run.iterates.best = {name: t.clone() for name, t in run.model.state_dict().items()}
    return True
