"""A method's entry in a suite: the settings of the method, and six further keys.

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

as       name of the entry's rows in tables and for `--only method=`; by default the method's name
recipe   fields of the suite's recipe that are replaced for these rows
on       settings and recipe fields by problem. Keys are globs over names of problems, and the first
         glob that matches a problem decides. Other problems keep the entry's own values. The values
         here are not part of a row's name, because a row is one row over all problems
posthoc  post-hoc method that is applied to the trained network. The network is that of the entry
         without this key and is trained once for both
teacher  method whose network gives the labels (knowledge distillation). It is trained first, once
         for each seed, under the same recipe except for the fields given. It learns from the labels
         of the data set and has no post-hoc method
sample   number of settings that are drawn from distributions, recipe fields included; see
         `expand.py`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from unicodedata import category, normalize

from pydantic import ValidationError

from evenhand.declared.base import quote_value
from evenhand.declared.notation import pipeline_name
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import KeyPath, Mistake, Mistakes, SpecError
from evenhand.suite.declaration import Named

RESERVED = ("as", "recipe", "on", "sample", "posthoc", "teacher")

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that act on a terminal or on the direction of the text."""

JOINERS = "\u200c\u200d"
"""Invisible characters that belong to the spelling of some languages and to emoji."""
FIELD = "recipe."
"""Prefix of a recipe field among the settings: `recipe.sam` beside `tau`."""
POSTHOC, TEACHER = "posthoc.", "teacher."
"""Prefixes of the settings of these parts; the keys `posthoc` and `teacher` hold their names.
Fields of the teacher's recipe have both prefixes."""
TRAINED_ALONE = "erm"
"""Method whose network is used by an entry that names only a post-hoc method."""
PREFIXES = (TEACHER + FIELD, FIELD, POSTHOC, TEACHER)

Declared = dict[str, Any]
"""Settings of a method and, by prefix, of recipe, teacher and post-hoc method, with their grids."""


@dataclass(frozen=True)
class MethodEntry:
    """The settings that an entry declares, for all problems and by glob for some."""

    label: str | None
    """Name given by `as:`."""
    own: Declared
    """Settings for problems that no glob matches."""
    on: Mapping[str, Declared]
    """Settings that replace them, by glob."""
    alone: bool = False
    """Whether the entry names a post-hoc method, which is then applied to ERM."""

    def matching(self, glob: str | None, problems: Iterable[str]) -> list[str]:
        """The problems for which a glob decides; for None, those that no glob matches."""
        return [problem for problem in problems if self.decider(problem) == glob]

    def decider(self, problem: str) -> str | None:
        """The first glob that matches a problem; None if the entry's own settings hold."""
        return next((glob for glob in self.on if fnmatchcase(problem, glob)), None)

    def declared(self, glob: str | None) -> Declared:
        """All settings on the problems for which a glob decides."""
        return self.own if glob is None else {**self.own, **self.on[glob]}

    def where(self, glob: str | None, inner: KeyPath) -> KeyPath:
        """Place in the entry of a mistake whose path is relative to `declared(glob)`."""
        key = str(inner[0]) if inner else ""
        place: KeyPath = ("on", glob) if glob and (not key or key in self.on[glob]) else ()
        steps = key.split(".")
        if self.alone and steps[0] == "posthoc":
            steps = steps[1:]
        elif steps[0] in ("posthoc", "teacher"):
            steps.insert(1, self.declared(glob)[steps[0]])
        return (*place, *filter(None, steps), *inner[1:])


def with_method(entry: Named) -> Named:
    """The entry itself, or `erm: {posthoc: …}` for one that names a post-hoc method."""
    if not _is_posthoc(entry.name):
        return entry
    own = {k: v for k, v in entry.settings.items() if k not in RESERVED}
    shared = {k: v for k, v in entry.settings.items() if k in RESERVED}
    return Named.model_validate({TRAINED_ALONE: {**shared, "posthoc": {entry.name: own}}})


def _is_posthoc(name: str) -> bool:
    def there(kind: str) -> bool:
        return Mistakes().catch((), REGISTRY.get, kind, name) is not None

    return not there("method") and there("posthoc")


def read(entry: Named, mistakes: Mistakes, where: KeyPath) -> MethodEntry:
    """The entry with its keys separated; collects mistakes of their types."""
    alone = _is_posthoc(entry.name)
    if alone and "posthoc" in entry.settings:
        what = f"{entry.name} is a post-hoc method, and a trial has at most one"
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
    """Pipeline of an entry, `vs` or `distilled-vs+post_shift`; None if its method is unknown."""
    known: Registered | None = Mistakes().catch((), REGISTRY.get, "method", with_method(entry).name)
    if known is None:
        return None
    own = read(entry, Mistakes(), ()).own
    return pipeline_name(known.name, own.get("posthoc"), taught="teacher" in own)


def check_settings(registered: Registered) -> None:
    """Check that no setting has the name of an entry's key. Raises `SpecError`."""
    taken = [name for name in registered.settings if name in RESERVED]
    if taken:
        what = f"{registered.name} has a setting called {taken[0]!r}, a key of every method's entry"
        right = f"keys of an entry: {', '.join(RESERVED)}"
        raise SpecError([Mistake(what, (), right, "give the method's parameter another name")])


def _label(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip() or '"' in given:
        right = "write a name of the rows without quotes in it: `as: VS with SAM`"
        raise SpecError([Mistake(f"as = {quote_value(given)}: {right}")])
    # One name may be typed in two ways, `é` as one character or as two.
    label = normalize("NFC", " ".join(given.split()))
    if hidden := [c for c in label if category(c) in INVISIBLE and c not in JOINERS]:
        right = f"write a name of the rows without the invisible character U+{ord(hidden[0]):04X}"
        raise SpecError([Mistake(f"as = {label!a}: {right}")])
    return label


def _declared(given: Mapping[str, Any]) -> Declared:
    """Settings by name, with prefixes. Raises `SpecError` for a value of a wrong type."""
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
    """Fields of a recipe by `recipe.FIELD`."""
    if given is not None and not isinstance(given, dict):
        right = "write fields of the suite's recipe: `recipe: {sam: 0.1}`"
        raise SpecError([Mistake(f"recipe = {quote_value(given)}: {right}", ("recipe",))])
    return {f"{FIELD}{name}": value for name, value in (given or {}).items()}


def _part(role: str, given: Any, example: str) -> Declared:
    """Name of a part by its role, and its settings by `role.SETTING`."""
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
