"""`--until-separated ROW ROW --max-seeds N`, which `run`, `plan` and `report` take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from evenhand.cli.output import console, print_line
from evenhand.errors import Mistake, SpecError

if TYPE_CHECKING:
    from evenhand.declared.trial import Trial
    from evenhand.execution.plan import Plan
    from evenhand.store import Store
    from evenhand.suite.resolve import Suite
    from evenhand_reports import Separated


@dataclass(frozen=True)
class TwoNames:
    """The options as they were given; a command without them has `separated` None."""

    given: dict[str, Any]
    """The arguments `until_separated` and `max_seeds` of the functions of `evenhand`."""
    separated: tuple[str, str, int] | None
    """Both names and the largest number of seeds, for commands in messages."""

    @classmethod
    def of(cls, names: tuple[str, str] | None, max_seeds: int | None) -> Self:
        """The options as typer gives them. Raises `SpecError` for `--max-seeds` alone."""
        from evenhand.suite.two_rows import DEFAULT_MAX_SEEDS, MAX_SEEDS, OPTION

        if names is None and max_seeds is not None:
            what = f"{MAX_SEEDS} is {max_seeds}, and no rows are to be separated"
            raise SpecError([Mistake(what, (), f"add {OPTION} ROW ROW, or leave out {MAX_SEEDS}")])
        most = DEFAULT_MAX_SEEDS if max_seeds is None else max_seeds
        given = {"until_separated": names, "max_seeds": max_seeds}
        return cls(given, None if names is None else (*names, most))

    def read(self, suite: Suite, store: Store) -> Separated:
        """The looks at the two rows by the records of a store."""
        from evenhand import api

        assert self.separated is not None, "the caller has asked"
        *names, most = self.separated
        return api.separation(suite, store, (names[0], names[1]), max_seeds=most)

    def next_trials(self, suite: Suite, store: Store, plan: Plan) -> list[Trial]:
        """The trials of a plan that a run would begin with; none where the looks are over."""
        return self.read(suite, store).next_trials(1, {trial.key for trial in plan.missing})

    def show(self, suite: Suite, store: Store, *, json: bool = False) -> bool:
        """Print the looks at the two rows; whether they are over on every problem."""
        found = self.read(suite, store)
        if json:
            print_line({"kind": "separation", "pairs": found.to_lines()})
        else:
            console().print(found)
        return found.is_over
