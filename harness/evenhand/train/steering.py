"""What learns from held-out data while a network trains, and which of its states is evaluated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from evenhand.declared.labels import PredictionCounts
from evenhand.train.checkpoints import Snapshot
from evenhand.train.evaluation import evaluate, evaluate_on
from evenhand.train.training import Training


def steer(run: Training) -> None:
    """Before a step: what is due of the stage's controller, and of what learns its loss."""
    outer = run.stage.spec.outer
    if run.stage.outer and outer and run.steps % outer.every == 0:
        run.stage.outer.step(run)
    spec, controller = run.stage.spec.controller, run.stage.controller
    if spec is None or controller is None or run.steps % spec.every:
        return
    predicted = evaluate_on(run, run.splits["val"])
    if spec.iterate == "best" and run.steps:
        _offer(run, predicted)
    controller.see(predicted)


def evaluated(run: Training) -> Snapshot:
    """The evaluation after an epoch, of the iterate that the stage's controller asks for."""
    spec = run.stages and run.stage.spec.controller
    seen = evaluate(run)
    if not spec or spec.iterate == "last":
        return seen
    if spec.iterate == "averaged":
        mixture = run.iterates.mixture
        for split, counts in seen.counts.items():
            mixture[split] = mixture[split] + counts if split in mixture else counts
        return Snapshot(seen.epoch, dict(mixture), {})
    if _offer(run, seen.counts["val"]):
        return seen
    with as_evaluated(run):
        return evaluate(run)


@contextlib.contextmanager
def as_evaluated(run: Training) -> Iterator[None]:
    """With the weights of the iterate that is evaluated, in the tensors that are there."""
    spec, best = run.stages and run.stage.spec.controller, run.iterates.best
    if not spec or spec.iterate != "best" or not best:
        yield
        return
    now = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    run.model.load_state_dict(best)
    try:
        yield
    finally:
        run.model.load_state_dict(now)


def _offer(run: Training, predicted: PredictionCounts) -> bool:
    """Keep the network as it is if none was better so far; of equals the latest. Whether it was."""
    assert run.stage.controller is not None
    merit = run.stage.controller.merit(predicted)
    if run.iterates.merit is not None and merit < run.iterates.merit:
        return False
    run.iterates.merit = merit
    run.iterates.best = {name: t.clone() for name, t in run.model.state_dict().items()}
    return True
