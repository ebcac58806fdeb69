"""Figures of a suite's report: scores over settings, Pareto fronts, and curves over epochs.

    figures:
      - {x: nu, y: balanced_accuracy}                    one line for each method, over settings
      - {x: problem.features, y: balanced_error}         one line for each method, over problems
      - {x: nu, y: tau, colour: balanced_accuracy}       one heat map for each method
      - {front: [error, deo], over: weight}              one curve for each method, over settings,
                                                         in the plane of two metrics
      - {curves: train_balanced_accuracy}                one line for each row, over epochs
      - {curves: [val_balanced_error, test_balanced_error], by: problem.val.per_class}

A setting is a setting of the methods, a field of the recipe, or `problem.` with something in which
problems differ: a setting of the data set or the profile, `n_max`, `val.fraction`, `val.further` or
`val.per_class`. Rows without the setting are left out. A figure over problems is drawn once for the
problems that differ in this alone, and `by: problem.…` draws lines of several problems in one
figure. If a data set provides the theory of a method, its curve is drawn through the points.

A score is a metric of the suite on test data, at the checkpoint rule of the page. The report gives
the hypervolume of a front up to `reference: [X, Y]`, two scores as fractions; the default is the
worst scores. Rows without the setting of a front are single points.

Curves are series that records hold for each epoch: `train_loss`, `lr`, and the metric `best_by` as
`val_…` and `test_…`. With `evaluate_train: true` in the recipe there are also `train_…`, the recall
of one class, `train_recall_0`, that of half of the classes, `train_recall_majority` and
`train_recall_minority`, and the ratio of the latter to the former, `train_recall_ratio`; with
`angle_to` there is `angle`. Several series with the same unit can be drawn in one figure. With
`bound_terms: true` there are `train_bound`, `train_min_score_…` and `train_lipschitz_…`, of classes
and halves like the recall. Over a setting, `y:` can be a series of the training images; its value
is that of the epoch of the checkpoint rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from evenhand.declared.base import Spec
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Val
from evenhand.errors import KeyPath

Kind = Literal["lines", "heat", "front", "curves"]
HOW_FIGURE = (
    "write `{x: SETTING, y: METRIC}`, `{x: SETTING, y: SETTING, colour: METRIC}`, "
    "`{front: [METRIC, METRIC], over: SETTING}` or `{curves: SERIES}`"
)
KINDS: Mapping[frozenset[str], Kind] = {
    frozenset({"x", "y"}): "lines",
    frozenset({"x", "y", "colour"}): "heat",
    frozenset({"front", "over"}): "front",
    frozenset({"curves"}): "curves",
}
SETTINGS: Mapping[Kind, tuple[str, ...]] = {
    "lines": ("x", "by"),
    "heat": ("x", "y"),
    "front": ("over", "by"),
    "curves": ("by",),
}
"""Keys that name settings, by kind of figure."""

OF_PROBLEM = "problem."
OF_TRAIN = "train_"
RECALL = "train_recall_"
MIN_SCORE = "train_min_score_"
LIPSCHITZ = "train_lipschitz_"
BOUND = "train_bound"
OF_CLASSES = (RECALL, MIN_SCORE, LIPSCHITZ)
"""Prefixes of the curves of single classes, `train_recall_0`, and of the halves below."""

HALVES = ("majority", "minority")
"""The classes with more and those with fewer training examples, without the middle class of an odd
number. Their curves are means over the classes."""

RATIO = "ratio"
"""Mean recall of the minority divided by that of the majority."""


class Figure(Spec):
    """One figure for each problem, or one for the problems that it goes over."""

    x: str | None = None
    """Setting on the horizontal axis."""
    y: str | None = None
    """Metric on the vertical axis; with `colour`, a second setting."""
    colour: str | None = None
    """Metric of a heat map."""
    front: tuple[str, str] | None = None
    """Two metrics, one for each axis of a Pareto front."""
    over: str | None = None
    """Setting along which a front is drawn."""
    reference: tuple[float, float] | None = None
    """Corner up to which the hypervolume of a front is measured."""
    curves: str | tuple[str, ...] | None = None
    """One or several series over the epochs."""
    by: str | None = None
    """Difference between problems that gives one line for each, in one figure."""
    methods: tuple[str, ...] = ()
    """Globs of the rows to draw, as for `--only method=`; empty for all rows."""
    title: str = ""
    """Title of the figure."""

    @field_validator("front", "reference", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError("write two, `[X, Y]`")
        if value[0] == value[1] and isinstance(value[0], str):
            raise ValueError("write two metrics that differ, `[X, Y]`")
        return tuple(value)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self._given not in KINDS:
            raise ValueError(HOW_FIGURE)
        if self.by is not None and not self.by.startswith(OF_PROBLEM):
            raise ValueError(f"by = {self.by!r}: write what problems differ in, `by: problem.…`")
        if self.by is not None and self.kind == "heat":
            raise ValueError("a heat map has no `by`: it draws one map for each problem")
        if self.reference is not None and self.kind != "front":
            raise ValueError("only a front has a reference")
        return self

    @property
    def _given(self) -> frozenset[str]:
        names = frozenset[str]().union(*KINDS)
        return frozenset(name for name in names if getattr(self, name))

    @property
    def kind(self) -> Kind:
        """Kind of the figure, by its keys."""
        return KINDS[self._given]

    @property
    def series(self) -> tuple[str, ...]:
        """The series over the epochs."""
        return (self.curves,) if isinstance(self.curves, str) else self.curves or ()

    @property
    def y_series(self) -> str:
        """The series of the training images on the vertical axis of lines; "" for a metric."""
        y = self.y or ""
        is_series = self.kind == "lines" and y.startswith(OF_TRAIN) and y not in _metrics()
        return y if is_series else ""

    def is_about(self, name: str) -> bool:
        """Whether the figure draws the row with this name."""
        return not self.methods or any(matches(glob, name) for glob in self.methods)

    @property
    def settings(self) -> dict[str, str]:
        """The settings that the figure goes over, by key."""
        given = {key: getattr(self, key) for key in SETTINGS[self.kind]}
        return {key: name for key, name in given.items() if name}

    @property
    def of_problems(self) -> tuple[str, ...]:
        """Its settings that belong to problems; if there are none, each problem has a figure."""
        return tuple(name for name in self.settings.values() if name.startswith(OF_PROBLEM))

    @property
    def metrics(self) -> dict[KeyPath, str]:
        """The metrics of the figure by the path of their key; none for curves."""
        if self.front:
            return {("front", i): name for i, name in enumerate(self.front)}
        shown: dict[Kind, str] = {"lines": "y", "heat": "colour"}
        key = shown.get(self.kind)
        return {(key,): getattr(self, key)} if key and not self.y_series else {}


def _metrics() -> set[str]:
    """Names of all metrics, some of which begin as a series does."""
    return {name for entry in REGISTRY.all("metric") for name in (entry.name, *entry.aliases)}


def matches(glob: str, name: str) -> bool:
    """Whether a glob matches a name, or is the name: `vs(sam=[0.1, 0.2])` has brackets."""
    return name == glob or fnmatchcase(name, glob)


def series_of(best_by: str) -> list[str]:
    """Series that a record may hold under this `best_by`, with the first class as an example."""
    scores = [f"{split}_{best_by}" for split in ("train", "val", "test")]
    of_classes = [prefix + end for prefix in OF_CLASSES for end in (*HALVES, "0")]
    return ["train_loss", "lr", "angle", *scores, f"{RECALL}{RATIO}", BOUND, *of_classes]


def is_plain(series: str) -> bool:
    """Whether a series has a unit of its own instead of percent."""
    is_bound = series == BOUND or series.startswith((MIN_SCORE, LIPSCHITZ))
    return is_bound or series in ("lr", "angle", f"{RECALL}{RATIO}") or series.endswith("loss")


def unit_of(series: str) -> str:
    """The unit of a series: "%", or its own name where it has a unit of its own."""
    if not is_plain(series):
        return "%"
    return next((prefix for prefix in OF_CLASSES if series.startswith(prefix)), series)


def coordinate(
    settings: Mapping[str, Any], recipe: Recipe, problem: Problem | None, name: str
) -> Any:
    """Value of a setting of the method, the recipe or the problem; None if there is none."""
    if name.startswith(OF_PROBLEM):
        return None if problem is None else problem_setting(problem, name)
    return settings[name] if name in settings else getattr(recipe, name, None)


def problem_setting(problem: Problem, name: str) -> Any:
    """Value of a problem's setting, such as `problem.ratio`; None if the problem has none."""
    found = settings_of(problem)
    return found.get(name)


def settings_of(problem: Problem) -> dict[str, Any]:
    """All settings of a problem that a figure can go over, by name: `problem.ratio`."""
    found = {**problem.profile.settings, **problem.dataset.settings}
    sizes = {"n_max": problem.n_max, "selection": problem.selection}
    val = {f"val.{name}": value for name, value in problem.val}
    return {f"{OF_PROBLEM}{name}": value for name, value in {**val, **sizes, **found}.items()}


def without_settings(problem: Problem, names: tuple[str, ...]) -> Problem:
    """The problem without these settings, equal for problems that differ in them alone."""
    own = {name.removeprefix(OF_PROBLEM) for name in names}
    parts: dict[str, Any] = {}
    for field in ("dataset", "profile"):
        part = getattr(problem, field)
        rest = {k: v for k, v in part.settings.items() if k not in own}
        parts[field] = part.model_copy(update={"settings": rest})
    parts |= {name: None for name in ("n_max", "selection") if name in own}
    if any(name.startswith("val.") for name in own):
        parts["val"] = Val()
    return problem.model_copy(update={**parts, "name_suffix": None})
