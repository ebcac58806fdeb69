"""Re-use of processes by Ray Tune, with which no process is ended that the run still needs.

A trial that ends leaves its process to a trial that waits. Of the trials that wait, Tune takes the
first one, also where a process of its own is starting, and ends that process. With 16 trials that
wait or start at a time, so many starts are ended that a part of a large cluster stays idle: trials
of t seconds on processes that start in s seconds run on 16 t / s of them at most.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from evenhand.execution.ray_cluster import ENVIRONMENT

WAITING = int(ENVIRONMENT["TUNE_MAX_PENDING_TRIALS_PG"])
"""Number of trials that wait for a place at a time, so that nodes that join get the next ones."""
READ = ("_pending_trials", "_trial_to_actor", "_actor_manager", "update_max_pending_trials")
"""Attributes of Tune's controller that are not documented."""


def is_starting(controller: Any, trial: Any) -> bool:
    """Whether a process of its own starts for a trial that waits."""
    own = controller._trial_to_actor.get(trial)
    # For Tune a process is started from the moment at which its resources are granted.
    return own is not None and bool(controller._actor_manager.is_actor_started(own))


def first_waiting(controller: Any) -> Any:
    """The first trial of the run that waits without a process; None where there is none.

    Tune would look through all trials of the run, at each event.
    """
    waiting = [t for t in controller._pending_trials if not is_starting(controller, t)]
    return min(waiting, key=lambda trial: trial.config["index"], default=None)


def in_order() -> Any:
    """A scheduler of Tune that runs trials in their order.

    It is Tune's own where Tune has not the attributes that ours reads.
    """
    from ray.tune.schedulers import FIFOScheduler

    class InOrder(FIFOScheduler):
        def choose_trial_to_run(self, tune_controller: Any) -> Any:
            controller: Any = getattr(tune_controller, "_tune_controller", None)
            if not all(hasattr(controller, name) for name in READ):
                return super().choose_trial_to_run(tune_controller)
            starting = sum(is_starting(controller, trial) for trial in controller._pending_trials)
            controller.update_max_pending_trials(WAITING + starting)
            return first_waiting(controller)

        def __reduce__(self) -> tuple[Any, ...]:
            # Tune saves its settings, and a class inside a function cannot be imported.
            return in_order, ()

    scheduler: type[Any] = InOrder
    return scheduler()


@contextlib.contextmanager
def processes_kept() -> Iterator[None]:
    """Let Tune keep the processes of a run within a `with` block, for which it has no setting.

    Nothing is changed in a Tune without the method that is replaced.
    """
    from ray.tune.execution import tune_controller

    tune: Any = tune_controller
    reuse = getattr(tune.TuneController, "_maybe_reuse_cached_actor", None)
    if reuse is None:
        yield
        return

    def reused(controller: Any, trial: Any) -> bool:
        is_reset = trial in controller._resetting_trials
        return bool((is_reset or not is_starting(controller, trial)) and reuse(controller, trial))

    tune.TuneController._maybe_reuse_cached_actor = reused
    try:
        yield
    finally:
        tune.TuneController._maybe_reuse_cached_actor = reuse
