"""Rows of a suite that are the same training on a problem, so that their difference is noise.

Two rows are identical on a problem where they share their trials, or where their methods can be
told apart by no training set: at γ = 0, VS equals LA, and truncation changes nothing. Losses of the
vector-scaling family are compared by α, β and Δ at class sizes that all differ. Under `select:` two
rows are identical where the same settings compete for both. Where rows are meant to be identical,
the suite gives the reason:

    identical:
      - {rows: [CE, "CE+ADRW (nu=0)"], because: "the line over ν begins at cross-entropy"}
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from evenhand.declared.base import Part, canonical
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.loss import ScalingLoss
from evenhand.declared.method import Method, Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Trial
from evenhand.errors import DataError, joined
from evenhand.suite.figures import matches
from evenhand.suite.requirements import declared_facts
from evenhand.suite.resolve import Configuration, Suite

Form = Any
"""A hashable value that is equal for parts of equal meaning."""

CLASSES, GROUPS = 12, 1
"""Numbers that stand for those of a problem whose labels are in its files."""


class IdenticalRows(NamedTuple):
    """Rows that are the same training on some problems."""

    rows: tuple[str, ...]
    """Names of the rows."""
    problems: tuple[str, ...]
    """Names of the problems."""
    cause: str
    """What makes the rows equal, as a clause."""
    reason: str = ""
    """The reason that the suite gives under `identical:`; "" if it gives none."""

    def __str__(self) -> str:
        problems = ", ".join(self.problems)
        return f"{joined(self.rows)} are the same training on {problems}: {self.cause}"


def identical_rows(suite: Suite) -> list[IdenticalRows]:
    """All sets of identical rows of a suite, with the problems on which they are identical."""
    found: dict[tuple[tuple[str, ...], str], list[str]] = {}
    by_problem: dict[str, list[Configuration]] = {}
    for configuration in suite.configurations:
        by_problem.setdefault(configuration.problem.name, []).append(configuration)
    for problem, configurations in by_problem.items():
        for rows in _identical(configurations):
            names = tuple(rows)
            found.setdefault((names, _cause(list(rows.values()))), []).append(problem)
    titles = {configuration.row: configuration.title for configuration in suite.configurations}
    return [
        IdenticalRows(rows, tuple(problems), cause, _reason(suite, rows, titles))
        for (rows, cause), problems in found.items()
    ]


def _reason(suite: Suite, rows: Sequence[str], titles: Mapping[str, str]) -> str:
    """The reason of the first entry of `identical:` that has all of the rows."""
    for entry in suite.declaration.identical:
        named = [
            any(matches(glob, name) for glob in entry.rows for name in (row, titles[row]))
            for row in rows
        ]
        if all(named):
            return entry.because
    return ""


def _identical(
    configurations: Sequence[Configuration],
) -> list[dict[str, list[Configuration]]]:
    """The sets of identical rows on one problem: the settings of each row, by its name."""
    rows: dict[str, list[Configuration]] = {}
    for configuration in configurations:
        rows.setdefault(configuration.row, []).append(configuration)
    counts = _example_counts(configurations[0].problem)
    alike: dict[frozenset[Form], dict[str, list[Configuration]]] = {}
    for name, settings in rows.items():
        form = frozenset(_training(each.trials[0], counts) for each in settings)
        alike.setdefault(form, {})[name] = settings
    return [each for each in alike.values() if len(each) > 1]


def _cause(rows: Sequence[Sequence[Configuration]]) -> str:
    """`vs_drw(…) and vs_tla_drw(…) differ in no loss` and the like."""
    keys = {frozenset(trial.key for each in row for trial in each.trials) for row in rows}
    if len(keys) == 1:
        return "they share their trials"
    if len(rows[0]) > 1:
        return "the same settings compete for each of them"
    methods = list(dict.fromkeys(str(row[0].method) for row in rows))
    if len(methods) == 1:
        return f"their recipes train {methods[0]} alike"
    return f"{joined(methods)} have equal losses and stages at any class sizes"


def _example_counts(problem: Problem) -> TrainingCounts:
    """Counts [classes, groups] that all differ, in the numbers of a problem's classes and groups.

    Its own counts would not do: in balanced data many methods coincide.
    """
    labels = declared_facts(problem).labels
    n_classes, n_groups = (labels.n_classes, labels.n_groups) if labels else (CLASSES, GROUPS)
    counts = np.geomspace(5000, 5, n_classes * n_groups).reshape(n_classes, n_groups)
    counts.flags.writeable = False
    return counts


def _training(trial: Trial, counts: TrainingCounts) -> Form:
    """What a trial trains, without its seed and its problem."""
    recipe, teacher = trial.recipe, trial.teacher
    taught = teacher and (
        _method(teacher.method, teacher.recipe or recipe, counts),
        _recipe(teacher.recipe or recipe),
        teacher.temperature,
    )
    posthoc = trial.posthoc and REGISTRY.make("posthoc", trial.posthoc)
    return _method(trial.method, recipe, counts), _recipe(recipe), taught, _form(posthoc)


def _recipe(recipe: Recipe) -> Form:
    """A recipe without its name; SAM at ρ = 0 is none."""
    spec = recipe.model_dump(mode="json")
    del spec["name"]
    if recipe.sam and not any(recipe.sam.rho):
        spec["sam"] = None
    return canonical(spec)


def _method(part: Part, recipe: Recipe, counts: TrainingCounts) -> Form:
    """A method whose stages are merged where one goes on as the stage before it."""
    method: Method = REGISTRY.make("method", part)
    # SAM may have another ρ in each stage, even where the stages are equal otherwise.
    is_merged = recipe.sam is None or len(set(recipe.sam.rho)) == 1
    stages: list[tuple[Form, float | None]] = []
    for place, stage in enumerate(method.stages):
        form = _stage(stage, counts)
        goes_on = place > 0 and not stage.begins_run(method.stages[place - 1])
        if is_merged and goes_on and stages[-1][0] == form:
            stages.pop()
        stages.append((form, 1.0 if stage.until is None else stage.until))
    return tuple(stages), method.head, _form(method.refit)


def _stage(stage: Stage, counts: TrainingCounts) -> Form:
    """A stage without its end."""
    rest = {f.name: getattr(stage, f.name) for f in fields(stage)}
    del rest["until"]
    try:
        vectors = stage.loss.written_out(counts) if isinstance(stage.loss, ScalingLoss) else None
    except DataError:
        vectors = None  # For these numbers of classes the loss is not defined.
    if vectors is not None:
        rest |= _scaling(vectors, stage.reduce)
    return tuple((name, _form(value)) for name, value in rest.items())


def _scaling(vectors: Sequence[np.ndarray], reduce: Any) -> Mapping[str, Any]:
    """Loss and reduction of a stage, without what cancels.

    A constant in Δ cancels in the softmax, and a factor of α in a weighted mean.
    """
    alpha, beta, delta = vectors
    if reduce == "weighted_mean":
        alpha = alpha / alpha.max()
        reduce = "mean" if (alpha == 1).all() else reduce
    return {"loss": (alpha, beta, delta - delta.max(-1, keepdims=True)), "reduce": reduce}


def _form(value: Any) -> Form:
    """A value that can be hashed and is equal for equal parts."""
    if isinstance(value, np.ndarray):
        # In float32, because equal vectors of two formulas differ by rounding; −0 becomes 0.
        return value.shape, (value.astype(np.float32) + np.float32(0)).tobytes()
    if isinstance(value, Mapping):
        return tuple(sorted((str(k), _form(v)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_form, value))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(_form(getattr(value, f.name)) for f in fields(value))
    # A part of the user's own may hold anything; such a value is equal to itself alone.
    return value if isinstance(value, Hashable) else id(value)
