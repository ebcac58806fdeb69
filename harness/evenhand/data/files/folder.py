"""Reader of folders of image files: `train/CLASS/*.png`, `test/CLASS/*.png`, or webp or jpg.

The images of a class may be in a folder of their own: `train/CLASS/images/*.png`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from evenhand.data.files.batch_decoding import decode_all
from evenhand.data.files.decoding import Decoder
from evenhand.data.files.image_file import ImageFile
from evenhand.data.files.original import Original
from evenhand.data.images import Images, Source
from evenhand.errors import DataError, listed, suggest

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORM_NAME = "image folder"
SUFFIXES = frozenset({".png", ".webp", ".jpg", ".jpeg"})


def form(original: Original) -> str:
    """Description of these files."""
    of_class = original.classes[0] if original.classes else "CLASS"
    tests = " or ".join(f"{name}/…" for name in original.test_names)
    return f"image files: train/{of_class}/*.png (or webp, jpg) and {tests}"


def fits(original: Original, place: Path) -> bool:
    """Whether a place has a folder for each split, with folders in it."""
    return _has_classes(place / "train") and _test(original, place) is not None


def read(original: Original, place: Path) -> Source:
    """Read both splits: classes in the official order, images in the order of their names.

    Raises `DataError` for a class without a folder, a folder that is not a class, and damaged
    images.
    """
    test = _test(original, place)
    assert test is not None
    original = original.with_classes(
        [path.name for path in _visible(place / "train")], place / "train"
    )
    return Source(
        train=split(original, place / "train"),
        test=split(original, test),
        classes=original.classes,
        per_class=original.train,
        in_official_order=False,
    )


def split(original: Original, folder: Path) -> Images:
    """Images of a folder of classes: class by class, each in the order of the files' names."""
    by_class = _folders(original, folder)
    return images(
        original, [(label, path) for label, there in enumerate(by_class) for path in files(there)]
    )


def images(original: Original, labelled: Sequence[tuple[int, Path]]) -> Images:
    """Decode image files, each given with its class."""
    paths = [path for _, path in labelled]
    pixels = decoded(paths, original, lambda i: str(paths[i]))
    labels = np.array([label for label, _ in labelled], dtype=np.int64)
    return Images(pixels, labels, np.zeros_like(labels))


def _has_classes(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_dir() for path in folder.iterdir())


def _test(original: Original, place: Path) -> Path | None:
    """The folder of the test split."""
    there = [place / name for name in original.test_names if _has_classes(place / name)]
    return there[0] if there else None


def _visible(folder: Path) -> list[Path]:
    """Folders in a folder, sorted by name, without hidden ones."""
    paths = sorted(_listed(folder))
    return [path for path in paths if path.is_dir() and not path.name.startswith(".")]


def _listed(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder\n  copy or download it again")
    return list(folder.iterdir())


def _folders(original: Original, folder: Path) -> list[Path]:
    """Folders of the classes, in the official order."""
    there: dict[str, Path] = {}
    for path in _visible(folder):
        name = original.aliases.get(path.name, path.name)
        if name not in original.classes or name in there:
            hint = suggest(path.name, original.classes).hint
            raise DataError(
                f"{path}: each folder is a class of {original.name}, and {path.name!r} is not"
                f"{hint and f': {hint}'}\n  rename or remove it"
            )
        there[name] = path
    missing = [name for name in original.classes if name not in there]
    if missing:
        raise DataError(
            f"{folder}: {original.name} needs a folder for each of its {len(original.classes)} "
            f"classes, and has none for {listed(missing, 8)}\n  copy it again"
        )
    return [there[name] for name in original.classes]


def files(folder: Path) -> list[Path]:
    """Image files of a class, sorted by name."""
    own = folder / "images"
    folder = own if own.is_dir() else folder
    found = [path for path in sorted(_listed(folder)) if not path.name.startswith(".")]
    for path in found:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path}: not an image in {', '.join(sorted(SUFFIXES))}\n"
                "  remove it; a name such as *.part comes from a copy that did not end"
            )
    return found


def decoded(
    files: Sequence[ImageFile], original: Original, name: Callable[[int], str]
) -> UInt8[np.ndarray, "n h w c"]:
    """Decode image files of an official size.

    name   place of the i-th file, for messages

    Raises `DataError` for files of another size and for those that are refused.
    """
    pixels = np.empty((len(files), *original.shape), dtype=np.uint8)
    decoder = Decoder(channels=original.shape[-1])
    outcome = decode_all(files, decoder, partial(_of_size, original), pixels)
    for i in sorted(outcome.refused):
        raise DataError(f"{name(i)}: {outcome.refused[i]}")
    return pixels


def _of_size(original: Original, picture: Picture) -> UInt8[np.ndarray, "h w c"]:
    pixels = np.asarray(picture)
    height, width, _ = original.shape
    if pixels.shape[:2] != (height, width):
        found = f"{pixels.shape[0]} × {pixels.shape[1]}"
        raise DataError(
            f"images of {original.name} are {height} × {width}, and this one is {found}\n"
            "  take the official files"
        )
    return pixels.reshape(original.shape)
