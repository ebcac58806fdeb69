"""The base class of bound losses, which the engine and any other training loop can call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields, replace
from typing import Any, ClassVar, NamedTuple, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.errors import LossError


class Shape(NamedTuple):
    """How many classes and groups a loss was bound to."""

    classes: int
    groups: int


class BoundExampleLoss(ABC):
    """A loss of each example, bound to the class counts of one training set.

    The call is `loss(logits, labels)`, or `loss(logits, labels, groups)` where the loss was bound
    to counts of several groups. The loss follows the logits to their device and works under
    autocast and in compiled code. Shapes and types are checked at every call. The values of labels
    and groups are checked at every call on the CPU, at the first call on another device, where a
    check waits for the device, and never in compiled code. The engine passes `rows`, which it makes
    once, and skips the checks.
    """

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Number of classes and groups."""

    @property
    def device(self) -> torch.device:
        """Device of its tensors."""
        values = (getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]
        return next(v.device for v in values if isinstance(v, Tensor | BoundExampleLoss))

    @abstractmethod
    def per_example(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each example [batch], in nats; row = label · groups + group."""

    @abstractmethod
    def row_weights(self, rows: Tensor) -> Tensor:
        """Weight of an example of each row [batch]."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        groups: Int[Tensor, " batch"] | None = None,
        *,
        rows: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, " batch"]:
        """Loss of each example [batch], in nats, not reduced.

        Raises `LossError` for shapes, types and values that do not fit the counts it was bound to.
        """
        if rows is not None:
            return self.per_example(logits, labels, rows)
        self._check_logits(logits)
        labels, rows = self._checked(labels, groups, len(logits), logits.device)
        return self._on(logits.device).per_example(logits, labels, rows)

    def weights(
        self, labels: Int[Tensor, " batch"], groups: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, " batch"]:
        """Weight of each example [batch], by whose sum a weighted mean divides.

        Raises `LossError` as the call does.
        """
        if not isinstance(labels, Tensor):
            raise LossError(f"labels are a torch.Tensor; these are {type(labels).__name__}")
        n = len(labels) if labels.ndim else 0
        _, rows = self._checked(labels, groups, n, labels.device)
        return self._on(labels.device).row_weights(rows)

    changes: ClassVar[bool] = False
    """Whether its tensors change while it is used; a copy on another device would not follow."""

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: without copies on other devices."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_elsewhere", "_seen")}

    def to(self, device: torch.device | str) -> Self:
        """The same loss with its tensors on another device."""
        moved: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            value = getattr(self, field.name)
            if isinstance(value, Tensor | BoundExampleLoss):
                moved[field.name] = value.to(device)
            elif isinstance(value, dict):
                moved[field.name] = {name: tensor.to(device) for name, tensor in value.items()}
        made: Self = replace(self, **moved)  # type: ignore[type-var]
        return made

    def _on(self, device: torch.device) -> Self:
        """The loss on a device; a copy on another device than its own is kept for later calls."""
        if device == self.device:
            return self
        if self.changes:
            return self.to(device)
        kept: Self | None = self.__dict__.get("_elsewhere")
        if kept is None or kept.device != device:
            kept = self.to(device)
            # The dataclasses are frozen; the copy holds nothing that this one does not.
            object.__setattr__(self, "_elsewhere", kept)
        return kept

    def _check_logits(self, logits: Tensor) -> None:
        """Raise `LossError` for logits of another shape or type."""
        n_classes = self.shape.classes
        if not isinstance(logits, Tensor):
            raise LossError(f"logits are a torch.Tensor; these are {type(logits).__name__}")
        if logits.ndim != 2 or logits.shape[1] != n_classes:
            raise LossError(
                f"logits are [batch, classes] with {n_classes} classes, as in the counts that the "
                f"loss was bound to; these are {list(logits.shape)}"
            )
        if not logits.is_floating_point():
            raise LossError(f"logits are floating-point numbers; these are {logits.dtype}")

    def _checked(
        self, labels: Tensor, groups: Tensor | None, n: int, device: torch.device
    ) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Labels and rows as whole numbers. Raises `LossError`."""
        n_classes, n_groups = self.shape
        labels = _indices("labels", labels, n, device)
        if groups is None and n_groups > 1:
            raise LossError(
                f"the loss was bound to counts of {n_groups} groups and needs the group of each "
                "example\n  write loss(logits, labels, groups)"
            )
        if groups is not None and n_groups == 1:
            raise LossError(
                "groups were given to a loss that was bound to counts without groups\n"
                "  bind it to counts of shape [classes, groups], or leave groups out"
            )
        if groups is not None:
            groups = _indices("groups", groups, n, device)
        if self._reads_values(device):
            _check_range("labels", labels, n_classes)
            if groups is not None:
                _check_range("groups", groups, n_groups)
            object.__setattr__(self, "_seen", True)
        return labels, labels if groups is None else labels * n_groups + groups

    def _reads_values(self, device: torch.device) -> bool:
        """Whether this call looks at the values of labels and groups."""
        if torch.compiler.is_compiling():
            return False
        if device.type == "cpu":
            return True
        return "_seen" not in self.__dict__


def _indices(name: str, values: Tensor, n: int, device: torch.device) -> Int[Tensor, " batch"]:
    if not isinstance(values, Tensor):
        raise LossError(f"{name} are a torch.Tensor; these are {type(values).__name__}")
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise LossError(f"{name} are whole numbers; these are {values.dtype}")
    if values.shape != (n,):
        raise LossError(
            f"{name} are one number for each of the {n} examples, of shape [{n}]; "
            f"these are {list(values.shape)}"
        )
    if values.device != device:
        raise LossError(f"{name} are on {values.device} and the logits on {device}")
    return values.long()


def _check_range(name: str, values: Tensor, n: int) -> None:
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < n:
        wrong = values[(values < 0) | (values >= n)]
        raise LossError(
            f"{name} lie in 0..{n - 1}, as in the counts that the loss was bound to; "
            f"{len(wrong)} of {len(values)} do not, among them {int(wrong[0])}"
        )
