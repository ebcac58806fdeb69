"""Small data sets in every form in which real ones come."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from torchvision import datasets

from evenhand.data.files.original import Original
from evenhand.data.images import Images, Source
from evenhand.data.sources.cifar import CIFAR10, CIFAR100

TINY = Original(name="tiny", classes=("ant", "bee", "cow"), shape=(4, 6, 3), train=5, test=2)
SQUARE = replace(TINY, shape=(4, 4, 3))
SMALL10 = replace(CIFAR10, train=6, test=2, test_digest=("", ""))
SMALL100 = replace(CIFAR100, train=2, test=1)


def images(original: Original, per_class: int, *, seed: int = 0, shuffled: bool = False) -> Images:
    """Noise: every image is another."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(original.classes)), per_class)
    if shuffled:
        rng.shuffle(labels)
    pixels = rng.integers(0, 256, (len(labels), *original.shape), dtype=np.uint8)
    return Images(pixels, labels, np.zeros_like(labels))


def source(original: Original, *, shuffled: bool = False) -> Source:
    return Source(
        train=images(original, original.train, shuffled=shuffled),
        test=images(original, original.test, seed=1, shuffled=shuffled),
        classes=original.classes,
        per_class=original.train,
    )


def encoded(pixels: np.ndarray, form: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **({"lossless": True} if form == "webp" else {}))
    return file.getvalue()


def write_folder(original: Original, made: Source, place: Path, form: str = "png") -> Path:
    """`train/ant/0000.png` and so on; a class keeps its order."""
    for split, part in (("train", made.train), ("test", made.test)):
        for c, name in enumerate(original.classes):
            folder = place / split / name
            folder.mkdir(parents=True)
            for i, pixels in enumerate(part.pixels[part.labels == c]):
                (folder / f"{i:04}.{form}").write_bytes(encoded(pixels, form))
    return place


def write_parquet(
    original: Original,
    made: Source,
    place: Path,
    *,
    label: str = "label",
    image: str = "image",
    names: tuple[str, ...] = (),
    bare: bool = False,
) -> Path:
    """As the hub has it: a struct of bytes and path, and the names of the labels in the schema."""
    (place / "data").mkdir(parents=True)
    for split, part in (("train", made.train), ("test", made.test)):
        files = [encoded(pixels) for pixels in part.pixels]
        column = files if bare else [{"bytes": file, "path": None} for file in files]
        table = pa.table({image: column, label: part.labels.tolist()})
        if names:
            features = {label: {"names": list(names), "_type": "ClassLabel"}}
            about = json.dumps({"info": {"features": features}})
            table = table.replace_schema_metadata({"huggingface": about})
        half = len(part) // 2
        for i, rows in enumerate((table.slice(0, half), table.slice(half))):
            pq.write_table(rows, place / "data" / f"{split}-0000{i}-of-00002.parquet")
    return place


def write_official(original: Original, made: Source, place: Path, monkeypatch) -> Path:
    """Pickles as the makers hand them out, and torchvision told their checksums."""
    kind = getattr(datasets, original.official)
    fine = original.official == "CIFAR100"
    folder = place / kind.base_folder
    folder.mkdir(parents=True)

    def write(name: str, what: object) -> str:
        (folder / name).write_bytes(pickle.dumps(what))
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    def batch(name: str, part: Images) -> list[str]:
        data = part.pixels.transpose(0, 3, 1, 2).reshape(len(part), -1)
        labels = {"fine_labels" if fine else "labels": part.labels.tolist()}
        return [name, write(name, {"data": data, **labels})]

    names = [name for name, _ in kind.train_list]
    pieces = np.array_split(np.arange(len(made.train)), len(names))
    train = [batch(n, made.train[piece]) for n, piece in zip(names, pieces, strict=True)]
    test = [batch(kind.test_list[0][0], made.test)]
    meta = kind.meta | {"md5": write(kind.meta["filename"], {kind.meta["key"]: original.classes})}
    for field, value in (("train_list", train), ("test_list", test), ("meta", meta)):
        monkeypatch.setattr(kind, field, value)
    return place


def write_archive(original: Original, made: Source, place: Path, monkeypatch) -> Path:
    """The same as one archive; its path."""
    kind = getattr(datasets, original.official)
    unpacked = write_official(original, made, place / "unpacked", monkeypatch)
    archive = place / kind.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(unpacked / kind.base_folder, kind.base_folder)
    monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    return archive


def write_tinyimagenet(made: Source, place: Path, form: str = "png") -> Path:
    """The layout of TinyImageNet's makers, whose files are all called JPEG; the folder's path.

    Validation images are numbered across classes, last class first.
    """
    folder = place / "tiny-imagenet-200"
    (folder / "val" / "images").mkdir(parents=True)
    (folder / "test" / "images").mkdir(parents=True)
    (folder / "wnids.txt").write_text("".join(f"{name}\n" for name in reversed(made.classes)))
    for c, name in enumerate(made.classes):
        (folder / "train" / name / "images").mkdir(parents=True)
        (folder / "train" / name / f"{name}_boxes.txt").write_text("")
        for i, pixels in enumerate(made.train.pixels[made.train.labels == c]):
            file = folder / "train" / name / "images" / f"{name}_{i}.JPEG"
            file.write_bytes(encoded(pixels, form))
    lines = []
    for i, (pixels, label) in enumerate(zip(made.test.pixels, made.test.labels, strict=True)):
        file = f"val_{len(made.test) - 1 - i:03}.JPEG"
        (folder / "val" / "images" / file).write_bytes(encoded(pixels, form))
        (folder / "test" / "images" / f"test_{i}.JPEG").write_bytes(encoded(pixels, form))
        lines.append(f"{file}\t{made.classes[label]}\t0\t32\t44\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    return folder


def regroup(folder: Path) -> None:
    """As scripts do it: each validation image goes into a folder of its class."""
    annotations = folder / "val" / "val_annotations.txt"
    for line in annotations.read_text().splitlines():
        file, name, *_ = line.split("\t")
        (folder / "val" / name).mkdir(exist_ok=True)
        (folder / "val" / "images" / file).rename(folder / "val" / name / file)
    (folder / "val" / "images").rmdir()
    annotations.unlink()
