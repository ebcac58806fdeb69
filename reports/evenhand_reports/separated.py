"""Two rows at more and more seeds, for notebooks, scripts and the command line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from evenhand.suite.two_rows import TwoRows

if TYPE_CHECKING:
    import pandas as pd

    from evenhand.declared.trial import Trial
    from evenhand.suite.resolve import Suite
    from evenhand_reports.board.record_source import Records
    from evenhand_reports.board.separation import Separation


@dataclass(frozen=True, repr=False)
class Separated:
    """Two rows on each problem, with the looks of a sequential test; `print` shows a table.

    >>> import tempfile
    >>> import evenhand as eh
    >>> found = eh.separation(eh.open_suite("quickstart"), tempfile.mkdtemp(), ("vs", "la"))
    >>> found.is_over, found.to_frame().loc[0, "verdict"]
    (False, 'open')
    """

    separation: Separation
    """The data, without layout."""

    @classmethod
    def of(cls, rows: TwoRows, store: Records) -> Self:
        """Read the records of two rows from a store."""
        from evenhand_reports.board import separation

        return cls(separation.build(rows, store))

    @property
    def is_over(self) -> bool:
        """Whether the rows are separated, or at the largest number of seeds, on every problem."""
        return self.separation.is_over

    def next_trials(self, slots: int, runnable: Collection[str]) -> list[Trial]:
        """The trials of the next looks among those that can be run, by their keys."""
        return self.separation.next_trials(slots, runnable)

    def longest(self) -> Suite:
        """The two rows with all trials that a run can need: further seeds of one setting each."""
        keys = {trial.key for pair in self.separation.pairs for trial in pair.trials}
        return self.separation.rows.reached(keys)

    def to_lines(self) -> list[dict[str, Any]]:
        """The last look on each problem, as plain data that JSON can hold."""
        from evenhand_reports.formats import separation

        return list(separation.lines(self.separation))

    def to_frame(self) -> pd.DataFrame:
        """One row for the last look on each problem; scores are fractions, NLL is in nats."""
        import pandas as pd

        return pd.DataFrame(self.to_lines())

    def __rich__(self) -> Any:
        from evenhand_reports.formats import separation

        return separation.render(self.separation)

    def __str__(self) -> str:
        from evenhand_reports.formats.plain_text import plain_text

        return plain_text(self)

    __repr__ = __str__
