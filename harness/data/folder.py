"""A mirror as folders of image files: `train/CLASS/*.png`, `test/CLASS/*.png`, or webp or jpg."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from harness.data.images import Images, Source
from harness.data.original import Original
from harness.errors import DataError, suggest

CALLED = "image folder"
SUFFIXES = frozenset({".png", ".webp", ".jpg", ".jpeg"})


def form(original: Original) -> str:
    """How these files look, in words."""
    return f"image files: train/{original.classes[0]}/*.png (or webp, jpg) and test/…"


def fits(original: Original, place: Path) -> bool:
    """Whether there is a folder for each split, with folders in it."""
    return all(
        (place / split).is_dir() and any(path.is_dir() for path in (place / split).iterdir())
        for split in ("train", "test")
    )


def read(original: Original, place: Path) -> Source:
    """Classes have the official order, images that of their names.

    Raises `DataError` for a class without folder, a folder that is no class, and torn images.
    """
    return Source(
        train=_split(original, place / "train"),
        test=_split(original, place / "test"),
        classes=original.classes,
        per_class=original.train,
        in_official_order=False,
    )


def _split(original: Original, folder: Path) -> Images:
    by_class = _folders(original, folder)
    paths = [(label, path) for label, there in enumerate(by_class) for path in _files(there)]
    pixels = np.empty((len(paths), *original.shape), dtype=np.uint8)
    for i, (_, path) in enumerate(paths):
        pixels[i] = decoded(path, original, str(path))
    labels = np.array([label for label, _ in paths], dtype=np.int64)
    return Images(pixels, labels, np.zeros_like(labels))


def _folders(original: Original, folder: Path) -> list[Path]:
    """One a class, in the official order."""
    there: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        name = original.also.get(path.name, path.name)
        if name not in original.classes or name in there:
            hint = suggest(path.name, original.classes).hint
            raise DataError(f"{path}: no class of {original.name}{hint and f': {hint}'}")
        there[name] = path
    missing = [name for name in original.classes if name not in there]
    if missing:
        raise DataError(
            f"{folder}: no folder for {', '.join(missing)}\n"
            f"  {original.name} has {len(original.classes)} classes, each a folder by its name"
        )
    return [there[name] for name in original.classes]


def _files(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    for path in found:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path}: not an image: {', '.join(sorted(SUFFIXES))}\n"
                "  remove it; a name like *.part is left by a copy that did not end"
            )
    return found


def decoded(file: object, original: Original, place: str) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of an image file or of its bytes. Raises `DataError` with its place."""
    from PIL import Image

    height, width, channels = original.shape
    try:
        with Image.open(file) as image:  # type: ignore[arg-type]
            pixels = np.asarray(image.convert("RGB" if channels == 3 else "L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{place}: torn, or not an image: {error}\n  copy it again") from None
    if pixels.shape[:2] != (height, width):
        found = f"{pixels.shape[0]} × {pixels.shape[1]}"
        raise DataError(f"{place}: is {found}; images of {original.name} are {height} × {width}")
    return pixels.reshape(original.shape)
