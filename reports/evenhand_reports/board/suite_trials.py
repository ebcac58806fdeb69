"""All trials of a suite with their records, as the frames of single trials read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.record_source import Records
from evenhand_reports.board.scores import SuiteRecords, match_records, read_records


@dataclass(frozen=True)
class SuiteTrials:
    """The trials of a suite, or of the part that is reported, with their records."""

    suite: SuiteDeclaration
    configurations: tuple[Configuration, ...]
    records: SuiteRecords
    edition: str

    @classmethod
    def read(cls, suite: Suite, store: Records) -> Self:
        """The trials with the records of a store. Raises `StoreError` where it cannot be read."""
        records = match_records(suite, read_records(suite, store))
        return cls(suite.declaration, suite.configurations, records, store.edition)

    @classmethod
    def of(cls, board: Leaderboard) -> Self:
        """The trials of a leaderboard, all settings of its rows included."""
        records = SuiteRecords(board.records, board.other_data, {})
        return cls(board.suite, board.configurations, records, board.edition)

    def __iter__(self) -> Iterator[tuple[Configuration, Trial, Record | None]]:
        for configuration in self.configurations:
            for trial in configuration.trials:
                yield configuration, trial, self.records.by_key.get(trial.key)

    def end(self, trial: Trial, record: Record | None) -> tuple[str, str]:
        """Status and cause: `missing` without a record, `other data` where it cannot be used."""
        if trial.key in self.records.other_data:
            return "other data", self.records.other_data[trial.key]
        return (record.exit.status, record.exit.cause) if record else ("missing", "")
