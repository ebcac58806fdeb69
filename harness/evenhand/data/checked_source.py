"""Checks of sources that a data set of the user's own returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evenhand.data.images import Images, Source
from evenhand.data.torch_dataset import from_datasets, kind_of
from evenhand.declared.registry import Registered
from evenhand.errors import DataError


def checked_source(registered: Registered, made: object) -> Source:
    """The source that the function of a data set returns, or that its `Dataset`s hold.

    Raises `DataError` for anything else, for images, labels or groups that do not fit together, and
    for data that contradict the decorator.
    """
    name, facts = registered.name, registered.facts
    source = made if isinstance(made, Source) else from_datasets(name, made, facts)
    splits = {"train": source.train, "val": source.val, "test": source.test}
    for split, images in splits.items():
        if images is not None or split != "val":
            _check_images(f"{name}: {split}", images, source)
    classes, groups = (tuple(map(str, names)) for names in (source.classes, source.groups))
    # The function may have read other files as well, which are not known by a fingerprint.
    source = replace(source, classes=classes, groups=groups, files=None)
    _check_facts(name, source, facts)
    return source


def _check_images(place: str, images: object, source: Source) -> None:
    if not isinstance(images, Images):
        right = (
            "write `Images(pixels, labels, groups)`, or return the `Dataset`s without a `Source`"
        )
        raise DataError(f"{place} is {kind_of(images)}\n  {right}")
    _check_pixels(place, images)
    if images.shape != source.train.shape:
        found, right = ("×".join(map(str, s)) for s in (images.shape, source.train.shape))
        raise DataError(
            f"{place} has images of {found}\n  those of train are {right}; give all one size"
        )
    _check_numbers(
        f"{place} has labels", images.labels, len(images.pixels), "classes", source.classes
    )
    _check_numbers(
        f"{place} has groups", images.groups, len(images.pixels), "groups", source.groups
    )


def _check_pixels(place: str, images: Images) -> None:
    kind, shape = getattr(images.pixels, "dtype", None), tuple(np.shape(images.pixels))
    is_image = kind == np.uint8 and len(shape) == 4
    is_features = kind == np.float32 and len(shape) == 4 and shape[1:3] == (1, 1)
    if not (is_image or is_features) or not isinstance(images.pixels, np.ndarray) or not shape[0]:
        raise DataError(
            f"{place} has pixels of {kind} and shape {list(shape)}\n"
            "  give arrays of images in uint8 [n, height, width, channels], or of features in "
            "float32 [n, 1, 1, features], with n of at least 1"
        )


def _check_numbers(place: str, values: Any, n: int, what: str, names: tuple[str, ...]) -> None:
    found = np.asarray(values)
    if found.dtype.kind not in "iu" or found.shape != (n,):
        raise DataError(
            f"{place} of {found.dtype} and shape {list(found.shape)}\n"
            f"  give an array of {n:,} whole numbers, one for each image"
        )
    outside = found[(found < 0) | (found >= len(names))]
    if len(outside):
        raise DataError(
            f"{place} such as {outside[0]}, and the source names {len(names)} {what}\n"
            f"  count from 0 to {len(names) - 1}, or name all {what}"
        )


def _check_facts(name: str, source: Source, facts: Mapping[str, Any]) -> None:
    n_classes, n_groups = len(source.classes), len(source.groups)
    found: dict[str, Any] = {"n_classes": n_classes, "n_groups": n_groups}
    found |= {"shape": tuple(source.train.shape), "classes": source.classes}
    for fact, value in found.items():
        stated = facts.get(fact, value)
        stated = tuple(stated) if isinstance(stated, list) else stated
        if stated != value:
            raise DataError(
                f"{name}: the decorator states {fact} = {stated}, and the data have {value}\n"
                "  correct the decorator, or leave the fact out"
            )
