"""Resolution of a suite to its trials, by configuration of the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from evenhand.declared.base import Part
from evenhand.declared.notation import format_settings, pipeline_name, titled
from evenhand.declared.recipe import Recipe
from evenhand.declared.trial import Problem, Trial
from evenhand.errors import Mistakes, SpecError
from evenhand.suite.baseline import Baseline, find_baseline
from evenhand.suite.changes import changed
from evenhand.suite.checks import check
from evenhand.suite.declaration import SuiteDeclaration, find, load
from evenhand.suite.entry_parts import RecipeVariant
from evenhand.suite.readable import readable_part
from evenhand.suite.rows import Row
from evenhand.suite.suite_parts import SuiteParts, resolve_parts
from evenhand.suite.suite_size import check_size
from evenhand.suite.yaml_lines import Document, plain_data


@dataclass(frozen=True)
class Configuration:
    """One setting of a method under one recipe on one problem, over all seeds."""

    row: str
    """Row of the leaderboard, such as `vs` or `vs(tau=1.25)`.

    Under `select:` all settings of a method's entry share a row, and one of them is chosen.
    """
    title: str
    """Title of the row in tables, such as `VS+TLA+ADRW`."""
    setting: str
    """Settings that differ within the row, such as `tau=1.25, gamma=0.3`; "" if none do."""
    method: Part
    """Method with all settings."""
    problem: Problem
    """Problem."""
    recipe: Recipe
    """Recipe."""
    trials: tuple[Trial, ...]
    """One trial for each seed, in the order of the suite's seeds."""
    method_title: str = ""
    """Title without settings; rows that share it are points of one line in a figure."""
    varied: Mapping[str, Any] = field(default_factory=dict)
    """Settings that differ between the rows with this method title."""
    local: str = ""
    """Settings that `on:` gives this problem, such as `tau=0.75, sam=0.3`; "" if none."""
    is_baseline: bool = False
    """Whether its row is the suite's baseline, or the baseline under its recipe."""

    @property
    def pipeline(self) -> str:
        """Method with teacher and post-hoc method: `vs`, `distilled-vs`, `vs+post_shift`."""
        trial = self.trials[0]
        posthoc = trial.posthoc.name if trial.posthoc else None
        return pipeline_name(trial.method.name, posthoc, taught=trial.teacher is not None)


@dataclass(frozen=True, init=False)
class Suite:
    """A suite with all of its trials.

    `open_suite` reads one from a YAML file. Built in Python it takes the same keys with the same
    meaning, and is validated in the same way:

    >>> suite = Suite(
    ...     suite="mine",
    ...     question="Does scaling logits add anything to shifting them?",
    ...     problems=[{"digits": {"profile": "step", "ratio": 20}}],
    ...     val={"per_class": 20},
    ...     recipe={"digits": {"epochs": 30}},
    ...     seeds=5,
    ...     methods=["erm", "la", {"vs": {"tau": {"grid": [0.5, 1.0, 1.5]}}}],
    ...     metrics=["balanced_accuracy", "min_recall"],
    ...     primary="balanced_accuracy",
    ...     select={"on": "val", "epoch": "last"},
    ...     baseline="erm",
    ... )
    >>> len(suite.trials)
    25

    Raises `SpecError` with every mistake and the path of its key.
    """

    declaration: SuiteDeclaration
    """The keys of the suite, as they were given."""
    configurations: tuple[Configuration, ...]
    """In the suite's order: by method entry, then by problem."""
    source: str = ""
    """Path of the suite file, or the name of a shipped suite; "" for a suite built in Python."""
    whole: Suite | None = None
    """Complete suite, if this is a part that `only` has selected; otherwise None."""
    only: tuple[str, ...] = ()
    """Filters that have selected the part."""
    changes: tuple[str, ...] = ()
    """Changes to the suite file, `problems.selection=null`; none for the file as it is."""

    def __init__(self, **keys: Any) -> None:
        made = read_suite(Document("Suite", plain_data(keys), {}))
        self._set(made.declaration, made.configurations)

    @classmethod
    def of(
        cls,
        declaration: SuiteDeclaration,
        configurations: tuple[Configuration, ...],
        source: str = "",
        whole: Suite | None = None,
        only: tuple[str, ...] = (),
        changes: tuple[str, ...] = (),
    ) -> Self:
        """A suite whose configurations are known already."""
        made = object.__new__(cls)
        made._set(declaration, configurations, source, whole, only, changes)
        return made

    def _set(
        self,
        declaration: SuiteDeclaration,
        configurations: tuple[Configuration, ...],
        source: str = "",
        whole: Suite | None = None,
        only: tuple[str, ...] = (),
        changes: tuple[str, ...] = (),
    ) -> None:
        values = (declaration, configurations, source, whole, only, changes)
        for field_, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, field_.name, value)

    def replaced(self, **changes: Any) -> Self:
        """A copy with some of its fields replaced."""
        given = {field_.name: getattr(self, field_.name) for field_ in fields(self)}
        return self.of(**(given | changes))

    def __repr__(self) -> str:
        """Its name and size, not its hundreds of trials."""
        name, version = self.declaration.suite, self.declaration.version
        return f"<Suite {name} v{version}: {len(self.trials)} trials in {len(self.rows)} rows>"

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """Every distinct trial by key; configurations may share trials."""
        return {
            trial.key: trial
            for configuration in self.configurations
            for trial in configuration.trials
        }

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """Names of the leaderboard's rows."""
        return tuple(dict.fromkeys(configuration.row for configuration in self.configurations))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Names of the problems, such as `digits-step-20`."""
        return tuple(
            dict.fromkeys(configuration.problem.name for configuration in self.configurations)
        )


def open_suite(name: str | Path, changes: Sequence[str] = ()) -> Suite:
    """The suite at a path, or the shipped suite of that name, with changes to its file.

    Raises `SpecError` with every mistake and its line.

    >>> open_suite("quickstart")
    <Suite quickstart v1: 30 trials in 6 rows>
    """
    made = read_suite(changed(find(str(name)), changes), source=str(name))
    return made.replaced(changes=tuple(changes))


def read_suite(document: Document, *, source: str = "") -> Suite:
    """The suite of a parsed file. Raises `SpecError` with every mistake."""
    try:
        suite = load(document)
    except SpecError as error:
        mistakes = Mistakes(list(error.mistakes))
        readable = readable_part(document)
        if readable is not None and not check_size(readable):
            _checked(readable, mistakes)
        raise document.error(mistakes.found) from None
    return resolve(suite, document, source=source)


def resolve(suite: SuiteDeclaration, document: Document, *, source: str = "") -> Suite:
    """The suite with all its configurations. Raises `SpecError` with the place of each mistake."""
    if too_large := check_size(suite):
        raise document.error(too_large)
    mistakes = Mistakes()
    parts = _checked(suite, mistakes)
    if mistakes.found:
        raise document.error(mistakes.found)
    baseline = find_baseline(suite, parts.rows)
    assert baseline is not None, "checked"
    configurations = tuple(
        _configuration(suite, row, problem, variant, baseline)
        for row, problem in _places(parts)
        for variant in row.variants
    )
    return Suite.of(suite.model_copy(update={"baseline": baseline.name}), configurations, source)


def _checked(suite: SuiteDeclaration, mistakes: Mistakes) -> SuiteParts:
    parts = resolve_parts(suite, mistakes)
    check(suite, parts, mistakes)
    return parts


def _places(parts: SuiteParts) -> list[tuple[Row, Problem]]:
    """Every row on each of its problems, in the order of entries, settings and problems."""
    found = [
        ((row.entry, row.place, i), row, problem)
        for row in parts.rows
        for i, problem in enumerate(parts.problems)
        if problem.name in row.problems
    ]
    return [(row, problem) for _, row, problem in sorted(found, key=lambda place: place[0])]


def _configuration(
    suite: SuiteDeclaration,
    row: Row,
    problem: Problem,
    variant: RecipeVariant,
    baseline: Baseline,
) -> Configuration:
    swept = row.swept_settings(variant)
    shown = {**row.fixed} if suite.select else {**row.fixed, **swept}
    name = row.name_with(shown)
    return Configuration(
        row=name,
        title=titled(row.title, shown),
        setting=format_settings(swept),
        method=row.part,
        problem=problem,
        recipe=variant.recipe,
        trials=tuple(
            Trial(
                problem=problem,
                method=row.part,
                recipe=variant.recipe,
                seed=seed,
                vary=suite.vary,
                teacher=row.teacher_under(variant),
                posthoc=row.posthoc,
            )
            for seed in suite.seeds
        ),
        method_title=row.title,
        varied={**row.fixed, **swept},
        local=format_settings(row.local),
        is_baseline=name in baseline.rows,
    )
