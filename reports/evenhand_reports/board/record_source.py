"""The parts of a store's interface that a report uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from evenhand.declared.record import Record


class Fault(Protocol):
    """A record that the store could not read."""

    @property
    def path(self) -> str:
        """Place of the record in the store."""
        ...

    @property
    def reason(self) -> str:
        """Cause of the failure to read it."""
        ...


class Records(Protocol):
    """The part of a store's interface that a report uses."""

    def records(self, keys: Sequence[str], held: Callable[[Record], Record]) -> list[Record]:
        """Read the records with these keys; keys without a record are left out.

        held: what is held of a record, called as each one is read.
        """
        ...

    @property
    def faults(self) -> Sequence[Fault]:
        """Records that could not be read."""
        ...

    @property
    def location(self) -> str:
        """Folder or URL of the store."""
        ...

    @property
    def edition(self) -> str:
        """Name of the edition."""
        ...
