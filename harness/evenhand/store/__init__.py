"""Stores of records, on a local disk, a network file system or object storage.

    store = Store.open("results")                  # or "s3://bucket/prefix", any pyarrow.fs URL
    store.write(record)                            # whole or not at all
    for head in store.heads().values(): ...        # key, status, attempts, seconds: cheap
    records = store.records(keys)                  # list[Record], unreadable ones in store.faults

    <location>/<edition>/<key>/record.json         # the record; attachments lie beside it
    <location>/<edition>/index.json                # the heads; may be deleted at any time
    <location>/<edition>/.records.zip              # in object storage, whole records; likewise

There is no lock and no server: a record is written in one step, so that neither readers nor other
writers see a part of one. Two stores are merged by copying the folders of one into the other.
"""

from evenhand.store.fault import Fault
from evenhand.store.index import Head
from evenhand.store.store import Store

__all__ = ["Fault", "Head", "Store"]
