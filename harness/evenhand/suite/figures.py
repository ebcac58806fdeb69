"""What a suite's report draws beside its tables: scores over settings, fronts, curves by epoch.

    figures:
      - {x: nu, y: balanced_accuracy}                    a line a method, over the settings
      - {x: problem.features, y: balanced_error}         a line a method, over the problems
      - {x: nu, y: tau, colour: balanced_accuracy}       a heat map a method
      - {front: [error, deo], over: weight}              a curve a method, over the settings, in the
                                                         plane of two metrics
      - {curves: train_balanced_accuracy}                a line a row, over the epochs
      - {curves: [val_balanced_error, test_balanced_error], by: problem.val.per_class}

A setting is one of the methods', a field of the recipe, or `problem.` and what problems differ in:
a setting of the data set or its profile, `n_max`, `val.fraction` or `val.per_class`. It needs to be
that of some rows only. What goes over problems is drawn once, of those that differ in this alone;
`by: problem.…` draws the lines of several problems in one figure. Where a data set knows the theory
of a method, its line goes through the points.

A score is one of the suite's metrics, on test data at the checkpoint rule that the page shows. Of a
front the report says its hypervolume, up to `reference: [X, Y]`, two scores as fractions; the worst
scores unless told. Rows without the setting that a front goes over are single points.

Curves are what records hold of each epoch: `train_loss`, `lr`, the metric that epochs are judged by
as `val_…` and `test_…`; where the recipe says `evaluate_train: true`, that as `train_…`, with the
recall of a class, `train_recall_0`, or of half of them, `train_recall_majority` and
`train_recall_minority`; and the `angle`, where it has `angle_to`. Several are drawn in one figure
where they have one unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from evenhand.declared.base import Spec
from evenhand.declared.trial import Problem, Recipe, Val
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
"""By kind: which keys name settings."""

OF_PROBLEM = "problem."
RECALL = "train_recall_"
"""Begins the curves of single classes, `train_recall_0`, and of the halves below."""

HALVES = ("majority", "minority")
"""The larger and the smaller half of the classes, by training size; the middle one is in neither.
Their curves are means over the classes."""


class Figure(Spec):
    """One figure for each problem, or one for problems that differ in what it goes over.

    by         what problems differ in: a line for each, in one figure
    reference  of a front: the corner up to which its hypervolume is measured
    methods    globs as for `--only method=`; others are left out
    """

    x: str | None = None
    y: str | None = None
    colour: str | None = None
    front: tuple[str, str] | None = None
    over: str | None = None
    reference: tuple[float, float] | None = None
    curves: str | tuple[str, ...] | None = None
    by: str | None = None
    methods: tuple[str, ...] = ()
    title: str = ""

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
        return KINDS[self._given]

    @property
    def series(self) -> tuple[str, ...]:
        """The curves that it draws."""
        return (self.curves,) if isinstance(self.curves, str) else self.curves or ()

    def is_about(self, name: str) -> bool:
        """Whether it draws what goes by a name: a method's, a row's, or what a suite calls rows."""
        return not self.methods or any(name == m or fnmatchcase(name, m) for m in self.methods)

    @property
    def settings(self) -> dict[str, str]:
        """By key: the settings, fields of the recipe, or of problems, that it goes over."""
        given = {key: getattr(self, key) for key in SETTINGS[self.kind]}
        return {key: name for key, name in given.items() if name}

    @property
    def of_problems(self) -> tuple[str, ...]:
        """Those of its settings that problems differ in; none: it is drawn for each problem."""
        return tuple(name for name in self.settings.values() if name.startswith(OF_PROBLEM))

    @property
    def metrics(self) -> dict[KeyPath, str]:
        """By place: the metrics that it shows; none for curves."""
        if self.front:
            return {("front", i): name for i, name in enumerate(self.front)}
        shown: dict[Kind, str] = {"lines": "y", "heat": "colour"}
        key = shown.get(self.kind)
        return {(key,): getattr(self, key)} if key else {}


def series_of(best_by: str) -> list[str]:
    """Curves that a record may hold whose epochs are judged by a metric; of classes, one stands for
    all."""
    scores = [f"{split}_{best_by}" for split in ("train", "val", "test")]
    return ["train_loss", "lr", "angle", *scores, *(RECALL + half for half in HALVES), f"{RECALL}0"]


def is_plain(series: str) -> bool:
    """Whether a curve is in a unit of its own, and no score in percent."""
    return series in ("lr", "angle") or series.endswith("loss")


def coordinate(
    settings: Mapping[str, Any], recipe: Recipe, problem: Problem | None, name: str
) -> Any:
    """The value of a method's setting; else that of the recipe's field, or of what `problem.`
    begins; None where there is none."""
    if name.startswith(OF_PROBLEM):
        return None if problem is None else problem_setting(problem, name)
    return settings[name] if name in settings else getattr(recipe, name, None)


def problem_setting(problem: Problem, name: str) -> Any:
    """The value of `problem.ratio`, `problem.val.fraction`; None where the problem has none."""
    found = settings_of(problem)
    return found.get(name)


def settings_of(problem: Problem) -> dict[str, Any]:
    """All that figures may go over, by name: `problem.ratio`."""
    found = {**problem.profile.settings, **problem.dataset.settings}
    sizes = {"n_max": problem.n_max, "selection": problem.selection}
    val = {f"val.{name}": value for name, value in problem.val}
    return {f"{OF_PROBLEM}{name}": value for name, value in {**val, **sizes, **found}.items()}


def without_settings(problem: Problem, names: tuple[str, ...]) -> Problem:
    """The problem without these: equal for problems that differ in them alone."""
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
