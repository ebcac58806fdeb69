"""Arrays that a trial keeps beside its record for other trials, such as logits."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import DataSummary
from evenhand.declared.trial import Kept, Trial
from evenhand.errors import RunError, StoreError
from evenhand.store import Store

Arrays = Mapping[str, np.ndarray]


def attachment_name(kind: Kept) -> str:
    """Name of the file with the arrays of a kind."""
    return f"{kind}.npz"


def to_npz(arrays: Arrays) -> bytes:
    """Arrays by name as a compressed NumPy archive."""
    content = io.BytesIO()
    # NumPy's type stub does not accept arrays by name.
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def read_arrays(store: Store, key: str, kind: Kept) -> dict[str, np.ndarray]:
    """Read the arrays of a kind that a trial kept.

    Raises `StoreError` where the file is missing, although the record names it, or is damaged.
    """
    again = f"  remove the folder {key}: the next run trains that trial again"
    try:
        content = store.attachment(key, attachment_name(kind))
    except StoreError as error:
        raise StoreError(
            f"{error}\n  this trial reads it, and the record beside it lists it as kept\n{again}"
        ) from None
    try:
        with np.load(io.BytesIO(content)) as archive:
            return dict(archive)
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        name = attachment_name(kind)
        raise StoreError(
            f"{key}/{name}: {len(content)} bytes that are no NumPy archive; the file is damaged\n"
            f"{again}"
        ) from None


def teacher_probabilities(
    trial: Trial, data: DataSummary, store: Store
) -> Float[np.ndarray, "n classes"] | None:
    """The teacher's class probabilities of the student's training images; None without a teacher.

    They are softmax(logits / temperature) at the end of the teacher's training, of images without
    augmentation. Raises `RunError` where the teacher was trained on other data.
    """
    if trial.teacher is None or trial.parent is None:
        return None
    from scipy.special import softmax

    teacher = store.read(trial.parent.key)
    if teacher.data is None or teacher.data.fingerprint != data.fingerprint:
        raise RunError(
            f"a student needs its teacher's training images; {trial.parent} was trained on others, "
            "because the data on disk have changed\n"
            "  train the teacher again, in another edition"
        )
    logits = read_arrays(store, teacher.key, "train_logits")["train_logits"]
    soft = softmax(logits.astype(np.float64) / trial.teacher.temperature, axis=1)
    return np.asarray(soft, dtype=np.float32)
