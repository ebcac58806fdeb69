"""Data sets of a run on a node: what the driver has, and what the node has of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from evenhand.data.files.copies import Checked, check_copies
from evenhand.data.files.data_root import Root, node_roots, use_data_roots
from evenhand.data.images import PreparedFiles
from evenhand.errors import DataError
from evenhand.execution.execute import Execution
from evenhand.store.process import Process


@dataclass(frozen=True)
class ExpectedData:
    """Prepared data sets of a run, and where they and files of weights are looked for."""

    roots: tuple[Root, ...] = ()
    """Data roots of the driver, to which the node adds its own."""
    prepared: tuple[PreparedFiles, ...] = ()
    """Files of the data sets as the driver has them."""
    places: frozenset[str] = frozenset()
    """Places of their folders on the driver's machine, whose bytes the driver has checked."""

    @classmethod
    def of(cls, execution: Execution) -> ExpectedData:
        """The data of an execution, as this process has them."""
        files = (source.files for source in execution.sources.values())
        prepared = tuple(dict.fromkeys(found for found in files if found))
        places = frozenset(map(place_of, prepared)) - {""}
        return cls(execution.data_roots, prepared, places)

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(files.n_bytes for files in self.prepared)

    @contextlib.contextmanager
    def on_node(self) -> Iterator[None]:
        """Use the data roots of this node for a `with` block. Raises `DataError`."""
        with use_data_roots(node_roots(self.roots)):
            yield

    def check(self) -> Checked:
        """Check this node's own copies, but those that the driver has checked."""
        try:
            with self.on_node():
                return check_copies(self.prepared, lambda files: place_of(files) in self.places)
        except DataError as error:
            reason = str(error).partition("\n")[0]
            return Checked([f"its EVENHAND_DATA names no data root ({reason})"], [])


def place_of(files: PreparedFiles) -> str:
    """Machine, device and number of a folder; "" where they are unknown."""
    machine = Process.this().machine
    with contextlib.suppress(OSError):
        found = files.folder.stat()
        return f"{machine} {found.st_dev} {found.st_ino}" if machine else ""
    return ""
