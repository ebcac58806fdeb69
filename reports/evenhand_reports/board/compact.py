"""Compact form of the records of a suite, because a report holds all of them in memory at once.

As it is parsed, a record of 100 epochs takes about 50 kB; in this form it takes about a quarter.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.declared.record import DataSummary, Evaluation, Provenance, Record
from evenhand.declared.trial import Trial

EVALUATION_FIELDS = set(Evaluation.model_fields)
"""Shared by all evaluations: a set for each of them would take as much memory as its counts."""


class Packed(Sequence[Any]):
    """An array that reads as a sequence of Python's numbers."""

    __slots__ = ("_content", "_dtype")

    def __init__(self, content: bytes, dtype: str) -> None:
        self._content, self._dtype = content, dtype

    def __len__(self) -> int:
        return len(self._content) // np.dtype(self._dtype).itemsize

    def __getitem__(self, index: Any) -> Any:
        return self._values()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._array(), dtype=dtype)

    def __repr__(self) -> str:
        return repr(self._values())

    def _array(self) -> np.ndarray:
        return np.frombuffer(self._content, self._dtype)

    @abstractmethod
    def _values(self) -> Any:
        """The numbers as a list or a tuple."""


class Series(Packed):
    """A curve as an array that reads as the list of its values: None where it is not finite.

    >>> list(Series([1.0, None])), Series([1.0]) == Series([1.0])
    ([1.0, None], True)
    """

    __slots__ = ()

    def __init__(self, values: Iterable[float | None], known: dict[bytes, bytes] | None = None):
        """known: contents of other curves, with which an equal one is shared."""
        content = np.array(values, dtype=np.float64).tobytes()
        super().__init__(content if known is None else known.setdefault(content, content), "f8")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Series):
            return self._content == other._content
        return isinstance(other, list) and self._values() == other

    def __hash__(self) -> int:
        return hash(self._content)

    def _values(self) -> list[float | None]:
        values = self._array()
        if np.isnan(values).any():
            return [None if math.isnan(value) else value for value in values.tolist()]
        found: list[float | None] = values.tolist()
        return found


class Numbers(Packed):
    """Numbers of examples as an array that reads as the tuple of its values.

    >>> Numbers((3, 1)) == (3, 1), hash(Numbers((3, 1))) == hash((3, 1)), Numbers((3, 1))
    (True, True, (3, 1))
    """

    __slots__ = ()

    def __init__(self, values: Sequence[int]) -> None:
        dtype = "u4" if max(values, default=0) < 1 << 32 else "i8"
        super().__init__(np.array(values, dtype=dtype).tobytes(), dtype)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Numbers):
            return (self._dtype, self._content) == (other._dtype, other._content)
        return isinstance(other, tuple) and self._values() == other

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[int, ...]:
        return tuple(self._array().tolist())


class Compact:
    """Converter of the records of some trials into compact ones, which give the same reports."""

    def __init__(self, trials: Mapping[str, Trial]) -> None:
        self._trials = trials
        self._data: dict[str, DataSummary] = {}
        self._curves: dict[bytes, bytes] = {}
        self._provenance: dict[Any, Any] = {}

    def __call__(self, record: Record) -> Record:
        """The record with the suite's trial, and with contents that other records share."""
        changes: dict[str, Any] = {
            "evaluations": tuple(map(_compact_evaluation, record.evaluations)),
            "curves": {name: self._series(curve) for name, curve in record.curves.items()},
            "provenance": self._shared_texts(record.provenance),
        }
        # Equal keys: the two trials differ at most in the name of the recipe.
        changes["trial"] = self._trials.get(record.key, record.trial)
        if record.data is not None:
            known = self._data.setdefault(record.data.fingerprint, record.data)
            changes["data"] = known if known == record.data else record.data
        return record.model_copy(update=changes)

    def _series(self, curve: Iterable[float | None]) -> Series:
        return Series(curve, self._curves)

    def _shared_texts(self, ran: Provenance) -> Provenance:
        known = self._provenance
        versions = known.setdefault(tuple(ran.versions.items()), ran.versions)
        command = known.setdefault(ran.command, ran.command)
        return ran.model_copy(update={"versions": versions, "command": command})


def _compact_evaluation(seen: Evaluation) -> Evaluation:
    """The evaluation with its counts as arrays: a number in a tuple takes ten times the memory."""
    return Evaluation.model_construct(
        _fields_set=EVALUATION_FIELDS,
        split=seen.split,
        rule=seen.rule,
        epoch=seen.epoch,
        shape=seen.shape,
        cells=Numbers(seen.cells),
        n=Numbers(seen.n),
        scores=seen.scores,
    )
