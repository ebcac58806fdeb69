"""What is trained: a problem, a recipe, a trial, and the key that a trial has for ever."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.spec.base import Part, Spec, canonical, plain

Stream = Literal["subset", "split", "init", "order", "augment"]
STREAMS: tuple[Stream, ...] = ("subset", "split", "init", "order", "augment")
ENGINE_VERSION = 1
HOW_VAL = "write `{per_class: 20}`, `{fraction: 0.2}` or `none`"


class Val(Spec):
    """Where validation images come from. Exactly one field is set, or none: no validation split.

    per_class  images of each class, set aside before the profile is applied: a balanced split
    fraction   share of the training images, class by class, after the profile is applied
    """

    per_class: Annotated[int, Field(ge=1)] | None = None
    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None

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
        if self.per_class is not None and self.fraction is not None:
            raise ValueError("write per_class or fraction, not both")
        return self


class Problem(Spec):
    """A dataset under an imbalance profile, with its splits.

    n_max is the size of the largest class; None: as many as the smallest class of the source has.
    """

    dataset: Part
    profile: Part
    n_max: Annotated[int, Field(ge=1)] | None = None
    val: Val = Val()

    @property
    def name(self) -> str:
        """`cifar10-exp-100`: what filters and tables call it."""
        settings = [plain(v) for v in self.profile.settings.values()]
        extra = [f"n{self.n_max}"] if self.n_max else []
        own = [f"{k}{plain(v)}" for k, v in self.dataset.settings.items()]
        shape = [] if self.profile.name == "natural" else [self.profile.name, *settings]
        return "-".join([self.dataset.name, *own, *shape, *extra])


class Recipe(Spec):
    """How a network is trained, the same for every method.

    warmup       share of the epochs over which the learning rate rises linearly to `lr`
    schedule     factor on `lr` by epoch
    mean, std    of the input, per channel, in units of [0, 1]; None: those of the training images
    evaluate_every  epochs between evaluations; the last epoch is always evaluated
    best_by      metric on validation (test) data by which `best-val` (`best-test`) picks the epoch
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
    precision: Literal["fp32", "bf16"] = "fp32"
    deterministic: bool = False
    evaluate_every: Annotated[int, Field(ge=1)] = 1
    best_by: str = "balanced_accuracy"


class Trial(Spec):
    """One problem × method setting × recipe × seed, fully resolved.

    vary names the random streams that follow the seed; the others stay at seed 0.
    """

    problem: Problem
    method: Part
    recipe: Recipe
    seed: Annotated[int, Field(ge=0)]
    vary: tuple[Stream, ...] = STREAMS
    engine: int = ENGINE_VERSION

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
        return hashlib.sha256(canonical(spec).encode()).hexdigest()[:32]

    @cached_property
    def workload(self) -> str:
        """Equal for trials that should take equally long, whatever their method and seed."""
        return workload(self.problem, self.recipe)

    def __str__(self) -> str:
        return f"{self.method} on {self.problem.name}, seed {self.seed}"


def workload(problem: Problem, recipe: Recipe) -> str:
    """16 hexadecimal digits for a problem under a recipe, whatever the recipe is called."""
    spec = {"problem": problem.model_dump(mode="json"), "recipe": recipe.model_dump(mode="json")}
    del spec["recipe"]["name"]
    return hashlib.sha256(canonical(spec).encode()).hexdigest()[:16]
