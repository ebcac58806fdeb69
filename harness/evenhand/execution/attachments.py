"""Arrays that a trial keeps beside its record for other trials, such as logits.

Arrays that are damaged or gone count as not kept, so that their trial is trained again.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from evenhand.declared.method import Method
from evenhand.declared.record import DataSummary, Evaluation, Record
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Kept, Trial
from evenhand.errors import Absent, RunError, StoreError
from evenhand.store import Store

LACKS = "it holds no array {!r}"

Arrays = Mapping[str, np.ndarray]


class DamagedArrays(StoreError):  # noqa: N818  they can be made again
    """Arrays that a record lists as kept, and that are damaged or gone."""

    def __init__(self, record: Record, kind: Kept, what: str) -> None:
        self.record, self.kind = record, kind
        again = "rerun the same command: it trains that trial again"
        super().__init__(f"{record.key}/{attachment_name(kind)}: {what}\n  {again}")


def attachment_name(kind: Kept) -> str:
    """Name of the file with the arrays of a kind."""
    return f"{kind}.npz"


UNREADABLE = (
    ValueError, TypeError, AttributeError, LookupError, EOFError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""Exceptions of NumPy for an archive that is not whole, is encrypted, or holds something else."""


def to_npz(arrays: Arrays) -> bytes:
    """Arrays by name as a compressed NumPy archive."""
    content = io.BytesIO()
    # NumPy's type stub does not accept arrays by name.
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def read_arrays(store: Store, record: Record, kind: Kept) -> dict[str, np.ndarray]:
    """Read the arrays of a kind that the trial of a record kept.

    Raises `DamagedArrays` where the file is missing, although the record names it, or is damaged.
    """
    name = attachment_name(kind)
    try:
        content = store.attachment(record.key, name)
    except Absent:
        raise DamagedArrays(record, kind, "the file is gone") from None
    digest = record.digests.get(name)
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise DamagedArrays(record, kind, "the file is damaged: its checksum does not fit")
    try:
        with np.load(io.BytesIO(content)) as archive:
            return dict(archive)
    except UNREADABLE:
        what = f"{len(content)} bytes that are no NumPy archive; the file is damaged"
        raise DamagedArrays(record, kind, what) from None


def count_as_not_kept(store: Store, found: DamagedArrays) -> None:
    """Take damaged arrays out of what a record lists as kept."""
    kept = tuple(kind for kind in found.record.kept if kind != found.kind)
    store.replace(found.record.model_copy(update={"kept": kept}))


def read_logits(store: Store, record: Record) -> dict[str, np.ndarray]:
    """Read the logits that a trial kept, with labels and groups.

    They are those from which the counts of the record were made. Raises `DamagedArrays` where they
    are not, or as `read_arrays`. Only evaluations of an average of networks have no logits.
    """
    arrays = read_arrays(store, record, "logits")
    method: Method = REGISTRY.make("method", record.trial.method)
    may_lack = any(stage.is_averaged for stage in method.stages)
    for seen in record.evaluations:
        if may_lack and f"{seen.epoch}/{seen.split}_logits" not in arrays:
            continue
        if fault := _unlike(seen, arrays):
            raise _other(record, "logits", fault)
    return arrays


def _other(record: Record, kind: Kept, fault: str) -> DamagedArrays:
    return DamagedArrays(record, kind, f"{fault}; the file is damaged or of another record")


def _unlike(seen: Evaluation, arrays: Arrays) -> str:
    """What distinguishes the arrays from those of an evaluation; "" if nothing does."""
    names = [f"{seen.epoch}/{seen.split}_logits", f"{seen.split}_labels", f"{seen.split}_groups"]
    if missing := [name for name in names if name not in arrays]:
        return LACKS.format(missing[0])
    logits, labels, groups = (arrays[name] for name in names)
    n, (n_groups, n_classes, _) = sum(seen.n), seen.shape
    for name, shape in zip(names, [(n, n_classes), (n,), (n,)], strict=True):
        if arrays[name].shape != shape:
            return _of_shape(name, arrays[name], shape)
    if not np.isfinite(logits).all():
        return f"its array {names[0]!r} holds numbers that are not finite"
    found = np.zeros(seen.shape, dtype=np.int64)
    is_cell = (labels >= 0) & (labels < n_classes) & (groups >= 0) & (groups < n_groups)
    if is_cell.all():
        np.add.at(found, (groups, labels, logits.argmax(1)), 1)
    differ = n - int(np.minimum(found, seen.counts).sum())
    where = f"{seen.split} images at epoch {seen.epoch}"
    return f"{differ} of {n} {where} differ from the counts of the record" if differ else ""


def _of_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> str:
    return f"its array {name!r} has the shape {list(array.shape)}, not {list(shape)}"


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
    name, arrays = "train_logits", read_arrays(store, teacher, "train_logits")
    shape, fault = (int(data.train_counts.sum()), len(data.classes)), LACKS.format(name)
    if name not in arrays or arrays[name].shape != shape:
        fault = _of_shape(name, arrays[name], shape) if name in arrays else fault
        raise _other(teacher, "train_logits", fault)
    logits = arrays[name]
    soft = softmax(logits.astype(np.float64) / trial.teacher.temperature, axis=1)
    return np.asarray(soft, dtype=np.float32)
