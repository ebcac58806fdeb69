"""Sources of images and features from PyTorch `Dataset`s.

    @dataset
    def fashion(root: str = "data"):
        return FashionMNIST(root), FashionMNIST(root, train=False)

A `Dataset` is read once, in order. torch is not imported: every object with a length and items of
an input and a label will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from evenhand.data.images import Images, Source, fingerprint
from evenhand.declared.record import DataReading
from evenhand.errors import DataError

SPLITS = ("train", "val", "test")
FORMS = (
    "return a `Source`, or PyTorch `Dataset`s: `train, test`, or `train, val, test`, or a dict "
    "with these keys"
)
ITEMS = "an item is `(input, label)` or `(input, label, group)`"
IN_BYTES = (
    "images are kept in bytes, and are normalised and augmented on the device: leave `Normalize` "
    "and random transforms out, and write the recipe's `mean`, `std` and `augment`"
)
SCALED = "images in floats from 0 to 1 were multiplied by 255, which gives whole numbers"
LEVELS = 255
TOLERANCE = 1e-3
"""Largest distance of a level from a whole number; `ToTensor` divides in float32."""


def from_datasets(name: str, made: object, facts: Mapping[str, Any]) -> Source:
    """The source whose splits are `Dataset`s.

    made   what the function of the data set returns
    facts  facts of the decorator, of which `classes` and `groups` name the labels and groups

    Raises `DataError` for an object of another kind, and for items that are neither images nor
    features with a label.
    """
    parts = _parts(name, made)
    read = {split: _read(f"{name}: {split}", part) for split, part in parts.items()}
    is_scaled = any(found.is_scaled for found in read.values())
    n_classes = max(int(found.images.labels.max()) for found in read.values()) + 1
    n_groups = max(int(found.images.groups.max()) for found in read.values()) + 1
    classes = facts.get("classes") or _names(parts["train"], "classes", n_classes)
    groups = facts.get("groups") or _names(parts["train"], "groups", n_groups)
    images = {split: found.images for split, found in read.items()}
    return Source(
        train=images["train"],
        test=images["test"],
        val=images.get("val"),
        classes=tuple(classes),
        groups=tuple(groups) if n_groups > 1 else ("all",),
        digest=fingerprint([images["train"], images.get("val"), images["test"]], []),
        reading=DataReading(notes=(SCALED,)) if is_scaled else None,
    )


def _parts(name: str, made: object) -> dict[str, Any]:
    """The `Dataset` of each split."""
    if isinstance(made, Mapping):
        parts = dict(made)
    elif isinstance(made, tuple | list) and len(made) in (2, 3):
        parts = dict(zip(("train", "test") if len(made) == 2 else SPLITS, made, strict=True))
    else:
        raise DataError(f"{name}() returns {kind_of(made)}\n  {FORMS}")
    unknown = [str(key) for key in parts if key not in SPLITS]
    missing = [split for split in ("train", "test") if parts.get(split) is None]
    if unknown or missing:
        what = (
            f"the split {missing[0]} is missing" if missing else f"no split is called {unknown[0]}"
        )
        raise DataError(f"{name}() returns {', '.join(map(str, parts))}: {what}\n  {FORMS}")
    for split, part in parts.items():
        if part is not None and not (hasattr(part, "__len__") and hasattr(part, "__getitem__")):
            raise DataError(
                f"{name}: {split} is {kind_of(part)}, which has no length or no items by index\n"
                f"  {FORMS}; {ITEMS}"
            )
    return {split: part for split, part in parts.items() if part is not None}


def kind_of(made: object) -> str:
    """The type of an object in words, with the length of a tuple."""
    if made is None:
        return "nothing"
    size = f" of {len(made)}" if isinstance(made, tuple | list) else ""
    return f"a {type(made).__name__}{size}"


class _Read(NamedTuple):
    images: Images
    is_scaled: bool
    """Whether floats were multiplied by 255."""


def _read(place: str, part: Any) -> _Read:
    n = len(part)
    if not n:
        raise DataError(f"{place} has no items\n  give it at least one of each class")
    first, again = (_item(place, part, 0).input for _ in range(2))
    if not np.array_equal(first, again):
        raise DataError(f"{place}: two reads of item 0 differ\n  {IN_BYTES}")
    inputs = np.empty((n, *first.shape), first.dtype)
    labels, groups = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for i in range(n):
        item = _item(place, part, i)
        if item.input.shape != first.shape or item.input.dtype != first.dtype:
            shown = [f"{'×'.join(map(str, x.shape))} {x.dtype}" for x in (item.input, first)]
            raise DataError(
                f"{place}: item {i} is {shown[0]}, and item 0 is {shown[1]}\n"
                "  give all items one size and one type, for example by `Resize`"
            )
        inputs[i], labels[i], groups[i] = item
    pixels, is_scaled = _pixels(place, inputs)
    return _Read(Images(pixels, labels, groups), is_scaled)


class _Item(NamedTuple):
    input: np.ndarray
    """An image [height, width, channels], or features [features]."""
    label: int
    group: int


def _item(place: str, part: Any, i: int) -> _Item:
    try:
        item = part[i]
    except (Exception, SystemExit) as error:
        # Foreign code may raise anything; the message names the item.
        why = f"{type(error).__name__}: {error}"
        raise DataError(f"{place}: item {i} cannot be read\n  {why}") from error
    if not isinstance(item, tuple | list) or len(item) not in (2, 3):
        raise DataError(f"{place}: item {i} is {kind_of(item)}\n  {ITEMS}")
    given, label, *group = item
    number = _whole(f"{place}: the label of item {i}", label)
    of_group = _whole(f"{place}: the group of item {i}", group[0]) if group else 0
    return _Item(_input(f"{place}: the input of item {i}", given), number, of_group)


def _whole(place: str, value: Any) -> int:
    found = np.asarray(value)
    if found.ndim or found.dtype.kind not in "iu" or found < 0:
        shown = repr(value) if found.ndim == 0 else f"an array of shape {list(found.shape)}"
        raise DataError(f"{place} is {shown}\n  write a whole number from 0")
    return int(found)


def _input(place: str, given: Any) -> np.ndarray:
    """An image as [height, width, channels], or a vector of features."""
    mode = getattr(given, "mode", None)
    if isinstance(mode, str) and hasattr(given, "convert"):
        if mode not in ("L", "RGB"):
            raise DataError(
                f"{place} is a picture of the mode {mode}\n"
                "  convert it in the `Dataset`: `image.convert('RGB')` or `image.convert('L')`"
            )
        found = np.asarray(given)
    else:
        found = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
        if found.ndim == 3 and hasattr(given, "detach"):
            if found.shape[0] not in (1, 3) and found.shape[2] in (1, 3):
                raise DataError(
                    f"{place} is a tensor {list(found.shape)}\n"
                    "  an image in a tensor is [channels, height, width]: `permute(2, 0, 1)`"
                )
            found = found.transpose(1, 2, 0)
    if found.dtype.kind not in "iuf" or found.ndim not in (1, 2, 3):
        shape = f" of shape {list(found.shape)}" if found.dtype.kind in "iufb" else ""
        raise DataError(
            f"{place} is {kind_of(given)}{shape} of {found.dtype}\n"
            "  give a picture, an image [channels, height, width] in bytes, or a vector of features"
        )
    return found[..., None] if found.ndim == 2 else found


def _pixels(place: str, inputs: np.ndarray) -> tuple[np.ndarray, bool]:
    """Images in bytes or features in float32, and whether floats were multiplied by 255."""
    if inputs.ndim == 2:
        return _features(place, inputs)[:, None, None, :], False
    if inputs.dtype == np.uint8:
        return inputs, False
    if inputs.dtype.kind == "f" and inputs.min() >= 0 and inputs.max() <= 1:
        levels = np.rint(inputs * LEVELS)
        if np.abs(inputs * LEVELS - levels).max() < TOLERANCE:
            return levels.astype(np.uint8), True
    low, high = inputs.min(), inputs.max()
    raise DataError(
        f"{place}: the images are {inputs.dtype} from {low:.6g} to {high:.6g}, and not bytes\n"
        f"  {IN_BYTES}; `PILToTensor()` gives bytes, and those of `ToTensor()` are converted back"
    )


def _features(place: str, inputs: Shaped[np.ndarray, "n features"]) -> np.ndarray:
    found = inputs.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(found).all(1))
    if len(wrong):
        raise DataError(
            f"{place}: {len(wrong):,} of {len(found):,} items have features that are not finite, "
            f"the first is item {wrong[0]}\n  leave these items out, or fill the values in"
        )
    return found


def _names(part: Any, attribute: str, n: int) -> Sequence[str]:
    """Names that a `Dataset`, or the one that it is a part of, has; else numbers."""
    for each in _chain(part):
        names = getattr(each, attribute, None)
        if isinstance(names, tuple | list) and len(names) >= n and names:
            return tuple(map(str, names))
    return tuple(map(str, range(n)))


def _chain(part: Any) -> Iterator[Any]:
    """A `Dataset` and those that it is a part of, such as the one of a `Subset`."""
    while part is not None:
        yield part
        part = getattr(part, "dataset", None)
