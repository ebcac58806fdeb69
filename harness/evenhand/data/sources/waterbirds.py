"""Waterbirds: birds pasted on land or water backgrounds, prepared once from the authors' folder.

Three landbird species are labelled as waterbirds, as the authors state; their labels are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evenhand.data.files.columns import Columns, read
from evenhand.data.files.image_list import ImageTransform, ListedSource, Rows, list_images
from evenhand.data.files.original import Archive, Original
from evenhand.data.files.prepared import load
from evenhand.data.files.split_rule import splits_of
from evenhand.data.images import Source
from evenhand.declared.decorators import dataset

METADATA = "metadata.csv"
CLASSES = ("landbird", "waterbird")
GROUPS = ("land", "water")
TRANSFORM = ImageTransform(resize=256, crop=224)


def holds(place: Path) -> bool:
    """Whether a folder has the authors' table of images."""
    return (place / METADATA).is_file()


def read_folder(original: Original, place: Path) -> ListedSource:
    """Read the images in the order of the table. Raises `DataError` for invalid rows."""
    columns = read(place / METADATA)
    rows = Rows(
        labels=_number(columns, "y", original.classes),
        groups=_number(columns, "place", original.groups),
        splits=splits_of(columns, "split"),
        classes=original.classes,
        group_names=original.groups,
    )
    return list_images(columns, rows, columns.texts("img_filename", "image"), place, TRANSFORM)


def _number(columns: Columns, name: str, called: tuple[str, ...]) -> np.ndarray:
    """A column of numbers that stand for the names in `called`."""
    texts = columns.texts(name, name)
    known = {str(i): i for i in range(len(called))}
    columns.reject_rows(
        np.array([text not in known for text in texts]),
        f"have another {name!r} than {' or '.join(known)}",
        ", ".join(f"{i} is {what}" for i, what in enumerate(called)) + ": copy the table again",
    )
    return np.array([known[text] for text in texts], dtype=np.int64)


WATERBIRDS = Original(
    name="waterbirds",
    classes=CLASSES,
    groups=GROUPS,
    shape=TRANSFORM.shape,
    official=Archive(
        url="https://nlp.stanford.edu/data/dro/waterbird_complete95_forest2water2.tar.gz",
        md5=None,
        folder="waterbird_complete95_forest2water2",
        holds=holds,
        read=read_folder,
    ),
    published={
        "train": ((3498, 184), (56, 1057)),
        "val": ((467, 466), (133, 133)),
        "test": ((2255, 2255), (642, 642)),
    },
)


@dataset(cite="sagawa2020distributionally", title="Waterbirds", own_val=True, **WATERBIRDS.facts)
def waterbirds() -> Source:
    """Waterbirds: 2 classes, 2 groups, 224×224 colour, 4,795 training images.

    The groups are the backgrounds, land and water. The images were resized to 256×256, without
    keeping their proportions, and cropped at the centre when they were prepared. The data set has a
    validation split of its own.
    """
    return load(WATERBIRDS)
