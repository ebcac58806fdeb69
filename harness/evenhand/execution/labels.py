"""Names of trials in messages: by the rows of the suite, where a trial belongs to a row."""

from __future__ import annotations

from evenhand.suite.only import setting_beside
from evenhand.suite.resolve import Suite


def row_labels(suite: Suite) -> dict[str, str]:
    """Name of each trial of a suite by key: `vs(tau=1.25) on cifar10-exp-100, seed 3`.

    A trial of two rows has the names of both.
    """
    rows: dict[str, dict[str, str]] = {}
    for configuration in suite.configurations:
        name = ", ".join(filter(None, (configuration.row, setting_beside(configuration))))
        for trial in configuration.trials:
            place = f"{configuration.problem.name}, seed {trial.seed}"
            rows.setdefault(trial.key, {})[name] = place
    return {
        key: f"{' = '.join(names)} on {next(iter(names.values()))}" for key, names in rows.items()
    }
