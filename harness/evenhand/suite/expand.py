"""Expansion of one declaration to several settings: `grid:` multiplies and `sample:` draws.

    vs: {tau: {grid: [1.0, 1.5]}, gamma: {grid: [0.1, 0.2]}}              four settings
    vs: {sample: 8, tau: {uniform: [0.5, 2]}, gamma: {loguniform: [0.01, 0.5]}}    eight

A draw depends on the suite's name and version, the part and the setting only. The same file gives
the same settings on every machine, and a further setting does not change the others.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from evenhand.declared.base import quote_value
from evenhand.errors import Mistake, Mistakes, SpecError, suggest

Draw = Callable[[np.random.Generator], Any]
SIGNIFICANT_DIGITS = 4
TRIES = 100
"""Draws for each setting before a distribution counts as having too few different values."""


class Distribution(NamedTuple):
    """A distribution of a setting."""

    form: str
    """Its arguments in a suite."""
    make: Callable[[list[Any]], Draw]
    """Make the draw from the arguments. Raises `ValueError` for wrong ones."""


def _uniform(values: list[Any]) -> Draw:
    low, high = _rising(values, float)
    return lambda rng: _rounded(rng.uniform(low, high), low, high)


def _loguniform(values: list[Any]) -> Draw:
    low, high = _rising(values, float)
    if low <= 0:
        raise ValueError
    return lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high))), low, high)


def _normal(values: list[Any]) -> Draw:
    mean, sd = _two(values, float)
    if sd <= 0:
        raise ValueError
    return lambda rng: _rounded(rng.normal(mean, sd), -math.inf, math.inf)


def _integer(values: list[Any]) -> Draw:
    low, high = _rising(values, int)
    return lambda rng: int(rng.integers(int(low), int(high), endpoint=True))


def _choice(values: list[Any]) -> Draw:
    if not values:
        raise ValueError
    return lambda rng: values[int(rng.integers(len(values)))]


DISTRIBUTIONS: dict[str, Distribution] = {
    "uniform": Distribution("[low, high] with low < high", _uniform),
    "loguniform": Distribution("[low, high] with 0 < low < high", _loguniform),
    "normal": Distribution("[mean, sd] with sd above 0", _normal),
    "integer": Distribution("[low, high], whole numbers with low < high", _integer),
    "choice": Distribution("[a, b, …]", _choice),
}


def _two(values: list[Any], kind: type[int | float]) -> tuple[float, float]:
    kinds = (int,) if kind is int else (int, float)
    if len(values) != 2 or not all(type(v) in kinds and math.isfinite(v) for v in values):
        raise ValueError
    return values[0], values[1]


def _rising(values: list[Any], kind: type[int | float]) -> tuple[float, float]:
    low, high = _two(values, kind)
    if not low < high or math.isinf(high - low):
        raise ValueError
    return low, high


def _rounded(value: float, low: float, high: float) -> float:
    """The value in four significant digits, so that it can be written down and typed again."""
    return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), low), high)


def expand(
    settings: dict[str, Any],
    *,
    seed: str,
    seeds: Mapping[str, str] = {},
    mappings: Collection[str] = (),
) -> list[dict[str, Any]]:
    """All settings of a declaration, in order; [{}] for one without settings.

    seed      seed of the draws
    seeds     other seeds, by name of the setting
    mappings  settings whose values may be mappings themselves, such as `sam: {rho: [0.1, 0.2]}`

    Raises `SpecError` for an empty grid, an unknown distribution, `sample:` without a distribution
    or the reverse. `where` of a mistake begins with the setting's name.

    >>> expand({"tau": {"grid": [1.0, 1.5]}, "gamma": 0.1}, seed="")
    [{'tau': 1.0, 'gamma': 0.1}, {'tau': 1.5, 'gamma': 0.1}]
    """
    settings = dict(settings)
    mistakes = Mistakes()
    n = mistakes.catch(("sample",), _sample, settings.pop("sample")) if "sample" in settings else 0
    marks = [(k, v, sweep_kind(v, mapping=k in mappings)) for k, v in settings.items()]
    grids = {k: mistakes.catch((k,), _grid, k, v) for k, v, mark in marks if mark == "grid"}
    draws = {k: mistakes.catch((k,), _draw, k, v) for k, v, mark in marks if mark == "draw"}
    if n and not draws:
        right = "write e.g. `tau: {uniform: [0.5, 2.0]}`"
        what = "`sample:` draws settings, and no setting has a distribution"
        mistakes.found.append(Mistake(what, ("sample",), right))
    if n == 0 and any(draws.values()):
        what = "a distribution needs the number of settings to draw"
        mistakes.found.append(Mistake(what, (next(iter(draws)),), "add `sample: 8`"))
    if mistakes.found:
        raise SpecError(mistakes.found)
    given = {k: draw for k, draw in draws.items() if draw}
    drawn = _drawn(n or 0, given, {k: seeds.get(k, seed) for k in given})
    return [
        settings | dict(zip(grids, values, strict=True)) | drawing
        for drawing in drawn
        for values in itertools.product(*(values or [] for values in grids.values()))
    ]


def sweep_kind(value: Any, *, mapping: bool = False) -> str:
    """Whether a value is a "grid", a "draw" from a distribution, or a single value, "".

    A mapping of an unknown word to a list counts as a misspelt distribution. If a single value may
    be a mapping, the word must also resemble the name of a distribution.
    """
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    [(word, inner)] = value.items()
    if word == "grid":
        return "grid"
    misspelt = isinstance(inner, list) and (not mapping or _is_near(str(word)))
    return "draw" if misspelt or word in DISTRIBUTIONS else ""


def _is_near(word: str) -> bool:
    return bool(suggest(word, ["grid", *DISTRIBUTIONS]).hint)


def _sample(n: Any) -> int:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise SpecError([Mistake(f"sample = {quote_value(n)}: write a whole number from 1")])
    return n


def _grid(name: str, value: dict[str, Any]) -> list[Any]:
    values = value["grid"]
    if not isinstance(values, list) or not values:
        what = f"{name}: the grid is empty" if values in ([], None) else f"{name}: a grid is a list"
        raise SpecError([Mistake(what, (), "write e.g. `{grid: [0.5, 1.0]}`")])
    seen: dict[Any, Any] = {}
    for i, inner in enumerate(values):
        first = seen.setdefault(_hashable(inner), i)
        if first < i:
            what = f"{name}: the grid holds {quote_value(values[first])} twice"
            raise SpecError([Mistake(what)])
    return values


def _hashable(value: Any) -> Any:
    """A value of YAML in a form that is equal where the value is, and can be in a set."""
    if isinstance(value, dict):
        return frozenset((key, _hashable(inner)) for key, inner in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _draw(name: str, value: dict[str, Any]) -> Draw:
    [(word, values)] = value.items()
    if word not in DISTRIBUTIONS:
        said = suggest(str(word), ["grid", *DISTRIBUTIONS], "distribution")
        what = f"{name}: no distribution is called {word!r}"
        raise SpecError([Mistake(what, (word,), said.right, said.hint)])
    form, make = DISTRIBUTIONS[word]
    try:
        return make(values if isinstance(values, list) else [])
    except ValueError:
        what = f"{name}: {word}: {quote_value(values)}"
        raise SpecError([Mistake(what, (word,), f"write `{word}: {form}`")]) from None


def _drawn(n: int, draws: Mapping[str, Draw], seeds: Mapping[str, str]) -> list[dict[str, Any]]:
    """n different settings, of which the first stay the same when n grows."""
    if not draws:
        return [{}]
    drawn: dict[Any, dict[str, Any]] = {}
    for i in range(n * TRIES):
        setting = {k: draw(_generator(seeds[k], k, i)) for k, draw in draws.items()}
        drawn.setdefault(_hashable(setting), setting)
        if len(drawn) == n:
            return list(drawn.values())
    what = f"sample = {n}: only {len(drawn)} different settings can be drawn"
    raise SpecError([Mistake(what, ("sample",), f"write `sample: {len(drawn)}`, or a grid")])


def _generator(seed: str, setting: str, index: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}/{setting}/{index}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
