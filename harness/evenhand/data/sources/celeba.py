"""CelebA: faces with forty attributes, of which one is the label and one the group.

It is prepared once from the authors' lists and aligned images, and takes 30 GB. The attributes are
stored with the images, so that another label or group needs no second preparation.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int8

from evenhand.data.files.columns import Columns, read
from evenhand.data.files.image_list import ImageTransform, ListedSource, Rows, list_images
from evenhand.data.files.original import Archive, Original
from evenhand.data.files.prepared import load, load_extra
from evenhand.data.files.split_rule import splits_of
from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset
from evenhand.errors import DataError, suggest

LISTS = ("list_attr_celeba", "list_eval_partition")
IMAGES = "img_align_celeba"
TRANSFORM = ImageTransform(square=True, resize=224)
LABEL, GROUP = "Blond_Hair", "Male"
ATTRIBUTES, NAMES = "attributes.npy", "attribute_names.npy"


def holds(place: Path) -> bool:
    """Whether a folder has both of the authors' lists, in their format or as `.csv`."""
    return all(_list(place, name) is not None for name in LISTS)


def _list(place: Path, name: str) -> Path | None:
    return next((p for s in ("txt", "csv") if (p := place / f"{name}.{s}").is_file()), None)


def read_folder(original: Original, place: Path) -> ListedSource:
    """Read the images in the order of the attribute list. Raises `DataError` for invalid rows."""
    of_attributes, of_splits = (_columns(place, name) for name in LISTS)
    files = of_attributes.texts(next(iter(of_attributes.values)), "image")
    names = [*of_attributes.values][1:]
    attributes = np.stack([_binary(of_attributes, name) for name in names], axis=1)
    rows = Rows(
        labels=attributes[:, _place(LABEL, names)].astype(np.int64),
        groups=attributes[:, _place(GROUP, names)].astype(np.int64),
        splits=_splits(of_attributes, of_splits, files),
        classes=original.classes,
        group_names=original.groups,
    )
    folder = place / IMAGES
    # Some copies have this folder inside a folder of the same name.
    folder = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    found = list_images(of_attributes, rows, files, folder, TRANSFORM)
    parts = {"train": found.train, "val": found.val, "test": found.test}
    kept = {f"{k}.{ATTRIBUTES}": attributes[part.rows] for k, part in parts.items() if part}
    return replace(found, extras={**kept, NAMES: np.array(names, dtype=str)})


def _columns(place: Path, name: str) -> Columns:
    """A list of the authors', with columns separated by spaces, or its `.csv` form."""
    path = _list(place, name)
    assert path is not None
    if path.suffix == ".csv":
        return read(path)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    # The attribute list begins with the number of images and a line of attribute names.
    header = lines[1].split() if len(lines) > 1 and len(lines[0].split()) == 1 else []
    skipped = 2 if header else 0
    fields = [line.split() for line in lines[skipped:]]
    wanted = len(header or ["partition"]) + 1
    found = Columns(path, {"image": np.array([f[0] if f else "" for f in fields], dtype=object)})
    found = replace(found, first=skipped + 1)
    found.reject_rows(
        np.array([len(f) != wanted for f in fields], dtype=bool),
        f"do not have {wanted} fields",
        "the list is damaged or incomplete: copy it again",
    )
    by_column = np.array(fields, dtype=object).reshape(len(fields), wanted).T
    values = zip(["image", *(header or ["partition"])], by_column, strict=True)
    return replace(found, values=dict(values))


def _binary(columns: Columns, name: str) -> Int8[np.ndarray, " rows"]:
    """1 where a face has the attribute, else 0; the authors write 1 and −1."""
    texts = columns.texts(name, "value")
    columns.reject_rows(
        np.array([text not in ("-1", "0", "1") for text in texts]),
        f"have neither 1 nor -1 in {name!r}",
        "copy the list again",
    )
    return np.asarray(texts == "1", dtype=np.int8)


def _splits(attributes: Columns, partition: Columns, files: np.ndarray) -> np.ndarray:
    """The split of each file, in the order of the list of attributes."""
    name, column = [*partition.values][:2]
    split_of = dict(zip(partition[name].tolist(), splits_of(partition, column), strict=True))
    attributes.reject_rows(
        np.array([file not in split_of for file in files]),
        f"name an image that is not in {partition.path.name}",
        "copy both lists again",
    )
    return np.array([split_of[file] for file in files], dtype=object)


def _place(name: str, names: list[str]) -> int:
    if name not in names:
        said = suggest(name, names, "attribute")
        raise DataError(f"celeba has no attribute {name!r}\n  {said.right}\n  {said.hint}".rstrip())
    return names.index(name)


def _named(attribute: str) -> tuple[str, str]:
    return f"not {attribute}", attribute


CELEBA = Original(
    name="celeba",
    classes=_named(LABEL),
    groups=_named(GROUP),
    shape=TRANSFORM.shape,
    official=Archive(
        url="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        md5=None,
        folder="celeba",
        holds=holds,
        read=read_folder,
        layout=f"{LISTS[0]}.txt, {LISTS[1]}.txt (or both as .csv) and {IMAGES}/*.jpg",
    ),
)


@dataset(
    cite="liu2015deep",
    title="CelebA",
    own_val=True,
    **{k: v for k, v in CELEBA.facts.items() if k != "classes"},
)
def celeba(label: str = LABEL, group: str = GROUP) -> Source:
    """CelebA: 162,770 training faces, 224×224 colour; one attribute is label, one is group.

    The central 178×178 pixels of an image are resized. By default the label is blond hair and the
    group is male, as in sagawa2020distributionally.
    """
    if label == group:
        raise DataError(
            f"celeba: label and group must be different attributes; both are {label}\n"
            "  choose another group"
        )
    source = load(CELEBA)
    names = [str(name) for name in load_extra(source, NAMES)]
    places = [_place(name, names) for name in (label, group)]

    def chosen(images: Images, split: str) -> Images:
        labels, groups = load_extra(source, f"{split}.{ATTRIBUTES}")[:, places].T.astype(np.int64)
        return Images(images.pixels, labels, groups)

    return replace(
        source,
        train=chosen(source.train, "train"),
        test=chosen(source.test, "test"),
        val=None if source.val is None else chosen(source.val, "val"),
        classes=_named(label),
        groups=_named(group),
    )
