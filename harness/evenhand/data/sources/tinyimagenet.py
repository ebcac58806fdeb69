"""TinyImageNet: 200 classes of ImageNet, 64×64 colour, prepared once by `evenhand data prepare`.

The authors' test images have no labels, so that their validation images are the test split here.
Classes are named by their WordNet numbers and sorted by them. In some copies classes have other
numbers; the names are therefore read from the files. In such a copy a long tail has other rare
classes, and the fingerprint differs. Single files have no checksums: of an unpacked folder the
layout and the number of images of each class are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from evenhand.data.files import folder
from evenhand.data.files.data_root import data_command
from evenhand.data.files.original import Archive, Original
from evenhand.data.files.prepared import load
from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset
from evenhand.errors import DataError, suggest

CLASSES = "wnids.txt"
ANNOTATIONS = "val_annotations.txt"


def holds(place: Path) -> bool:
    """Whether a folder has the authors' layout: a folder of validation images, a file of labels."""
    return (place / "val" / "images").is_dir() or (place / "val" / ANNOTATIONS).is_file()


def read(original: Original, place: Path) -> Source:
    """Read the images class by class, those of a class in the order of their files' names.

    Raises `DataError` for missing or damaged files, and for annotations of unknown classes.
    """
    names = [line.strip() for line in _lines(place / CLASSES)]
    original = original.with_classes([name for name in names if name], place / CLASSES)
    return Source(
        train=folder.split(original, place / "train"),
        test=_annotated(original, place / "val"),
        classes=original.classes,
        per_class=original.train,
    )


def _annotated(original: Original, place: Path) -> Images:
    """The labelled validation images."""
    labels = _annotations(original, place / ANNOTATIONS)
    there = {path.name: path for path in folder.files(place / "images")}
    for name in sorted(labels.keys() ^ there.keys()):
        what = "is missing, but annotated" if name in labels else "has no class"
        raise DataError(
            f"{place / 'images' / name}: {what} in {place / ANNOTATIONS}; {len(labels):,} images "
            f"are annotated, and {len(there):,} exist\n  copy both again"
        )
    in_order = sorted((label, name) for name, label in labels.items())
    return folder.images(original, [(label, there[name]) for label, name in in_order])


def _annotations(original: Original, path: Path) -> Mapping[str, int]:
    """Label of each file. A line has file, class and corners of a box, separated by tabs."""
    known = {name: label for label, name in enumerate(original.classes)}
    labels: dict[str, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        name, _, rest = line.partition("\t")
        of_class = rest.partition("\t")[0].strip()
        if of_class not in known:
            hint = suggest(of_class, original.classes).hint
            raise DataError(
                f"{path}:{number}: {name} is of the class {of_class!r}, which is not in {CLASSES}"
                f"{hint and f': {hint}'}\n  copy both files again"
            )
        labels[name] = known[of_class]
    return labels


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}\n  it is part of {ARCHIVE.filename}: copy all of its files, "
            f"or download it: `{data_command('prepare', 'tinyimagenet')}`"
        ) from None


ARCHIVE = Archive(
    url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    # The authors give no checksum. This one is in the loaders of many projects, such as Avalanche.
    md5="90528d7ca1a48142e341f4ef8d21d0de",
    folder="tiny-imagenet-200",
    holds=holds,
    read=read,
)

TINYIMAGENET = Original(
    name="tinyimagenet",
    classes=(),
    unnamed=200,
    shape=(64, 64, 3),
    train=500,
    test=50,
    official=ARCHIVE,
    test_names=("val", "test"),
)


@dataset(cite="le2015tiny", title="TinyImageNet", **TINYIMAGENET.facts)
def tinyimagenet(size: Literal[32, 64] = 64) -> Source:
    """TinyImageNet: 200 classes, 64×64 or 32×32 colour, 500 training, 50 test images in each class.

    For `size` 32 the images are halved when they are loaded: each pixel is the mean of four.
    """
    source = load(TINYIMAGENET)
    if size == TINYIMAGENET.shape[0]:
        return source
    # Halved once: the processes of a run share the result, which is no file.
    return replace(source, train=halved(source.train), test=halved(source.test), files=None)


def halved(images: Images) -> Images:
    """Images with half the height and width, by Pillow's box filter."""
    from PIL import Image

    n, height, width, channels = images.pixels.shape
    pixels = np.empty((n, height // 2, width // 2, channels), dtype=np.uint8)
    for i, whole in enumerate(images.pixels):
        pixels[i] = np.asarray(Image.fromarray(whole).reduce(2))
    return replace(images, pixels=pixels)
