"""Freeing of the places of packs whose processes have died, by a callback of Tune."""

from __future__ import annotations

from typing import Any

from evenhand.execution.ray_placement import free


def frees_places() -> Any:
    """A callback of Tune that frees the place of a pack which Tune does not run again.

    No trial of the pack sends an event then, so that it would count as running until its round
    ends, while the others wait for nodes that were lost.
    """
    from ray import tune

    class FreesPlaces(tune.Callback):
        def on_trial_error(
            self, iteration: int, trials: list[Any], trial: Any, **info: Any
        ) -> None:
            free(trial.config["index"])

        def __reduce__(self) -> tuple[Any, ...]:
            # Tune saves its settings, and a class inside a function cannot be imported.
            return frees_places, ()

    return FreesPlaces()
