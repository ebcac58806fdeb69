"""A method's entry in a suite: its settings, and six keys that are the suite's own.

    - vs
    - vs: {tau: 1.25, gamma: {grid: [0.1, 0.2]}}
    - vs:
        as: VS with SAM
        recipe: {sam: 0.1}
        on:
          cifar100-exp-*: {tau: 0.75, recipe: {sam: 0.3}}
          cifar100-*: {tau: 0.5}
    - vs: {posthoc: {post_shift: {maximize: min_recall}}}
    - vs: {teacher: {erm: {temperature: 2, recipe: {epochs: 400}}}}

as      what the entry's rows are called, in print and for `--only method=`; else like the method
recipe  fields of the suite's recipe that these rows replace
on      globs over names of problems, with what replaces the entry's own settings and fields there.
        The first glob that matches a problem decides; where none does, the entry's own hold. What
        stands here is no part of a row's name: a row is one row over all problems.
posthoc a map that is fitted on what the trained network said of the validation images; the network
        is that of the entry without this key, trained once for both
teacher a method whose network's predictions are the labels; it is trained first, at every seed its
        own, under the same recipe but for the fields given. It learns from the labels itself, and
        has no map
sample  how many settings are drawn, as `expand` says; fields of the recipe are drawn with them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from evenhand.declared.base import quote_value
from evenhand.declared.notation import pipeline_name
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import KeyPath, Mistake, Mistakes, SpecError
from evenhand.suite.declaration import Named

RESERVED = ("as", "recipe", "on", "sample", "posthoc", "teacher")
FIELD = "recipe."
"""Begins the name of a recipe's field among settings: `recipe.sam` beside `tau`."""
POSTHOC, TEACHER = "posthoc.", "teacher."
"""Begin the names of settings of these parts; `posthoc` and `teacher` themselves are their names.
Fields of the teacher's recipe begin with both prefixes."""
TRAINED_ALONE = "erm"
"""The method whose network an entry uses that names a post-hoc map alone."""
PREFIXES = (TEACHER + FIELD, FIELD, POSTHOC, TEACHER)

Declared = dict[str, Any]
"""Settings of a method and, by prefix, of what goes with it; grids not yet multiplied."""


@dataclass(frozen=True)
class MethodEntry:
    """What an entry declares: for every problem, and by glob for some.

    alone  it is called by the name of its post-hoc map, and the network is that of ERM
    """

    label: str | None
    own: Declared
    on: Mapping[str, Declared]
    alone: bool = False

    def matching(self, glob: str | None, problems: Iterable[str]) -> list[str]:
        """The problems that a glob decides; for None those that none does."""
        return [problem for problem in problems if self.decider(problem) == glob]

    def decider(self, problem: str) -> str | None:
        """The first glob that matches; None where the entry's own settings hold."""
        return next((glob for glob in self.on if fnmatchcase(problem, glob)), None)

    def declared(self, glob: str | None) -> Declared:
        """All that holds where a glob decides."""
        return self.own if glob is None else {**self.own, **self.on[glob]}

    def where(self, glob: str | None, inner: KeyPath) -> KeyPath:
        """Where in the entry the thing stands that a mistake in `declared(glob)` names."""
        key = str(inner[0]) if inner else ""
        place: KeyPath = ("on", glob) if glob and (not key or key in self.on[glob]) else ()
        steps = key.split(".")
        if self.alone and steps[0] == "posthoc":
            steps = steps[1:]
        elif steps[0] in ("posthoc", "teacher"):
            steps.insert(1, self.declared(glob)[steps[0]])
        return (*place, *filter(None, steps), *inner[1:])


def with_method(entry: Named) -> Named:
    """The entry as it stands, or `erm: {posthoc: …}` for one that names a post-hoc map alone."""
    if not _is_map(entry.name):
        return entry
    own = {k: v for k, v in entry.settings.items() if k not in RESERVED}
    shared = {k: v for k, v in entry.settings.items() if k in RESERVED}
    return Named.model_validate({TRAINED_ALONE: {**shared, "posthoc": {entry.name: own}}})


def _is_map(name: str) -> bool:
    def there(kind: str) -> bool:
        return Mistakes().catch((), REGISTRY.get, kind, name) is not None

    return not there("method") and there("posthoc")


def read(entry: Named, mistakes: Mistakes, where: KeyPath) -> MethodEntry:
    """The entry by its keys; what is wrong with their shape goes to the mistakes."""
    alone = _is_map(entry.name)
    if alone and "posthoc" in entry.settings:
        what = f"{entry.name} is a post-hoc map itself, and a network has one at most"
        mistakes.found.append(Mistake(what, (*where, "posthoc")))
    entry = with_method(entry)
    given = {k: v for k, v in entry.settings.items() if k not in ("as", "on")}
    label = mistakes.catch((*where, "as"), _label, entry.settings.get("as"))
    own = mistakes.catch(where, _declared, given)
    there = mistakes.catch((*where, "on"), _on, entry.settings.get("on")) or {}
    on = {
        glob: mistakes.catch((*where, "on", glob), _declared_on, inner) or {}
        for glob, inner in there.items()
    }
    return MethodEntry(label, own or {}, on, alone)


def pipeline_of(entry: Named) -> str | None:
    """What an entry makes, `vs` or `distilled-vs+post_shift`; None where nobody registered it."""
    known: Registered | None = Mistakes().catch((), REGISTRY.get, "method", with_method(entry).name)
    if known is None:
        return None
    own = read(entry, Mistakes(), ()).own
    return pipeline_name(known.name, own.get("posthoc"), taught="teacher" in own)


def check_settings(registered: Registered) -> None:
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
        raise SpecError([Mistake(f"as = {quote_value(given)}: {right}")])
    return " ".join(given.split())


def _declared(given: Mapping[str, Any]) -> Declared:
    """Raises `SpecError` where `recipe` is no mapping, `posthoc` or `teacher` no part."""
    if dotted := [str(k) for k in given if str(k).startswith(PREFIXES)]:
        what = f"no key is called {dotted[0]!r}"
        right = "write `recipe: {field: value}`, `posthoc: {name: {…}}` or `teacher: {name: {…}}`"
        raise SpecError([Mistake(what, (dotted[0],), right)])
    settings = {str(k): v for k, v in given.items() if k not in ("recipe", "posthoc", "teacher")}
    settings |= _fields(given.get("recipe"))
    for role, example in (("posthoc", "la_posthoc: {tau: 1}"), ("teacher", "erm")):
        if given.get(role) is not None:
            settings |= _part(role, given[role], example)
    return settings


def _fields(given: Any) -> Declared:
    """Fields of a recipe, each by `recipe.FIELD`."""
    if given is not None and not isinstance(given, dict):
        right = "write fields of the suite's recipe: `recipe: {sam: 0.1}`"
        raise SpecError([Mistake(f"recipe = {quote_value(given)}: {right}", ("recipe",))])
    return {f"{FIELD}{name}": value for name, value in (given or {}).items()}


def _part(role: str, given: Any, example: str) -> Declared:
    """The name of a part under its role, and its settings by `role.SETTING`."""
    try:
        part = Named.model_validate(given)
    except ValidationError:
        what = f"{role} = {quote_value(given)}: write a name, or a name with settings"
        raise SpecError([Mistake(what, (role,), f"e.g. `{role}: {example}`")]) from None
    settings = {str(k): v for k, v in part.settings.items()}
    if role == "teacher":
        settings |= _fields(settings.pop("recipe", None))
    return {role: part.name, **{f"{role}.{name}": value for name, value in settings.items()}}


def _on(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        right = "write `on: {problem: {setting: value}}`; a problem's name may be a glob"
        raise SpecError([Mistake(f"on = {quote_value(given)}: {right}")])
    return given


def _declared_on(given: Any) -> Declared:
    if not isinstance(given, dict) or not given:
        raise SpecError([Mistake(f"{quote_value(given)}: write `{{setting: value}}`")])
    beside = [key for key in ("as", "on", "posthoc", "teacher") if key in given]
    if beside:
        what = f"{beside[0]!r} holds for all problems of an entry"
        raise SpecError([Mistake(what, (beside[0],), "write it beside `on`, not in it")])
    return _declared(given)
