"""AutoAugment's policy for CIFAR-10 (cubuk2019autoaugment), as batched tensor code.

Every image draws one of 25 pairs of operations, whether each of the two is applied, and a sign
where an operation has one. Each operation is computed for the whole batch and selected where it was
drawn: sorting the images by operation instead would make the GPU wait.

Signs, ranges and nearest-pixel sampling are those of torchvision's `AutoAugment`. Where values are
blended (autocontrast, color, contrast, sharpness), torchvision rounds tensors and PIL images in
different ways, and the result may differ from either by one grey level; all other operations give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from jaxtyping import Bool, Float, Int

from evenhand.data.augment import operations
from evenhand.data.augment.augmentations import Augmentation
from evenhand.declared.decorators import augmentation
from evenhand.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from evenhand.data.augment.augmentations import Batch

LEVELS = 10


class Operation(NamedTuple):
    """An operation, whose magnitude rises in equal steps from 0 at level 0 to `most` at level 9."""

    apply: Callable[[Batch, operations.Magnitudes], Batch]
    most: float = 0.0
    signed: bool = False


OPERATIONS = {
    "ShearY": Operation(operations.shear_y, 0.3, signed=True),
    "TranslateX": Operation(operations.translate_x, 150 / 331, signed=True),
    "TranslateY": Operation(operations.translate_y, 150 / 331, signed=True),
    "Rotate": Operation(operations.rotate, 30.0, signed=True),
    "Brightness": Operation(operations.brightness, 0.9, signed=True),
    "Color": Operation(operations.color, 0.9, signed=True),
    "Contrast": Operation(operations.contrast, 0.9, signed=True),
    "Sharpness": Operation(operations.sharpness, 0.9, signed=True),
    "Posterize": Operation(operations.posterize, 4.0),
    "Solarize": Operation(operations.solarize, 255.0),
    "AutoContrast": Operation(operations.autocontrast),
    "Equalize": Operation(operations.equalize),
    "Invert": Operation(operations.invert),
}

Choice = tuple[str, float, int]
"""An operation, the probability that it is applied, and its level."""

POLICY: tuple[tuple[Choice, Choice], ...] = (
    (("Invert", 0.1, 0), ("Contrast", 0.2, 6)),
    (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
    (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
    (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.5, 0), ("Equalize", 0.9, 0)),
    (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
    (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
    (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
    (("Equalize", 0.6, 0), ("Equalize", 0.5, 0)),
    (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
    (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
    (("Equalize", 0.3, 0), ("AutoContrast", 0.4, 0)),
    (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
    (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
    (("Solarize", 0.5, 2), ("Invert", 0.0, 0)),
    (("Equalize", 0.2, 0), ("AutoContrast", 0.6, 0)),
    (("Equalize", 0.2, 0), ("Equalize", 0.6, 0)),
    (("Color", 0.9, 9), ("Equalize", 0.6, 0)),
    (("AutoContrast", 0.8, 0), ("Solarize", 0.2, 8)),
    (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
    (("Solarize", 0.4, 5), ("AutoContrast", 0.9, 0)),
    (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.9, 0), ("Solarize", 0.8, 3)),
    (("Equalize", 0.8, 0), ("Invert", 0.1, 0)),
    (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 0)),
)


class Tables(NamedTuple):
    """The policy as tensors on a device."""

    operation: Int[Tensor, "pairs 2"]
    """Place of the operation in OPERATIONS."""
    chance: Float[Tensor, "pairs 2"]
    magnitude: Float[Tensor, "pairs 2"]
    signed: Bool[Tensor, "pairs 2"]


@cache
def _tables(device: torch.device) -> Tables:
    """The tables on a device; cached, because a copy to the GPU at each step would wait for it."""
    import torch

    names = list(OPERATIONS)
    flat = [choice for pair in POLICY for choice in pair]
    drawn = [OPERATIONS[name] for name, _, _ in flat]
    levels = [level / (LEVELS - 1) for _, _, level in flat]
    most = [operation.most * share for operation, share in zip(drawn, levels, strict=True)]
    return Tables(
        torch.tensor([names.index(name) for name, _, _ in flat], device=device).view(-1, 2),
        torch.tensor([chance for _, chance, _ in flat], device=device).view(-1, 2),
        torch.tensor(most, dtype=torch.float64, device=device).view(-1, 2),
        torch.tensor([operation.signed for operation in drawn], device=device).view(-1, 2),
    )


@dataclass(frozen=True)
class AutoAugment:
    """AutoAugment's policy. Raises `DataError` for images that are neither grey nor RGB."""

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch:
        import torch

        if images.shape[1] not in (1, 3):
            what = f"autoaugment needs images of 1 or 3 channels; these have {images.shape[1]}"
            raise DataError(f"{what}\n  remove it from the recipe's `augment`")
        n, device, tables = len(images), images.device, _tables(images.device)
        pair = torch.randint(len(POLICY), (n,), generator=generator, device=device)
        happens = torch.rand((n, 2), generator=generator, device=device) < tables.chance[pair]
        minus = torch.randint(2, (n, 2), generator=generator, device=device).bool()
        magnitude = tables.magnitude[pair]
        magnitude = torch.where(minus & tables.signed[pair], -magnitude, magnitude)
        operation = torch.where(happens, tables.operation[pair], -1)
        for place in (0, 1):
            images = _changed(images, operation[:, place], magnitude[:, place])
        return images


def _changed(
    images: Batch, operation: Int[Tensor, " batch"], magnitude: operations.Magnitudes
) -> Batch:
    """Apply to each image its operation, given by its place in OPERATIONS; -1: none."""
    import torch

    changed = images
    for number, candidate in enumerate(OPERATIONS.values()):
        drawn = operation == number
        after = candidate.apply(images, torch.where(drawn, magnitude, 0.0))
        changed = torch.where(drawn[:, None, None, None], after, changed)
    return changed


@augmentation(cite="cubuk2019autoaugment", static=True)
def autoaugment() -> Augmentation:
    """AutoAugment's policy for CIFAR-10: two of 13 colour and geometric operations per image."""
    return AutoAugment()
