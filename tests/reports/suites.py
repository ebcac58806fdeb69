"""Suites as the reports see them, made up by hand: titles, settings and scores are the test's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from tests.records import make_record, make_trial

Settings = dict[str, Any]
Rows = Mapping[str, Sequence[Settings]]
"""Titles of the rows, each with its settings; `{"VS": [{"tau": 1.0}]}`."""


def make_declaration(**changed: Any) -> SuiteDeclaration:
    fields: dict[str, Any] = {
        "suite": "cifar-lt",
        "question": "Does scaling logits by class frequency add anything to shifting them?",
        "sources": ["kini2021label"],
        "problems": ["cifar10"],
        "methods": ["erm"],
        "recipe": "resnet32-40ep",
        "seeds": 5,
        "metrics": ["balanced_accuracy", "min_recall"],
        "primary": "balanced_accuracy",
        "baseline": "erm",
    }
    return SuiteDeclaration.model_validate_json(json.dumps({**fields, **changed}))


def make_suite(
    rows: Rows | Sequence[str] = ("ERM", "LA", "VS"),
    *,
    problems: Sequence[Mapping[str, Any]] = ({},),
    **changed: Any,
) -> Suite:
    """Every row on every problem; `problems` go to `make_trial`, `changed` to the suite."""
    declaration = make_declaration(**changed)
    settings = rows if isinstance(rows, Mapping) else {title: [{}] for title in rows}
    configurations = [
        _configuration(declaration, title, given, problem, alone=len(settings[title]) == 1)
        for title in settings
        for given in settings[title]
        for problem in problems
    ]
    return Suite.of(declaration, tuple(configurations), "suites/cifar-lt.yaml")


def _configuration(
    suite: SuiteDeclaration, title: str, given: Settings, problem: Mapping[str, Any], *, alone: bool
) -> Configuration:
    method = title.lower()
    trials = tuple(
        make_trial(method=method, settings=given, seed=seed, vary=suite.vary, **problem)
        for seed in suite.seeds
    )
    setting = "" if alone else ", ".join(f"{k}={v:g}" for k, v in given.items())
    row, shown = (
        (method, title)
        if alone or suite.select
        else (f"{method}({setting})", f"{title} ({setting})")
    )
    first = trials[0]
    parts = (first.method, first.problem, first.recipe, trials)
    return Configuration(row, shown, setting, *parts, is_baseline=method == suite.baseline)


def scored(
    suite: Suite, accuracy: Callable[[Trial], float | Sequence[float]], **made: Any
) -> list[Record]:
    """One whole record a trial, with the recalls that `accuracy` says."""
    return [make_record(trial=t, accuracy=accuracy(t), **made) for t in suite.trials.values()]


def around(
    means: Mapping[str, float], *, sd: float = 0.01, spread: float = 0.02
) -> Callable[[Trial], list[float]]:
    """Recalls that fall from head to tail about a mean by method, with seeds in common."""

    def accuracy(trial: Trial) -> list[float]:
        shared = np.random.default_rng([trial.seed, len(trial.problem.name)]).normal(0, spread)
        own = np.random.default_rng([trial.seed, *trial.method.name.encode()]).normal(0, sd)
        slope = np.linspace(0.15, -0.15, 10)
        return list(np.clip(means[trial.method.name] + shared + own + slope, 0, 1))

    return accuracy


def only(board: Leaderboard, row: str) -> Result:
    """The result of a row on the only problem of the board."""
    [problem] = board.problems
    return board.results[row, problem]


def without(records: Sequence[Record], method: str, seed: int) -> list[Record]:
    return [r for r in records if (r.trial.method.name, r.trial.seed) != (method, seed)]
