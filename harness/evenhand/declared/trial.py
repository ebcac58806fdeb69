"""Declarations of problems and trials, and the key of a trial."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evenhand.declared.base import (
    Part,
    Spec,
    canonical,
    canonical_fields,
    canonical_object,
    format_scalar,
)
from evenhand.declared.recipe import Recipe
from evenhand.errors import UnknownName

Stream = Literal["subset", "split", "init", "order", "augment"]
STREAMS: tuple[Stream, ...] = ("subset", "split", "init", "order", "augment")
ENGINE_VERSION = 1
Selection = Literal["ldam"]
Kept = Literal["logits", "train_logits"]
"""Files that a trial keeps beside its record for other trials.

"logits" are those of the validation and test images at every checkpoint rule, for post-hoc methods.
"train_logits" are those of the training images at the last epoch, for knowledge distillation.
"""
HOW_VAL = (
    "write `{per_class: 20}`, `{fraction: 0.2}`, `{further: 0.2}`, `{test_half: true}` or `none`"
)


class Val(Spec):
    """Source of the validation images: one of the fields, or none for no validation split."""

    per_class: Annotated[int, Field(ge=1)] | None = None
    """Images of each class, set aside before the profile is applied: a balanced split."""
    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Share of the training images of each class, set aside after the profile is applied."""
    further: Annotated[float, Field(gt=0)] | None = None
    """Images beside the training images, as a share of their number in each class.

    They are drawn from those that the profile leaves out: the training images do not depend on it.
    """
    test_half: Literal[True] | None = None
    """Half of the test images of each class, by the stream `split`; the rest is the test split."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        if value == "none":
            return {}
        if isinstance(value, dict | Val):
            return value
        raise ValueError(HOW_VAL)

    @model_validator(mode="after")
    def _only_one(self) -> Self:
        given = [name for name, value in self if value is not None]
        if len(given) > 1:
            raise ValueError(f"write {' or '.join(given)}, not both")
        return self


class Problem(Spec):
    """A data set under an imbalance profile, with its splits.

    >>> import evenhand as eh
    >>> trial = next(iter(eh.open_suite("quickstart").trials.values()))
    >>> trial.problem.name, trial.problem.profile.settings
    ('digits-exp-100', {'ratio': 100.0})
    """

    dataset: Part
    """Data set and its settings."""
    profile: Part
    """Imbalance profile and its settings."""
    n_max: Annotated[int, Field(ge=1)] | None = None
    """Size of the largest class under the profile.

    None stands for the size of each class in the whole data set, less `val: {per_class: n}`; if the
    classes differ, for the size of the smallest.
    """
    selection: Selection | None = None
    """Images that the profile keeps.

    None stands for images drawn by the stream `subset`, "ldam" for those that the released code of
    cao2019learning keeps, which are the same at every seed.
    """
    val: Val = Val()
    """Source of the validation images."""
    name_suffix: Annotated[str | None, Field(exclude=True)] = None
    """End of the name where two problems of a suite would share one; not hashed, not stored."""

    @property
    def name(self) -> str:
        """Name in filters and tables, such as `cifar10-exp-100`."""
        settings = [format_scalar(v) for v in self.profile.settings.values()]
        extra = [f"n{self.n_max}"] if self.n_max else []
        extra += [self.selection] if self.selection else []
        extra += ["testhalf"] if self.val.test_half else []
        extra += [self.name_suffix] if self.name_suffix else []
        own = _in_short(self.dataset)
        shape = [] if self.profile.name == "natural" else [self.profile.name, *settings]
        return "-".join([self.dataset.name, *own, *shape, *extra])


def _in_short(dataset: Part) -> list[str]:
    """The settings of a data set that are not the defaults; a file is given by its name."""
    path = dataset.settings.get("path")
    if isinstance(path, str):
        return [PurePath(path).stem]
    # The registry's parts import this module.
    from evenhand.declared.registry import REGISTRY

    try:
        known = REGISTRY.get("dataset", dataset.name).settings
    except UnknownName:
        known = {}  # The plugin is not loaded; its records are readable without it.
    usual = {name: setting.default for name, setting in known.items() if not setting.required}
    given = {k: v for k, v in dataset.settings.items() if k not in usual or v != usual[k]}
    return [f"{k}{format_scalar(v)}" for k, v in given.items()]


class Teacher(Spec):
    """Teacher of knowledge distillation; its class probabilities are the labels of the student.

    The teacher is trained at the seed of the student.
    """

    method: Part
    """Method of the teacher."""
    recipe: Recipe | None = None
    """Recipe of the teacher; None selects the recipe of the student."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Divisor of the teacher's logits before the softmax."""


class Trial(Spec):
    """One problem × method setting × recipe × seed, fully resolved.

    >>> import evenhand as eh
    >>> trial = next(iter(eh.open_suite("quickstart").trials.values()))
    >>> print(trial, len(trial.key))
    erm on digits-exp-100, seed 0 32
    """

    problem: Problem
    """Data set under an imbalance profile, with its splits."""
    method: Part
    """Method and all its settings."""
    recipe: Recipe
    """How the network is trained."""
    seed: Annotated[int, Field(ge=0)]
    """Seed of the random streams."""
    vary: tuple[Stream, ...] = STREAMS
    """Random streams that follow the seed; the others stay at seed 0."""
    engine: int = ENGINE_VERSION
    """Version of the training engine, which is raised when results change."""
    teacher: Teacher | None = None
    """Teacher whose predictions are the labels; None for the labels of the data set."""
    posthoc: Part | None = None
    """Post-hoc method on the kept logits of the trial that is equal except for this field."""

    @field_validator("vary")
    @classmethod
    def _in_one_order(cls, value: tuple[Stream, ...]) -> tuple[Stream, ...]:
        return tuple(stream for stream in STREAMS if stream in value)

    @cached_property
    def key(self) -> str:
        """32 hexadecimal digits of the SHA-256 of the canonical spec.

        The recipe's name is left out: two names for one recipe are one trial.
        """
        fields = canonical_fields(self) | {"recipe": self.recipe.unnamed}
        if self.teacher and self.teacher.recipe:
            taught = canonical_fields(self.teacher) | {"recipe": self.teacher.recipe.unnamed}
            fields["teacher"] = canonical_object(taught)
        return hashlib.sha256(canonical_object(fields).encode()).hexdigest()[:32]

    @cached_property
    def workload(self) -> str:
        """Identifier shared by trials of about the same duration, for any method and seed."""
        return workload(self.problem, self.recipe, self.posthoc)

    @cached_property
    def parent(self) -> Trial | None:
        """The trial whose kept files this trial reads, which must be done first; None if none."""
        if self.posthoc:
            return self.model_copy(update={"posthoc": None})
        if self.teacher:
            recipe = self.teacher.recipe or self.recipe
            changes = {"method": self.teacher.method, "recipe": recipe, "teacher": None}
            return self.model_copy(update=changes)
        return None

    @property
    def reads(self) -> Kept:
        """The kept file of the parent that this trial reads."""
        return "logits" if self.posthoc else "train_logits"

    @property
    def generation(self) -> int:
        """Length of the chain of trials that must be done before this one; 0 for a teacher."""
        return self.parent.generation + 1 if self.parent else 0

    def __str__(self) -> str:
        taught = f" distilled from {self.teacher.method}" if self.teacher else ""
        posthoc = f" + {self.posthoc}" if self.posthoc else ""
        return f"{self.method}{taught}{posthoc} on {self.problem.name}, seed {self.seed}"


def workload(problem: Problem, recipe: Recipe, posthoc: Part | None = None) -> str:
    """Identifier of a problem under a recipe, in 16 hexadecimal digits, without the recipe's name.

    A post-hoc method enters by its name, because it trains nothing and takes another time.
    """
    named = None if posthoc is None else canonical(posthoc.name)
    fields = {"problem": problem.text, "recipe": recipe.unnamed, "posthoc": named}
    return hashlib.sha256(canonical_object(fields).encode()).hexdigest()[:16]
