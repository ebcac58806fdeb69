"""What a suite's report draws beside its tables: scores over a setting, and curves by epoch.

    figures:
      - {x: nu, y: balanced_accuracy}                    a line a method, over the settings
      - {x: nu, y: tau, colour: balanced_accuracy}       a heat map a method
      - {curves: train_balanced_accuracy}                a line a row, over the epochs

x and y of a heat map are settings of methods or fields of the recipe, and need be those of some of
the methods only. A score is one of the suite's metrics, on test data at the checkpoint rule that
the page shows. Curves are what records hold of each epoch: `train_loss`, `lr`, the metric that
epochs are judged by as `val_…` and `test_…`; and, where the recipe says `evaluate_train: true`, as
`train_…`, with the recall of a class, `train_recall_0`, or of half of them,
`train_recall_majority` and `train_recall_minority`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import model_validator

from harness.spec.base import Spec
from harness.spec.trial import Recipe

Kind = Literal["lines", "heat", "curves"]
HOW_FIGURE = (
    "write `{x: SETTING, y: METRIC}`, `{x: SETTING, y: SETTING, colour: METRIC}` or "
    "`{curves: SERIES}`"
)
RECALL = "train_recall_"
"""Begins the curves of single classes, `train_recall_0`, and of the halves below."""

HALVES = ("majority", "minority")
"""The larger and the smaller half of the classes, by training size; the middle one is in neither.
Their curves are means over the classes."""


class Figure(Spec):
    """One figure for each problem; methods, globs as for `--only method=`, leave others out."""

    x: str | None = None
    y: str | None = None
    colour: str | None = None
    curves: str | None = None
    methods: tuple[str, ...] = ()
    title: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = {name for name in ("x", "y", "colour", "curves") if getattr(self, name)}
        if given not in ({"x", "y"}, {"x", "y", "colour"}, {"curves"}):
            raise ValueError(HOW_FIGURE)
        return self

    @property
    def kind(self) -> Kind:
        if self.curves:
            return "curves"
        return "heat" if self.colour else "lines"

    def is_about(self, name: str) -> bool:
        """Whether it draws what goes by a name: a method's, a row's, or what a suite calls rows."""
        return not self.methods or any(name == m or fnmatchcase(name, m) for m in self.methods)

    @property
    def settings(self) -> dict[str, str]:
        """By key: the settings, or fields of the recipe, that it goes over."""
        keys: dict[Kind, tuple[str, ...]] = {"lines": ("x",), "heat": ("x", "y"), "curves": ()}
        return {key: getattr(self, key) for key in keys[self.kind]}

    @property
    def metric(self) -> dict[str, str]:
        """By key: the one metric that it shows; nothing for curves."""
        keys: dict[Kind, tuple[str, ...]] = {"lines": ("y",), "heat": ("colour",), "curves": ()}
        return {key: getattr(self, key) for key in keys[self.kind]}


def series_of(best_by: str) -> list[str]:
    """Curves that a record may hold whose epochs are judged by a metric; of classes, one stands for
    all."""
    scores = [f"{split}_{best_by}" for split in ("train", "val", "test")]
    return ["train_loss", "lr", *scores, *(RECALL + half for half in HALVES), f"{RECALL}0"]


def coordinate(settings: Mapping[str, Any], recipe: Recipe, name: str) -> Any:
    """The value of a method's setting; else that of the recipe's field; None where neither is."""
    return settings[name] if name in settings else getattr(recipe, name, None)
