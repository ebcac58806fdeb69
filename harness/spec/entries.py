"""A method's entry in a suite: its settings, and four keys that are the suite's own.

    - vs
    - vs: {tau: 1.25, gamma: {grid: [0.1, 0.2]}}
    - vs:
        as: VS with SAM
        recipe: {sam: 0.1}
        on:
          cifar100-exp-*: {tau: 0.75, recipe: {sam: 0.3}}
          cifar100-*: {tau: 0.5}

as      what the entry's rows are called, in print and for `--only method=`; else like the method
recipe  fields of the suite's recipe that these rows replace
on      globs over names of problems, with what replaces the entry's own settings and fields there.
        The first glob that matches a problem decides; where none does, the entry's own hold. What
        stands here is no part of a row's name: a row is one row over all problems.
sample  how many settings are drawn, as `expand` says; fields of the recipe are drawn with them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from harness.errors import Mistake, Mistakes, SpecError
from harness.spec.base import written
from harness.spec.registry import Entry
from harness.spec.suite import Named
from harness.spec.yaml_lines import Where

RESERVED = ("as", "recipe", "on", "sample")
FIELD = "recipe."
"""Begins the name of a recipe's field among settings: `recipe.sam` beside `tau`."""

Declared = dict[str, Any]
"""Settings of a method and, by `recipe.FIELD`, fields of its recipe; grids not yet multiplied."""


@dataclass(frozen=True)
class MethodEntry:
    """What an entry declares: for every problem, and by glob for some."""

    label: str | None
    own: Declared
    on: Mapping[str, Declared]

    def matching(self, glob: str | None, problems: Iterable[str]) -> list[str]:
        """The problems that a glob decides; for None those that none does."""
        return [problem for problem in problems if self.decider(problem) == glob]

    def decider(self, problem: str) -> str | None:
        """The first glob that matches; None where the entry's own settings hold."""
        return next((glob for glob in self.on if fnmatchcase(problem, glob)), None)

    def declared(self, glob: str | None) -> Declared:
        """All that holds where a glob decides."""
        return self.own if glob is None else {**self.own, **self.on[glob]}

    def where(self, glob: str | None, inner: Where) -> Where:
        """Where in the entry the thing stands that a mistake in `declared(glob)` names."""
        key = str(inner[0]) if inner else ""
        place: Where = ("on", glob) if glob and (not key or key in self.on[glob]) else ()
        if key.startswith(FIELD):
            return (*place, "recipe", key.removeprefix(FIELD), *inner[1:])
        return (*place, *inner)


def read(entry: Named, mistakes: Mistakes, where: Where) -> MethodEntry:
    """The entry by its keys; what is wrong with their shape goes to the mistakes."""
    given = {k: v for k, v in entry.settings.items() if k not in ("as", "on")}
    label = mistakes.catch((*where, "as"), _label, entry.settings.get("as"))
    own = mistakes.catch(where, _declared, given)
    there = mistakes.catch((*where, "on"), _on, entry.settings.get("on")) or {}
    on = {
        glob: mistakes.catch((*where, "on", glob), _declared_on, inner) or {}
        for glob, inner in there.items()
    }
    return MethodEntry(label, own or {}, on)


def check_settings(registered: Entry) -> None:
    """Raises `SpecError` for a method with a setting that a suite could not name."""
    taken = [name for name in registered.settings if name in RESERVED]
    if taken:
        what = f"{registered.name} has a setting called {taken[0]!r}, a key of every method's entry"
        right = f"keys of an entry: {', '.join(RESERVED)}"
        raise SpecError([Mistake(what, (), right, "give the method's parameter another name")])


def _label(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip() or '"' in given:
        right = "write what its rows are called, without quotes in it: `as: VS with SAM`"
        raise SpecError([Mistake(f"as = {written(given)}: {right}")])
    return " ".join(given.split())


def _declared(given: Mapping[str, Any]) -> Declared:
    """Raises `SpecError` where `recipe` is no mapping."""
    fields = given.get("recipe")
    if fields is not None and not isinstance(fields, dict):
        right = "write fields of the suite's recipe: `recipe: {sam: 0.1}`"
        raise SpecError([Mistake(f"recipe = {written(fields)}: {right}", ("recipe",))])
    settings = {str(k): v for k, v in given.items() if k != "recipe"}
    return settings | {f"{FIELD}{name}": value for name, value in (fields or {}).items()}


def _on(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        right = "write `on: {problem: {setting: value}}`; a problem's name may be a glob"
        raise SpecError([Mistake(f"on = {written(given)}: {right}")])
    return given


def _declared_on(given: Any) -> Declared:
    if not isinstance(given, dict) or not given:
        raise SpecError([Mistake(f"{written(given)}: write `{{setting: value}}`")])
    beside = [key for key in ("as", "on") if key in given]
    if beside:
        what = f"{beside[0]!r} holds for all problems of an entry"
        raise SpecError([Mistake(what, (beside[0],), "write it beside `on`, not in it")])
    return _declared(given)
