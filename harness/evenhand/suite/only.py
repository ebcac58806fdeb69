"""Restriction of a suite to some of its trials: `--only method=vs,problem=cifar10*,seed=0..2`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from evenhand.declared.base import Part
from evenhand.declared.notation import format_value
from evenhand.declared.recipe import Recipe, Sam
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.suite.resolve import Configuration, Suite

KEYS = ("method", "row", "problem", "seed", "recipe", "key")
RECIPE = "recipe."
OPEN, CLOSE, QUOTE = "([{", ")]}", '"'


@dataclass(frozen=True)
class Only:
    """Conditions that must all hold; several values of one key are alternatives.

    A value is a glob (`cifar10*`) or a range that includes both ends (`0..2`). 1, 1.0 and 1e0 are
    the same number. A value with a comma needs brackets or quotes: `method="VS, SAM"`. `method` is
    a method in all its rows, or the name that the suite gives by `as:`. `row` is one row, by its
    name or its printed title.

    Further keys are the settings of methods, `tau=1..1.5`, and the fields of the recipe, `lr=0.05`.
    A field that is not set is `none`, and a list matches by each of its items as well. If a method
    has a setting of the same name, the name means the setting, and `recipe.lr=0.05` the field.
    """

    conditions: tuple[tuple[str, str], ...]
    """Key and pattern of each condition."""

    @classmethod
    def parse(cls, text: str) -> Only:
        """The conditions of `key=value,…`. Raises `SpecError` for another form."""
        conditions = []
        for each in terms(text):
            key, equals, value = each.partition("=")
            if not (key.strip() and equals and value.strip()):
                right = "write e.g. `--only method=vs,problem=cifar10*,seed=0..2`"
                hint = "a value with a comma needs quotes: `--only 'row=\"VS, SAM\"'`"
                what = f"--only {text}: {each!r} is not key=value"
                raise SpecError([Mistake(what, (), right, hint)])
            conditions.append((key.strip(), value.strip().strip(QUOTE)))
        return cls(tuple(conditions))

    def trials(self, configuration: Configuration) -> list[Trial]:
        """The trials of a configuration that meet all conditions."""
        wanted, values = self.by_key(), _values(configuration)
        of_trials = {key: wanted.pop(key) for key in OF_A_TRIAL if key in wanted}
        if not all(_match(patterns, values.get(key, ())) for key, patterns in wanted.items()):
            return []
        return [
            trial
            for trial in configuration.trials
            if all(_match(of_trials[key], [OF_A_TRIAL[key](trial)]) for key in of_trials)
        ]

    def by_key(self) -> dict[str, list[str]]:
        """The alternative patterns of each key."""
        wanted: dict[str, list[str]] = {}
        for key, pattern in self.conditions:
            wanted.setdefault(key, []).append(pattern)
        return wanted


def restrict(suite: Suite, filters: Sequence[str]) -> Suite:
    """The suite with the trials that any of the filters keeps; all trials without filters.

    A part of a suite keeps its own filters as well. Raises `SpecError` for an unknown key, if no
    trial is left, and for a key that the filters of the part have already.
    """
    if not filters:
        return suite
    wanted = [Only.parse(text) for text in filters]
    _check_keys(suite, wanted)
    _check_values(suite, wanted)
    configurations = [
        replace(
            configuration,
            trials=_in_any(configuration, wanted),
        )
        for configuration in suite.configurations
    ]
    kept = tuple(configuration for configuration in configurations if configuration.trials)
    if not kept:
        what = f"--only {' --only '.join(filters)}: no trial has all of this"
        raise SpecError([Mistake(what, (), "alternatives are written `seed=0,seed=2`")])
    both = [_joined(old, new) for old in suite.only for new in filters] or filters
    return suite.replaced(configurations=kept, whole=suite.whole or suite, only=tuple(both))


def _in_any(configuration: Configuration, wanted: Iterable[Only]) -> tuple[Trial, ...]:
    """The trials of a configuration that one of the filters keeps."""
    kept = {trial.key for only in wanted for trial in only.trials(configuration)}
    return tuple(trial for trial in configuration.trials if trial.key in kept)


def _joined(old: str, new: str) -> str:
    """The filter that keeps what both filters keep.

    Raises `SpecError` where no filter does: several values of one key are alternatives.
    """
    first, second = Only.parse(old).by_key(), Only.parse(new).by_key()
    again = [key for key in second if sorted(first.get(key, second[key])) != sorted(second[key])]
    both = first | second
    text = ",".join(_quoted(key, value) for key, values in both.items() for value in values)
    if again or Only.parse(text).by_key() != both:
        what = f"--only {new}: the suite is already restricted by `{old}`"
        right = "one filter cannot have both, because several values of one key are alternatives"
        raise SpecError([Mistake(what, (), right, "restrict `suite.whole` by one filter")])
    return text


def _quoted(key: str, value: str) -> str:
    """A condition that stays one beside others, also with single brackets in its value."""
    plain = not any(sign in value for sign in f",{OPEN}{CLOSE}")
    return f"{key}={value}" if plain else f"{key}={QUOTE}{value}{QUOTE}"


def setting_beside(configuration: Configuration) -> str:
    """The setting of a configuration, or "" if the name of its row contains it."""
    said = configuration.row.endswith((f"({configuration.setting})", f" {configuration.setting})"))
    return "" if said else configuration.setting


def term(key: str, value: str) -> str:
    """A condition in the form of the command line: `method=vs`, `method="VS, SAM"`."""
    return f"{key}={QUOTE}{value}{QUOTE}" if len(terms(value)) > 1 else f"{key}={value}"


def terms(text: str) -> list[str]:
    """The terms between commas; commas in brackets or quotes do not separate terms.

    >>> terms("method=vs(tau=1, gamma=0.3),seed=0")
    ['method=vs(tau=1, gamma=0.3)', 'seed=0']
    """
    found, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == QUOTE
        if not quoted:
            depth = max(0, depth + (sign in OPEN) - (sign in CLOSE))
        if sign == "," and not depth and not quoted:
            found.append("")
        else:
            found[-1] += sign
    return [each.strip() for each in found]


OF_A_TRIAL: dict[str, Callable[[Trial], str]] = {
    "seed": lambda trial: str(trial.seed),
    "key": lambda trial: trial.key,
}
"""Values that differ between the trials of a configuration, by key."""


def _values(configuration: Configuration) -> dict[str, set[str]]:
    """Values of all trials of a configuration by key; a condition holds if it matches one."""
    is_plain = configuration.pipeline == configuration.method.name
    aliases = REGISTRY.get("method", configuration.method.name).aliases if is_plain else ()
    fields = _fields(configuration.recipe)
    return {
        **fields,
        **{RECIPE + name: values for name, values in fields.items()},
        **{name: {format_value(value)} for name, value in _settings(configuration).items()},
        "method": {configuration.pipeline, configuration.row, *_label(configuration), *aliases},
        "row": {configuration.row, configuration.title},
        "problem": {configuration.problem.name, configuration.problem.dataset.name},
        "recipe": {configuration.recipe.name},
    }


def _settings(configuration: Configuration) -> dict[str, Any]:
    """Settings of the post-hoc method and of the method, which has precedence."""
    posthoc = configuration.trials[0].posthoc
    return {**(posthoc.settings if posthoc else {}), **configuration.method.settings}


def _label(configuration: Configuration) -> set[str]:
    """The name that `as:` gives to the rows of the entry; empty without one."""
    title = REGISTRY.get("method", configuration.method.name).title
    return {configuration.method_title} - {title, ""}


def _fields(recipe: Recipe) -> dict[str, set[str]]:
    """Texts of the recipe's fields: a part by name or in full, a list as a whole or by item."""
    return {name: _texts(getattr(recipe, name)) for name in Recipe.model_fields if name != "name"}


def _texts(value: Any) -> set[str]:
    if isinstance(value, tuple):
        return {format_value(value)}.union(*map(_texts, value))
    if isinstance(value, Sam):
        return {format_value(value), *map(format_value, value.rho)}
    return {value.name, str(value)} if isinstance(value, Part) else {format_value(value)}


def _check_keys(suite: Suite, wanted: Sequence[Only]) -> None:
    """Check the keys. Raises `SpecError` for a key that no trial has."""
    settings = {name for configuration in suite.configurations for name in _settings(configuration)}
    fields = {
        name for configuration in suite.configurations for name in _fields(configuration.recipe)
    }
    known = list(dict.fromkeys([*KEYS, *sorted(settings), *sorted(fields)]))
    for key, _ in [condition for only in wanted for condition in only.conditions]:
        if key not in known and key.removeprefix(RECIPE) not in fields:
            said = suggest(key, known, "key")
            what = f"--only: trials have no {key!r}"
            raise SpecError([Mistake(what, (), said.right, said.hint)])


def _check_values(suite: Suite, wanted: Sequence[Only]) -> None:
    """Check the values. Raises `SpecError`, with the existing values, if no trial matches one."""
    known: dict[str, set[str]] = {}
    for configuration in suite.configurations:
        of_trials = {
            key: {value(trial) for trial in configuration.trials}
            for key, value in OF_A_TRIAL.items()
        }
        for key, values in (_values(configuration) | of_trials).items():
            known.setdefault(key, set()).update(values)
    mistakes = []
    for key, pattern in [condition for only in wanted for condition in only.conditions]:
        if not any(_matches(pattern, value) for value in known[key]):
            there = sorted(known[key], key=_by_size) if key != "key" else []
            said = suggest(pattern, there, key)
            what = f"--only {key}={pattern}: no trial has it"
            mistakes.append(Mistake(what, (), said.right if there else "", said.hint))
    if mistakes:
        raise SpecError(mistakes)


def _by_size(value: str) -> tuple[float, str]:
    number = _number(value)
    return (0.0 if number is None else number), value


def _match(patterns: Iterable[str], values: Iterable[str]) -> bool:
    """Whether one of the patterns matches one of the values."""
    found = list(values)
    return any(_matches(pattern, value) for pattern in patterns for value in found)


def _matches(pattern: str, value: str) -> bool:
    low, dots, high = pattern.partition("..")
    if dots and pattern != value:
        try:
            return float(low or "-inf") <= float(value) <= float(high or "inf")
        except ValueError:
            return False
    number = _number(pattern)
    is_same = pattern == value or (number is not None and number == _number(value))
    return is_same or fnmatchcase(value, pattern)


def _number(text: str) -> float | None:
    """The finite number in a text; None for other texts."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
