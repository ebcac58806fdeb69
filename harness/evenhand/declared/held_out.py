"""Images that the runs of a method train on, and whether held-out images stay held out."""

from __future__ import annotations

from dataclasses import replace

from evenhand.declared.method import Method
from evenhand.declared.stage_parts import TrainOn


def trained_on(method: Method, images: TrainOn | None) -> Method:
    """The method with these images in each run that does not learn on held-out images.

    None changes nothing. A method that fits its head on held-out images stays as it is.

    >>> from evenhand.declared.method import Stage
    >>> from evenhand.losses.vector_scaling import VectorScaling
    >>> trained_on(Method(Stage(VectorScaling())), "all").stages[0].train_on
    'all'
    """
    if images is None or method.refits_on_held_out:
        return method
    stages = [
        stage if any(s.learns_on_held_out for s in run) else replace(stage, train_on=images)
        for run in method.stages_by_run()
        for stage in run
    ]
    return Method(*stages, head=method.head, refit=method.refit)


def trains_on_held_out(method: Method) -> bool:
    """Whether the last run, whose network is evaluated, trains on the held-out images."""
    return bool(method.stages) and method.stages[-1].train_on == "all"


def leaves_held_out(method: Method) -> bool:
    """Whether held-out images, on which the final network was not trained, can choose for it."""
    return not (trains_on_held_out(method) or method.refits_on_held_out)
