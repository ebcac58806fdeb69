"""Execution of trials in this process, without Ray: one after the other, or pack by pack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evenhand.declared.record import Exit
from evenhand.declared.trial import Trial
from evenhand.ending import ExitCode, end_now
from evenhand.errors import StoreError, joined
from evenhand.execution.events import Event, Sink, trial_label
from evenhand.execution.execute import Execution
from evenhand.execution.packs import Pack, make_packs, new_record, run_pack, write_ends
from evenhand.execution.watchdog import Watchdog, hang_name
from evenhand.store import Store

LEFT = "this process cannot end it, and another run may take it over"
ENDED = (
    "  it is recorded, and this process ends, because a thread that hangs cannot be ended alone\n"
    "  rerun the same command to run the other trials"
)


def run_inline(
    trials: Sequence[Trial],
    execution: Execution,
    store: Store,
    sink: Sink,
    *,
    end_when_hung: bool = False,
) -> None:
    """Run trials in this process.

    end_when_hung: a trial that hangs is recorded as such, and this process ends with exit code 1.
    Otherwise a note is sent, and the beats of the trial's lease stand still until it proceeds.

    Raises `KeyboardInterrupt` after the records of the running trials say "interrupted".
    """
    name = hang_name(execution.claimant.run) if end_when_hung else ""
    for pack in make_packs(trials, execution.pack, alone=execution.alone):
        hang = Hang(pack, execution, store, sink)
        watchdog = Watchdog(
            execution.stalls,
            execution.time_limit,
            hang.end if end_when_hung else hang.tell,
            hang=store.leases.hang_file(name) if name else None,
        )
        claimant = replace(execution.claimant, hang=name, is_hung=watchdog.is_hung)
        with watchdog.watching():
            run_pack(pack, replace(execution, claimant=claimant), store, sink)


@dataclass(frozen=True)
class Hang:
    """What becomes of a pack that hangs."""

    pack: Pack
    execution: Execution
    store: Store
    sink: Sink

    def tell(self, cause: str, _: str) -> None:
        """Send a note for each trial without a record."""
        for trial in self.pack:
            if new_record(trial, self.execution, self.store) is None:
                label = trial_label(trial)
                self.sink(Event("note", trial.key, label, cause=f"{label} {cause}; {LEFT}"))

    def end(self, cause: str, stacks: str) -> None:
        """Write the records of the trials, and end this process."""
        names, rest = joined([trial_label(trial) for trial in self.pack]), ENDED
        try:
            end = Exit(status="failed", cause=cause, traceback=stacks)
            hung = write_ends(self.pack, end, self.execution, self.store, self.sink)
            names = joined([trial_label(trial) for trial in hung]) or names
            self._clear()
        except StoreError as error:
            rest = f"  its record cannot be written: {error}"
        finally:
            end_now(f"{names} {cause}\n{rest}", ExitCode.INCOMPLETE)

    def _clear(self) -> None:
        """Remove the files that this run leaves beside its records."""
        leases, run = self.store.leases, self.execution.claimant.run
        for lease in leases.of_run(run).values():
            leases.release(lease)
        leases.remove_hangs(run)
