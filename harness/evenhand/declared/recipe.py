"""Declarations of recipes: how a network is trained."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evenhand.declared.base import Part, Spec, canonical

Precision = Literal["auto", "fp32", "bf16"]
SGD = "sgd"
"""Name of the optimiser of a recipe that names none."""
HOW_SAM = "write rho as `0.1`, or `[0.1, 0.2]` by stage, or `{rho: 0.1, batch_norm: first}`"


class Sam(Spec):
    """Sharpness-aware minimisation (foret2021sharpness).

    Every step uses the gradient at the perturbed weights θ + ρ · g/‖g‖, with g the gradient at θ.
    The short forms `0.1` and `[0.1, 0.2]` give rho alone.
    """

    rho: tuple[Annotated[float, Field(ge=0)], ...]
    """ρ of each stage of a run; further stages have the last value. 0 is a step without SAM."""
    batch_norm: Literal["both", "first"] = "both"
    """Forward passes that update the running statistics of batch normalisation.

    "both" is the code released with wang2023unified and "first" that of foret2021sharpness; the
    texts do not state it. Every printed number that we compare with has "both".
    """

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
        """ρ of a stage of the method, counted from 0."""
        return self.rho[min(stage, len(self.rho) - 1)]


class Recipe(Spec):
    """Settings of the training, the same for every method.

    >>> import evenhand as eh
    >>> trial = next(iter(eh.open_suite("quickstart").trials.values()))
    >>> trial.recipe.is_evaluated(trial.recipe.epochs)
    True
    """

    name: str
    """Name of the recipe."""
    backbone: Part
    """Network and its settings."""
    epochs: Annotated[int, Field(ge=1)]
    """Number of epochs of one run."""
    batch: Annotated[int, Field(ge=1)] = 128
    """Images in a batch."""
    lr: Annotated[float, Field(gt=0)] = 0.1
    """Learning rate of the optimiser."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of SGD; 0 for an optimiser that has no such field."""
    nesterov: bool = False
    """Whether the momentum is Nesterov's."""
    weight_decay: Annotated[float, Field(ge=0)] = 2e-4
    """Weight decay: SGD adds it to the gradient, AdamW subtracts it from the weights."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the epochs over which the learning rate rises linearly to `lr`."""
    schedule: Part
    """Factor of `lr` by epoch."""
    augment: tuple[Part, ...] = ()
    """Augmentations, in the order in which they are applied."""
    mean: tuple[float, ...] | None = None
    """Mean of the input by channel, in units of [0, 1]; None for that of the training images."""
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Standard deviation of the input by channel, in the same unit and with the same default."""
    precision: Precision = "fp32"
    """Precision of computation. "auto" is bf16 where the device multiplies it in hardware
    (amx_bf16, CUDA from Ampere on) and fp32 elsewhere; the record states which."""
    deterministic: bool = False
    """Whether the same machine gives the same bits in every run."""
    evaluate_every: Annotated[int, Field(ge=1)] = 1
    """Epochs between two evaluations; the last epoch is always evaluated."""
    dense_from: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the epochs after which every epoch is evaluated; None for no such period."""
    dense_until: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the epochs up to which every epoch is evaluated; None for no such period."""
    evaluate_train: Literal[True] | None = None
    """Whether the training images are evaluated as well, by class and without augmentation."""
    bound_terms: Literal[True] | None = None
    """Whether the terms of the generalisation bound of wang2023unified are logged as well."""
    best_by: str = "balanced_accuracy"
    """Metric by which `best-val` and `best-test` choose an epoch, each on its split."""
    sam: Sam | None = None
    """Sharpness-aware minimisation; None for the plain optimiser."""
    train_on: Literal["all"] | None = None
    """"all" trains on training and held-out images together, in every run that does not learn on
    held-out images. These then choose neither an epoch nor a setting."""
    decay_norms: Literal[False] | None = None
    """False excludes scale and shift of normalisation layers from weight decay."""
    drop_last: Literal[True] | None = None
    """True leaves out the last batch of an epoch if it is not full."""
    angle_to: Part | None = None
    """Method such as `cs_svm` that only solves for its head, on two classes. The curve `angle` is
    the angle in degrees between its line and that of the network."""
    optimizer: Part | None = None
    """Optimiser and its settings; None for `sgd`."""
    mixing: Part | None = None
    """Mixing of the examples of a batch, such as `mixup`; None for none."""

    @field_validator("bound_terms")
    @classmethod
    def _on_training_images(cls, value: Any, info: ValidationInfo) -> Any:
        if value and not info.data.get("evaluate_train"):
            raise ValueError(
                "the bound is measured on the training images: add `evaluate_train: true`"
            )
        return value

    @cached_property
    def unnamed(self) -> str:
        """Canonical JSON without the name: two names for one recipe are one recipe."""
        return canonical(self.model_dump(mode="json", exclude={"name"}))

    def is_evaluated(self, epoch: int) -> bool:
        """Whether a 1-based epoch ends with an evaluation."""
        late = self.dense_from is not None and epoch > round(self.dense_from * self.epochs)
        early = self.dense_until is not None and epoch <= round(self.dense_until * self.epochs)
        return late or early or epoch % self.evaluate_every == 0 or epoch == self.epochs
