"""AutoAugment's operations (cubuk2019autoaugment) with gradients, on values in [0, 1].

Each image of a batch has an operation and an amount of its own, and the result is differentiable in
the amounts and in the images. Geometric operations interpolate, where `operations` samples the
nearest pixel, whose derivative is 0.

The gradients of shear, translate, rotate, brightness, colour, contrast and sharpness are exact.
Three operations are step functions with a straight-through gradient; that of hataya2020faster is 1
for every pixel, these depend on the image:

    Solarize   derivative of x + (1 − 2x) · σ((x − threshold) / 0.1) in the threshold
    Posterize  slope of the line from one whole number of bits to the next; 1 in x
    Equalize   1 in x

AutoContrast, Equalize and Invert have no amount. Operations of one kind share one computation. On a
CPU each kind is computed for the images that drew it; elsewhere all seven kinds are computed for
the whole batch, so that the GPU never waits for a count. SamplePairing and Cutout, which
AutoAugment lists too, are left out: SamplePairing mixes classes, which a policy for one cluster
must not, and Cutout is an augmentation of the recipe (`cutout`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from jaxtyping import Bool, Float, Int

from evenhand.data.augment import geometry, operations
from evenhand.data.augment.autoaugment import OPERATIONS
from evenhand.data.augment.geometry import Places

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Images = Float[Tensor, "batch channels height width"]
    Amounts = Float[Tensor, " batch"]
    Operations = Int[Tensor, " batch"]
    Drawn = Bool[Tensor, " batch"]

OUTSIDE = operations.OUTSIDE / 255
SOFTNESS = 0.1
"""Width of the sigmoid in solarize's gradient.

Ours: with a narrow one only a few pixels contribute, with a wide one pixels contribute that the
threshold will never reach."""


class Amount(NamedTuple):
    """Range of an operation's amount: up to `most`, with either sign where it is signed."""

    most: float
    signed: bool


AMOUNTS = {
    # AutoAugment's search space has it, but no pair of its policy for CIFAR-10.
    "ShearX": Amount(OPERATIONS["ShearY"].most, OPERATIONS["ShearY"].signed),
    **{name: Amount(o.most, o.signed) for name, o in OPERATIONS.items()},
}
NAMES = tuple(AMOUNTS)


def apply_operations(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Apply to each image its operation, a place in NAMES, by its amount in [−most, most]."""
    changed, kind = images, _kinds(images.device)[operation]
    take = _of_those if images.device.type == "cpu" else _of_all
    for number, (apply, _) in enumerate(KINDS):
        changed = take(apply, images, changed, (operation, amounts, kind == number))
    return changed


Apply = Callable[["Images", "Operations", "Amounts"], "Images"]
Draws = tuple["Operations", "Amounts", "Drawn"]


def _of_those(apply: Apply, images: Images, changed: Images, draws: Draws) -> Images:
    """Apply an operation to the images that drew it, and compute it for no others."""
    operation, amounts, drawn = draws
    those = drawn.nonzero().squeeze(1)
    if not len(those):
        return changed
    return changed.index_copy(0, those, apply(images[those], operation[those], amounts[those]))


def _of_all(apply: Apply, images: Images, changed: Images, draws: Draws) -> Images:
    """Compute an operation for the whole batch, so that no shape depends on the draws."""
    import torch

    operation, amounts, drawn = draws
    amounts = torch.where(drawn, amounts, 0.0)
    return torch.where(drawn.view(-1, 1, 1, 1), apply(images, operation, amounts), changed)


def _is(operation: Operations, name: str) -> Bool[Tensor, "batch 1 1 1"]:
    return (operation == NAMES.index(name)).view(-1, 1, 1, 1)


def _moved(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Geometric operations, interpolated; the area beyond the edge is grey."""
    import torch

    height, width = images.shape[2:]
    start = at = geometry.pixels(images, images.dtype)
    for name, (source, scale) in {
        "ShearX": (geometry.sheared_x, 1),
        "ShearY": (geometry.sheared_y, 1),
        "TranslateX": (geometry.shifted_x, width),
        "TranslateY": (geometry.shifted_y, height),
        "Rotate": (geometry.rotated, 1),
    }.items():
        there, gate = source(start, amounts * scale), _is(operation, name)[:, 0]
        at = Places(*(torch.where(gate, a, b) for a, b in zip(there, at, strict=True)))
    return geometry.sample_bilinear(images, at, OUTSIDE)


def _blended(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Multiply the distance from black, the grey image, its mean or the blurred image by 1 + m."""
    import torch

    origin = torch.where(_is(operation, "Color"), operations.grey(images), 0.0)
    mean = operations.grey(images).mean((1, 2, 3), keepdim=True)
    origin = torch.where(_is(operation, "Contrast"), mean, origin)
    origin = torch.where(_is(operation, "Sharpness"), _blurred(images), origin)
    return (images + amounts[:, None, None, None] * (images - origin)).clamp(0, 1)


def _blurred(images: Images) -> Images:
    """Images blurred by the kernel (1 1 1, 1 5 1, 1 1 1) / 13; the outermost pixels stay."""
    import torch.nn.functional as F

    if min(images.shape[2:]) < 3:
        return images
    inner = (9 * F.avg_pool2d(images, 3, stride=1) + 4 * images[:, :, 1:-1, 1:-1]) / 13
    edge = images - F.pad(images[:, :, 1:-1, 1:-1], (1, 1, 1, 1))
    return edge + F.pad(inner, (1, 1, 1, 1))


def _solarized(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Invert the values above 255 − m."""
    beyond = images.detach() - 1 + amounts[:, None, None, None] / 255
    step = straight_through((beyond > 0).to(images.dtype), (beyond / SOFTNESS).sigmoid())
    return images + step * (1 - 2 * images)


def _posterized(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Drop the lowest round(m) bits of every byte."""
    import torch

    with torch.no_grad():
        levels, below = (images * 255).round(), amounts.floor()

        def lost(bits: Amounts) -> Images:
            # A value may be rounded up to its byte, and then loses less than the byte does.
            return (levels.remainder(2 ** bits[:, None, None, None]) / 255).minimum(images)

        now, slope = lost(amounts.round()), lost(below + 1) - lost(below)
    return images - straight_through(now, slope * amounts[:, None, None, None])


def _stretched(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Stretch each channel to [0, 1]; a constant channel stays as it is."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = (high == low).to(images.dtype)
    return (images - low * (1 - flat)) / (high - low + flat)


def _equalized(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """Flatten the histogram of each channel, over bytes."""
    import torch

    with torch.no_grad():
        levels = (images * 255).round().to(torch.uint8)
        flattened = operations.equalize(levels, amounts).to(images.dtype) / 255
    return straight_through(flattened, images)


def _inverted(images: Images, operation: Operations, amounts: Amounts) -> Images:
    """1 − x."""
    return 1 - images


KINDS: tuple[tuple[Apply, tuple[str, ...]], ...] = (
    (_moved, ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")),
    (_blended, ("Brightness", "Color", "Contrast", "Sharpness")),
    (_solarized, ("Solarize",)),
    (_posterized, ("Posterize",)),
    (_stretched, ("AutoContrast",)),
    (_equalized, ("Equalize",)),
    (_inverted, ("Invert",)),
)


@cache
def _kinds(device: torch.device) -> Int[Tensor, " operations"]:
    """Place in KINDS of every operation; cached, because a copy to the GPU would wait."""
    import torch

    kinds = [next(k for k, (_, names) in enumerate(KINDS) if name in names) for name in NAMES]
    return torch.tensor(kinds, device=device)


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard` with the gradient of `soft`."""
    return hard.detach() + (soft - soft.detach())
