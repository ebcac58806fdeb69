"""Writer of features as a table that the data set `table` reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from evenhand.data.images import Images, Source
from evenhand.errors import DataError

FORMS = (".npz", ".parquet")


def splits(source: Source) -> dict[str, Images]:
    """The splits of a source, by name."""
    found = {"train": source.train, "val": source.val, "test": source.test}
    return {name: images for name, images in found.items() if images is not None}


def check_form(path: Path) -> None:
    """Raise `DataError` for a file of another kind, or in a folder that does not exist."""
    if path.suffix.lower() not in FORMS:
        raise DataError(
            f"{path}: features are written to a file in {' or '.join(FORMS)}\n  name such a file"
        )
    if not path.parent.is_dir():
        raise DataError(f"{path.parent}: there is no such folder\n  make it, or name another one")


def save(
    path: Path, source: Source, found: Mapping[str, Float32[np.ndarray, "n features"]]
) -> None:
    """Write the features, label, group and split of each example.

    The file gets its name when it is whole. Raises `DataError` where it cannot be written.
    """
    parts = splits(source)
    columns = {
        "label": np.concatenate([np.array(source.classes)[parts[s].labels] for s in found]),
        "group": np.concatenate([np.array(source.groups)[parts[s].groups] for s in found]),
        "split": np.concatenate([np.repeat(s, len(parts[s])) for s in found]),
    }
    features = np.concatenate(list(found.values()))
    new = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        write = _npz if path.suffix.lower() == ".npz" else _parquet
        write(new, features, columns)
        new.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        new.unlink(missing_ok=True)


def _npz(path: Path, features: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
    np.savez(path, features=features, **columns)  # type: ignore[arg-type]


def _parquet(path: Path, features: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), features.shape[1])
    texts = {name: pa.array(values.tolist()) for name, values in columns.items()}
    pq.write_table(pa.table({"features": lists, **texts}), path)
