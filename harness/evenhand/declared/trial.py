"""What is trained: a problem, a recipe, a trial, and the key that a trial has for ever."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evenhand.declared.base import Part, Spec, canonical, format_scalar
from evenhand.errors import UnknownName

Stream = Literal["subset", "split", "init", "order", "augment"]
STREAMS: tuple[Stream, ...] = ("subset", "split", "init", "order", "augment")
ENGINE_VERSION = 1
Selection = Literal["ldam"]
Precision = Literal["auto", "fp32", "bf16"]
Kept = Literal["logits", "train_logits"]
"""What a trial keeps beside its record for others: logits of the validation and test images at
every checkpoint rule, for post-hoc maps; those of the training images at the last, as labels."""
HOW_VAL = "write `{per_class: 20}`, `{fraction: 0.2}`, `{test_half: true}` or `none`"
HOW_SAM = "write rho as `0.1`, or `[0.1, 0.2]` by stage, or `{rho: 0.1, batch_norm: first}`"


class Val(Spec):
    """Where validation images come from. Exactly one field is set, or none: no validation split.

    per_class  images of each class, set aside before the profile is applied: a balanced split
    fraction   share of the training images, class by class, after the profile is applied
    test_half  half of each class of the test images, drawn by the stream `split`; evaluation is on
               the other half, as in Narasimhan & Menon (2021)
    """

    per_class: Annotated[int, Field(ge=1)] | None = None
    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    test_half: Literal[True] | None = None

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
    """A dataset under an imbalance profile, with its splits.

    n_max      size of the largest class; None: what each class of the whole data set has, less
               `val: {per_class: n}`, or where classes differ what the smallest one has
    selection  which images the profile keeps. None: drawn by the stream `subset`; ldam: those that
               the code of Cao et al. (2019) keeps, at every seed
    apart      ends the name where a suite has another problem that would share it; no part of what
               is trained, and neither hashed nor stored
    """

    dataset: Part
    profile: Part
    n_max: Annotated[int, Field(ge=1)] | None = None
    selection: Selection | None = None
    val: Val = Val()
    name_suffix: Annotated[str | None, Field(exclude=True)] = None

    @property
    def name(self) -> str:
        """`cifar10-exp-100`: what filters and tables call it."""
        settings = [format_scalar(v) for v in self.profile.settings.values()]
        extra = [f"n{self.n_max}"] if self.n_max else []
        extra += [self.selection] if self.selection else []
        extra += ["testhalf"] if self.val.test_half else []
        extra += [self.name_suffix] if self.name_suffix else []
        own = _in_short(self.dataset)
        shape = [] if self.profile.name == "natural" else [self.profile.name, *settings]
        return "-".join([self.dataset.name, *own, *shape, *extra])


def _in_short(dataset: Part) -> list[str]:
    """The settings of a data set that are not as they come; a file goes by its name."""
    path = dataset.settings.get("path")
    if isinstance(path, str):
        return [PurePath(path).stem]
    # The registry's parts import this module.
    from evenhand.declared.registry import REGISTRY

    try:
        known = REGISTRY.get("dataset", dataset.name).settings
    except UnknownName:
        known = {}  # of a plugin that is not here: its records can be read all the same
    usual = {name: setting.default for name, setting in known.items() if not setting.required}
    given = {k: v for k, v in dataset.settings.items() if k not in usual or v != usual[k]}
    return [f"{k}{format_scalar(v)}" for k, v in given.items()]


class Sam(Spec):
    """Sharpness-aware minimisation: every step follows the gradient at the worst point nearby.

    rho         radius in the norm of all weights together: one for each stage of the method in
                turn, the last one from there on, and anew after a fresh start; 0 is a plain step
    batch_norm  passes that move the running statistics: "both", as in the code released with
                wang2023unified, or the "first", at the weights themselves, as in that of
                foret2021sharpness. Neither text says; every number we compare with has "both".

    Written in short, `0.1` or `[0.1, 0.2]` is rho alone.
    """

    rho: tuple[Annotated[float, Field(ge=0)], ...]
    batch_norm: Literal["both", "first"] = "both"

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, value: Any) -> Any:
        if isinstance(value, int | float | list | tuple):
            value = {"rho": value}
        if isinstance(value, dict) and "rho" in value and value.keys() <= cls.model_fields.keys():
            rho = value["rho"]
            return value | {"rho": tuple(rho) if isinstance(rho, list | tuple) else (rho,)}
        if isinstance(value, Sam):
            return value
        raise ValueError(HOW_SAM)

    @field_validator("rho")
    @classmethod
    def _for_every_stage(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value:
            raise ValueError(HOW_SAM)
        return value

    def radius(self, stage: int) -> float:
        """That of a method's stage, counted from 0."""
        return self.rho[min(stage, len(self.rho) - 1)]


class Recipe(Spec):
    """How a network is trained, the same for every method.

    warmup       share of the epochs over which the learning rate rises linearly to `lr`
    schedule     factor on `lr` by epoch
    mean, std    of the input, per channel, in units of [0, 1]; None: those of the training images
    precision    auto: bf16 where the device multiplies it in hardware (amx_bf16, CUDA from Ampere
                 on), else fp32; the record says which
    evaluate_every  epochs between evaluations; the last epoch is always evaluated
    dense_from   share of the epochs from which every one is evaluated; None: none is
    evaluate_train  also evaluate the training images, without augmentation, class by class
    best_by      metric on validation (test) data by which `best-val` (`best-test`) picks the epoch
    sam          how steps look around for sharpness; None: they do not
    decay_norms  false: weight decay leaves scale and shift of normalisation layers alone
    drop_last    true: an epoch ends with the last whole batch; None: with all that is left
    angle_to     a method that solves for its head alone, such as `cs_svm`: the curve `angle` is the
                 one between its line and the network's, in degrees; of two classes
    """

    name: str
    backbone: Part
    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)] = 128
    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 2e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    schedule: Part
    augment: tuple[Part, ...] = ()
    mean: tuple[float, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    precision: Precision = "fp32"
    deterministic: bool = False
    evaluate_every: Annotated[int, Field(ge=1)] = 1
    dense_from: Annotated[float, Field(ge=0, le=1)] | None = None
    evaluate_train: Literal[True] | None = None
    best_by: str = "balanced_accuracy"
    sam: Sam | None = None
    decay_norms: Literal[False] | None = None
    drop_last: Literal[True] | None = None
    angle_to: Part | None = None

    def is_evaluated(self, epoch: int) -> bool:
        """Whether a 1-based epoch ends with an evaluation."""
        dense = self.dense_from is not None and epoch > round(self.dense_from * self.epochs)
        return dense or epoch % self.evaluate_every == 0 or epoch == self.epochs


class Teacher(Spec):
    """The trial whose class probabilities are a student's labels, at the student's own seed.

    recipe       None: the student's
    temperature  what the teacher's logits are divided by before their softmax
    """

    method: Part
    recipe: Recipe | None = None
    temperature: Annotated[float, Field(gt=0)] = 1.0


class Trial(Spec):
    """One problem × method setting × recipe × seed, fully resolved.

    vary     names the random streams that follow the seed; the others stay at seed 0
    teacher  whose predictions it learns from; None: from the labels
    posthoc  what is fitted on the kept logits of the trial that is the same but for this
    """

    problem: Problem
    method: Part
    recipe: Recipe
    seed: Annotated[int, Field(ge=0)]
    vary: tuple[Stream, ...] = STREAMS
    engine: int = ENGINE_VERSION
    teacher: Teacher | None = None
    posthoc: Part | None = None

    @field_validator("vary")
    @classmethod
    def _in_one_order(cls, value: tuple[Stream, ...]) -> tuple[Stream, ...]:
        return tuple(stream for stream in STREAMS if stream in value)

    @cached_property
    def key(self) -> str:
        """32 hexadecimal digits of the SHA-256 of the canonical spec.

        The recipe's name is left out: two names for one recipe are one trial.
        """
        spec = self.model_dump(mode="json")
        del spec["recipe"]["name"]
        if self.teacher and self.teacher.recipe:
            del spec["teacher"]["recipe"]["name"]
        return hashlib.sha256(canonical(spec).encode()).hexdigest()[:32]

    @cached_property
    def workload(self) -> str:
        """Equal for trials that should take equally long, whatever their method and seed."""
        return workload(self.problem, self.recipe, self.posthoc)

    @cached_property
    def parent(self) -> Trial | None:
        """The trial that must be done first, because this one reads what it keeps."""
        if self.posthoc:
            return self.model_copy(update={"posthoc": None})
        if self.teacher:
            recipe = self.teacher.recipe or self.recipe
            changes = {"method": self.teacher.method, "recipe": recipe, "teacher": None}
            return self.model_copy(update=changes)
        return None

    @property
    def reads(self) -> Kept:
        """What of its parent's it reads."""
        return "logits" if self.posthoc else "train_logits"

    @property
    def generation(self) -> int:
        """How many trials must be done one after the other before it: a teacher's is 0."""
        return self.parent.generation + 1 if self.parent else 0

    def __str__(self) -> str:
        taught = f" taught by {self.teacher.method}" if self.teacher else ""
        mapped = f" + {self.posthoc}" if self.posthoc else ""
        return f"{self.method}{taught}{mapped} on {self.problem.name}, seed {self.seed}"


def workload(problem: Problem, recipe: Recipe, posthoc: Part | None = None) -> str:
    """16 hexadecimal digits for a problem under a recipe, whatever the recipe is called.

    What trains nothing takes another time than what does: a post-hoc map goes by its name as well.
    """
    spec = {"problem": problem.model_dump(mode="json"), "recipe": recipe.model_dump(mode="json")}
    del spec["recipe"]["name"]
    named = spec if posthoc is None else spec | {"posthoc": posthoc.name}
    return hashlib.sha256(canonical(named).encode()).hexdigest()[:16]
