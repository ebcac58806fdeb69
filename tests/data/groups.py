"""Small folders in the forms in which data with groups come."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

SPLITS = ("train", "val", "test")
ATTRIBUTES = ("Smiling", "Blond_Hair", "Male")


def picture(path: Path, size: tuple[int, int], seed: int) -> None:
    """Noise; size is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def write_waterbirds(place: Path) -> Path:
    """The makers' layout with one image of each cell in each split: 12; the folder's path."""
    folder = place / "waterbird_complete95_forest2water2"
    cells = [(s, y, g) for s in range(3) for y in range(2) for g in range(2)]
    rows = []
    for i, (split, y, background) in enumerate(cells):
        name = f"{y:03}.Bird/bird_{i}.jpg"
        picture(folder / name, (20 + i, 30), i)
        rows.append([i, name, y, split, background, "/o/ocean/1.jpg"])
    write_rows(
        folder / "metadata.csv",
        [["img_id", "img_filename", "y", "split", "place", "place_filename"], *rows],
    )
    return folder


def write_celeba(place: Path, *, as_csv: bool = False) -> Path:
    """The makers' lists and images, two of each (blond, male) cell in each split: 24."""
    folder = place / "celeba"
    cells = [(s, b, m, k) for s in range(3) for b in (0, 1) for m in (0, 1) for k in (0, 1)]
    names = [f"{i + 1:06}.jpg" for i in range(len(cells))]
    signs = [[2 * v - 1 for v in (k, blond, male)] for _, blond, male, k in cells]
    for i, name in enumerate(names):
        picture(folder / "img_align_celeba" / name, (18, 22), i)
    if as_csv:
        header = ["image_id", *ATTRIBUTES]
        rows = [[name, *values] for name, values in zip(names, signs, strict=True)]
        write_rows(folder / "list_attr_celeba.csv", [header, *rows])
        splits = [[name, cell[0]] for name, cell in zip(names, cells, strict=True)]
        write_rows(folder / "list_eval_partition.csv", [["image_id", "partition"], *splits])
        return folder
    lines = [f"{len(names)}", " ".join(ATTRIBUTES)]
    lines += [
        f"{name}  " + "  ".join(f"{v:2}" for v in values)
        for name, values in zip(names, signs, strict=True)
    ]
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    splits = [f"{name} {cell[0]}" for name, cell in zip(names, cells, strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(splits) + "\n")
    return folder


def birds(per_cell: int = 4) -> list[dict[str, object]]:
    """Rows of a table: two features that tell species and place, for each cell of each split."""
    rng = np.random.default_rng(0)
    found: list[dict[str, object]] = []
    for split in SPLITS:
        for y, species in enumerate(("gull", "owl")):
            for g, place in enumerate(("land", "sea")):
                for _ in range(per_cell):
                    first, second = rng.normal([y, g], 0.1).round(3)
                    row = {"f_1": first, "f_2": second, "species": species, "place": place}
                    found.append({**row, "split": split})
    return found


def write_table(path: Path, rows: list[dict[str, object]]) -> Path:
    """As `.csv`; nothing where a value is None."""
    header = list(rows[0])
    write_rows(path, [header, *([row.get(name) for name in header] for row in rows)])
    return path


def write_rows(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
