"""Files of a trial in the store: its state while it trains, and its record at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evenhand.declared.record import Exit, Record
from evenhand.declared.trial import Kept, Trial
from evenhand.errors import StoreError, Unwritable
from evenhand.execution.attachments import (
    Arrays,
    DamagedArrays,
    attachment_name,
    count_as_not_kept,
    to_npz,
)
from evenhand.execution.claims import Claim
from evenhand.execution.events import Event, Sink, trial_label
from evenhand.store import Store

if TYPE_CHECKING:
    from evenhand.train.resume import Resumable


def resumable(
    trial: Trial,
    identity: dict[str, str],
    least_seconds: float,
    store: Store,
    sink: Sink,
    *,
    claim: Claim | None = None,
) -> Resumable:
    """The trial's saved state; a state of another version of torch is not resumed from.

    A state that is damaged or cannot be read is named in a note, and the trial begins anew. A saved
    state is noted in the claim.
    """
    import torch

    from evenhand.train.resume import Resumable

    state = None
    try:
        state = store.load_state(trial.key)
    except StoreError as error:
        cause = f"{error}; the trial begins anew"
        sink(Event("note", trial.key, trial_label(trial), cause=cause))

    def write(content: bytes) -> None:
        store.save_state(trial.key, content)
        if claim is not None:
            claim.advanced()

    return Resumable(
        identity=identity | {"torch": str(torch.__version__)},
        state=state,
        write=write,
        least_seconds=least_seconds,
    )


def write_record(record: Record, kept: Mapping[Kept, Arrays], store: Store, sink: Sink) -> Record:
    """Write the record of a trial that has ended; the record that the store then holds.

    Where the place of this record alone cannot be written, a failure with that cause is returned,
    so that the run goes on, and the store holds no record of this attempt. Where object storage
    does not answer, a note is sent to the sink and the record waits. Raises `StoreError` where no
    record can be written.
    """
    label = trial_label(record.trial)
    files = {attachment_name(kind): to_npz(arrays) for kind, arrays in kept.items()}
    try:
        there = store.write(
            record, files, lambda text: sink(Event("note", cause=f"{label}: {text}"))
        )
    except Unwritable as error:
        store.check_writable()
        return record.model_copy(update={"exit": Exit(status="failed", cause=str(error))})
    # After the record: a process that is killed in between leaves a state too many, never none.
    if there.exit.status in ("done", "diverged"):
        store.delete_state(record.key)
    # A later attempt that failed leaves the finished record as it is, and is still a failure.
    return record if record.attempts > there.attempts else there


def exit_after_damage(store: Store, found: DamagedArrays) -> Exit:
    """The exit of a trial that could not read arrays of its parent, which count as not kept now."""
    try:
        count_as_not_kept(store, found)
    except StoreError as error:
        return Exit(status="failed", cause=f"{found}; but its record cannot be changed: {error}")
    return Exit(status="interrupted", cause=str(found))
