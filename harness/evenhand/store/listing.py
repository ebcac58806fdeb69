"""Listing of the records of an edition: their heads with the help of the index, or whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from evenhand.declared.record import Record
from evenhand.store.bundle import read_contents
from evenhand.store.edition import INDEX, KEY, Edition
from evenhand.store.fault import Fault
from evenhand.store.files import PatientFiles, raised
from evenhand.store.index import INDEX_BYTES, Head, IndexEntry, dump_index, load_index, settled
from evenhand.store.reading import Unreadable, no_collection, read_head, read_record

HEADS_SINGLY, RECORDS_SINGLY = 32, 1
"""Most records of object storage that are read without the bundle, for heads and to be whole."""

WRITTEN = re.compile(r"[0-9]+-([0-9]{1,20})(?:-[0-9]+)?")
"""Versions of files, with the time of the last change in nanoseconds."""

T = TypeVar("T")


class Listing:
    """What is known of the records of an edition since they were last listed."""

    def __init__(self) -> None:
        self.faults: tuple[Fault, ...] = ()
        """Files that the last call of `heads` or `records` could not read, by path."""
        self.writes_index = True
        """Whether `heads` writes the index where it is out of date."""
        self._entries: dict[str, IndexEntry] | None = None

    def heads(self, edition: Edition) -> dict[str, Head]:
        """The head of every record, by key; only records that changed since the index are read.

        The index keeps the entries of records that cannot be read now, for those who can.
        """
        versions, faults = _records_there(edition)
        known = _read_index(edition) if self._entries is None else self._entries
        entries = {
            key: known[key]
            for key, version in versions.items()
            if version and key in known and known[key].version == version
        }
        changed = [key for key in versions if key not in entries]
        listed = versions if len(changed) > HEADS_SINGLY else None
        for key, head in _parsed(edition, changed, read_head, faults, listed):
            entries[key] = IndexEntry(versions[key], head)
        closed = {f.key for f in faults if f.kind == "unreadable" and f.key in known}
        heads = {key: entries[key].head for key in sorted(entries)}
        entries |= {key: known[key] for key in closed}
        self._entries, self.faults = entries, tuple(sorted(faults))
        # A young record is not in the index, but the time of a newer file makes it settled.
        is_new = settled(entries) != settled(known) or not all(versions.values())
        if is_new and self.writes_index:
            # Without permission to write, the heads are still right: the index only saves time.
            with suppress(OSError):
                edition.files.write(edition.path(INDEX), dump_index(entries))
        return heads

    def times(self) -> dict[str, float]:
        """Time at which each record was written, in seconds of the store's clock.

        Of the last call of `heads`, and without the records whose version is not known yet.
        """
        entries = (self._entries or {}).items()
        written = {key: WRITTEN.fullmatch(entry.version) for key, entry in entries}
        return {key: int(found[1]) / 1e9 for key, found in written.items() if found}

    def write_index(self, edition: Edition) -> None:
        """Write the index, also where it is up to date. Raises `StoreError`."""
        self.heads(edition)
        with edition.named(INDEX):
            edition.files.write(edition.path(INDEX), dump_index(self._entries or {}))

    def records(
        self,
        edition: Edition,
        keys: Iterable[str] | None,
        held: Callable[[Record], Record] = lambda record: record,
    ) -> list[Record]:
        """Records in the order of the keys; without keys all records, sorted by key.

        held: what is held of a record. It is called for one after the other as they are read.
        """
        faults: list[Fault] = []
        versions: dict[str, str] | None = None
        if keys is None:
            versions, faults = _records_there(edition)
            wanted = sorted(versions)
        else:
            wanted = list(dict.fromkeys(key for key in keys if KEY.fullmatch(key)))
            if isinstance(edition.files, PatientFiles) and len(wanted) > RECORDS_SINGLY:
                versions, _ = _records_there(edition)
        with no_collection():
            parsed = _parsed(edition, wanted, read_record, faults, versions)
            records = [held(record) for _, record in parsed]
        self.faults = tuple(sorted(faults))
        return records


def _records_there(edition: Edition) -> tuple[dict[str, str], list[Fault]]:
    """Versions of all records by key, and faults for other files in their place."""
    versions: dict[str, str] = {}
    faults: list[Fault] = []
    for path, version in edition.versions().items():
        folder, _, name = path.rpartition("/")
        if KEY.fullmatch(folder):
            versions[folder] = version
        elif folder:
            faults.append(Fault(edition.place(path), "its folder is not a key"))
        elif KEY.fullmatch(name):
            reason = "not the folder of a record, but a file or a symbolic link"
            faults.append(Fault(edition.place(name), reason, name, "unreadable"))
        elif name != INDEX:
            faults.append(Fault(edition.place(name), "not a record, and no folder of one"))
    return versions, faults


def _parsed(
    edition: Edition,
    keys: Sequence[str],
    parse: Callable[[bytes, str], T],
    faults: list[Fault],
    versions: Mapping[str, str] | None,
) -> Iterator[tuple[str, T]]:
    """Parse each record that exists; a record that cannot be parsed is added to `faults`.

    versions: the versions of all records, where a bundle of them may be read.
    """
    contents = read_contents(edition.files, edition.name, keys, versions)
    for key, content in zip(keys, contents, strict=True):
        try:
            parsed = parse(raised(content), key)
        except FileNotFoundError:
            continue
        except (Unreadable, OSError) as error:
            faults.append(edition.fault(key, error))
        else:
            yield key, parsed


def _read_index(edition: Edition) -> dict[str, IndexEntry]:
    try:
        return load_index(edition.files.read(edition.path(INDEX), INDEX_BYTES))
    except OSError:
        return {}
