"""Waterbirds: birds cut out and put before land or water, prepared once from the makers' folder.

Three landbird species are labelled as waterbirds, as the makers say; we keep their labels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evenhand.data.files.columns import Columns, read
from evenhand.data.files.image_list import Listing, Rows, View, listing
from evenhand.data.files.original import Archive, Original
from evenhand.data.files.prepared import load
from evenhand.data.images import Source
from evenhand.data.sources.table import splits_of
from evenhand.declared.registry import dataset

METADATA = "metadata.csv"
CLASSES = ("landbird", "waterbird")
GROUPS = ("land", "water")
VIEW = View(resize=256, crop=224)


def holds(place: Path) -> bool:
    """Whether a folder has the makers' table of images."""
    return (place / METADATA).is_file()


def read_folder(original: Original, place: Path) -> Listing:
    """In the order of the table. Raises `DataError` for rows that say what cannot be."""
    columns = read(place / METADATA)
    rows = Rows(
        labels=_number(columns, "y", original.classes),
        groups=_number(columns, "place", original.groups),
        splits=splits_of(columns, "split"),
        classes=original.classes,
        group_names=original.groups,
    )
    return listing(columns, rows, columns.texts("img_filename", "image"), place, VIEW)


def _number(columns: Columns, name: str, called: tuple[str, ...]) -> np.ndarray:
    """A column that numbers these names."""
    texts = columns.texts(name, name)
    known = {str(i): i for i in range(len(called))}
    columns.refuse(
        np.array([text not in known for text in texts]),
        f"have another {name!r} than {' or '.join(known)}",
        ", ".join(f"{i} is {what}" for i, what in enumerate(called)) + ": copy the table again",
    )
    return np.array([known[text] for text in texts], dtype=np.int64)


WATERBIRDS = Original(
    name="waterbirds",
    classes=CLASSES,
    groups=GROUPS,
    shape=VIEW.shape,
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
    """Waterbirds: 2 classes before 2 backgrounds, 224×224 colour, 4,795 training images.

    Images were resized to 256×256 whatever their proportions, and the middle cut out, when they
    were prepared. The backgrounds are the groups; they have a validation split of their own.
    """
    return load(WATERBIRDS)
