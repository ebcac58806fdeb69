"""What a trial keeps beside its record for others that read it, and what a student reads."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import DataSummary
from evenhand.declared.trial import Kept, Trial
from evenhand.errors import RunError, StoreError
from evenhand.store import Store

Arrays = Mapping[str, np.ndarray]


def attached(kind: Kept) -> str:
    """What the file is called."""
    return f"{kind}.npz"


def packed(arrays: Arrays) -> bytes:
    """Arrays by name as NumPy's own archive."""
    content = io.BytesIO()
    # Its stub knows no arrays by name.
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def unpacked(store: Store, key: str, kind: Kept) -> dict[str, np.ndarray]:
    """Raises `StoreError` where it is not there, though the trial's record says it was kept."""
    try:
        content = store.attachment(key, attached(kind))
    except StoreError as error:
        raise StoreError(
            f"{error}\n  it was kept beside the record of the trial that this one reads from\n"
            f"  remove the folder {key}: the next run trains that trial again"
        ) from None
    with np.load(io.BytesIO(content)) as archive:
        return dict(archive)


def taught(trial: Trial, data: DataSummary, store: Store) -> Float[np.ndarray, "n classes"] | None:
    """The teacher's class probabilities of the student's training images; None without a teacher.

    Of each image as it is, at the end of the teacher's training: softmax(logits / temperature).
    Raises `RunError` where the teacher was trained on other data.
    """
    if trial.teacher is None or trial.parent is None:
        return None
    from scipy.special import softmax

    teacher = store.read(trial.parent.key)
    if teacher.data is None or teacher.data.fingerprint != data.fingerprint:
        raise RunError(
            f"its teacher {trial.parent} was trained on other images\n"
            "  the data on disk changed in between: train the teacher again, in another edition"
        )
    logits = unpacked(store, teacher.key, "train_logits")["train_logits"]
    soft = softmax(logits.astype(np.float64) / trial.teacher.temperature, axis=1)
    return np.asarray(soft, dtype=np.float32)
