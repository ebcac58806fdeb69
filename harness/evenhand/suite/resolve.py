"""A suite, resolved: every trial it asks for, laid out in the configurations of its leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from evenhand.declared.base import Part
from evenhand.declared.notation import in_print, listed, pipeline
from evenhand.declared.trial import Problem, Recipe, Trial
from evenhand.errors import Mistakes, SpecError
from evenhand.suite.checks import baseline_of, check
from evenhand.suite.declaration import SuiteDeclaration, find, load
from evenhand.suite.entry_parts import Variant
from evenhand.suite.partial import salvage
from evenhand.suite.parts import Parts, gather
from evenhand.suite.rows import Row
from evenhand.suite.yaml_lines import Document


@dataclass(frozen=True)
class Configuration:
    """One setting of a method under one recipe on one problem, over all seeds.

    row      the leaderboard row it belongs to, e.g. `vs` or `vs(tau=1.25)`. Where the suite says
             `select:`, all settings of one method entry share a row and compete for it.
    title    the row's name in print, e.g. `VS+TLA+ADRW`
    setting  what tells it from others of its row, e.g. `tau=1.25, gamma=0.3`; may be ""
    trials   one a seed, in the order of the suite's seeds
    method_title  the title without settings; rows of one method are points of one line in a figure
    varied   settings that tell the row and its setting from others with the same method title
    local    what the suite's `on:` gives this problem, e.g. `tau=0.75, sam=0.3`; may be ""
    """

    row: str
    title: str
    setting: str
    method: Part
    problem: Problem
    recipe: Recipe
    trials: tuple[Trial, ...]
    method_title: str = ""
    varied: Mapping[str, Any] = field(default_factory=dict)
    local: str = ""

    @property
    def pipeline(self) -> str:
        """What was done, whatever the row is called: `vs`, `distilled-vs`, `vs+post_shift`."""
        trial = self.trials[0]
        mapped = trial.posthoc.name if trial.posthoc else None
        return pipeline(trial.method.name, mapped, taught=trial.teacher is not None)


@dataclass(frozen=True)
class Suite:
    """A suite and all its configurations, in the suite's order (method entry, then problem).

    source  what the user calls the suite: its path, or its name where it comes with the package
    whole   all of the suite, where this is a part of it
    """

    declaration: SuiteDeclaration
    configurations: tuple[Configuration, ...]
    source: str = ""
    whole: Suite | None = None

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
        return tuple(dict.fromkeys(configuration.row for configuration in self.configurations))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(configuration.problem.name for configuration in self.configurations)
        )


def open_suite(name: str) -> Suite:
    """The suite at a path, or the shipped one of that name. Raises `SpecError`: every mistake."""
    document = find(name)
    try:
        suite = load(document)
    except SpecError as error:
        mistakes = Mistakes(list(error.mistakes))
        if (readable := salvage(document)) is not None:
            _checked(readable, mistakes)
        raise document.error(mistakes.found) from None
    return resolve(suite, document, source=name)


def resolve(suite: SuiteDeclaration, document: Document, *, source: str = "") -> Suite:
    """Every configuration of a suite. Raises `SpecError` with the place of each mistake."""
    mistakes = Mistakes()
    parts = _checked(suite, mistakes)
    if mistakes.found:
        raise document.error(mistakes.found)
    configurations = tuple(
        _configuration(suite, row, problem, variant)
        for row, problem in _places(parts)
        for variant in row.variants
    )
    baseline = baseline_of(suite) or suite.baseline
    return Suite(suite.model_copy(update={"baseline": baseline}), configurations, source)


def _checked(suite: SuiteDeclaration, mistakes: Mistakes) -> Parts:
    parts = gather(suite, mistakes)
    check(suite, parts, mistakes)
    return parts


def _places(parts: Parts) -> list[tuple[Row, Problem]]:
    """Every row where it holds: setting by setting of each entry, problem by problem."""
    found = [
        ((row.entry, row.place, i), row, problem)
        for row in parts.rows
        for i, problem in enumerate(parts.problems)
        if problem.name in row.problems
    ]
    return [(row, problem) for _, row, problem in sorted(found, key=lambda place: place[0])]


def _configuration(
    suite: SuiteDeclaration, row: Row, problem: Problem, variant: Variant
) -> Configuration:
    apart = row.apart(variant)
    shown = {**row.fixed} if suite.select else {**row.fixed, **apart}
    return Configuration(
        row=row.called(shown),
        title=in_print(row.title, shown),
        setting=listed(apart),
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
        varied={**row.fixed, **apart},
        local=listed(row.local),
    )
