"""`grid:` multiplies, `sample:` draws: one declaration becomes several settings.

    vs: {tau: {grid: [1.0, 1.5]}, gamma: {grid: [0.1, 0.2]}}              four settings
    vs: {sample: 8, tau: {uniform: [0.5, 2]}, gamma: {loguniform: [0.01, 0.5]}}    eight

A draw depends on the suite's name and version, the part and the setting, and on nothing else: the
same file gives the same settings on every machine, and a setting added beside changes no other.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.errors import Mistake, SpecError, suggest

Draw = Callable[[np.random.Generator], Any]
SIGNIFICANT_DIGITS = 4


def _rounded(value: float) -> float:
    """Four significant digits: what is drawn can be written down and typed again."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _uniform(low: float, high: float) -> Draw:
    return lambda rng: _rounded(rng.uniform(low, high))


def _loguniform(low: float, high: float) -> Draw:
    if low <= 0:
        raise ValueError("loguniform needs bounds above 0")
    return lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high))))


def _normal(mean: float, sd: float) -> Draw:
    return lambda rng: _rounded(rng.normal(mean, sd))


def _integer(low: int, high: int) -> Draw:
    return lambda rng: int(rng.integers(low, high, endpoint=True))


def _choice(*values: Any) -> Draw:
    return lambda rng: values[int(rng.integers(len(values)))]


DISTRIBUTIONS: dict[str, Callable[..., Draw]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "normal": _normal,
    "integer": _integer,
    "choice": _choice,
}


def expand(settings: dict[str, Any], *, seed: str) -> list[dict[str, Any]]:
    """All settings that a declaration stands for, in order; [{}] for one without settings.

    Raises `SpecError` for an empty grid, an unknown distribution, `sample:` without one or one
    without `sample:`; a mistake's `where` begins with the setting's name.
    """
    settings = dict(settings)
    n = settings.pop("sample", None)
    grids = {k: _grid(k, v["grid"]) for k, v in settings.items() if _marked(v) == "grid"}
    draws = {k: _draw(k, v) for k, v in settings.items() if _marked(v) == "draw"}
    if (n is None) != (not draws):
        what, right = (
            ("a distribution needs to be told how many settings to draw", "add `sample: 8`")
            if n is None
            else ("`sample:` has nothing to draw from", "write e.g. `tau: {uniform: [0.5, 2.0]}`")
        )
        raise SpecError([Mistake(what, ("sample",) if n else (next(iter(draws)),), right)])
    if n is not None and (not isinstance(n, int) or isinstance(n, bool) or n < 1):
        raise SpecError([Mistake(f"sample = {n!r}: write a whole number from 1", ("sample",))])
    fixed = {k: v for k, v in settings.items() if k not in grids and k not in draws}
    drawn = [{k: draw(_generator(seed, k, i)) for k, draw in draws.items()} for i in range(n or 1)]
    order = list(settings)
    combined = [
        fixed | dict(zip(grids, values, strict=True)) | drawing
        for drawing in drawn
        for values in itertools.product(*grids.values())
    ]
    return [{k: setting[k] for k in order} for setting in combined]


def _marked(value: Any) -> str:
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    [(word, inner)] = value.items()
    if word == "grid":
        return "grid"
    return "draw" if isinstance(inner, list) else ""


def _grid(name: str, values: Any) -> list[Any]:
    if not isinstance(values, list) or not values:
        what = f"{name}: the grid is empty" if values == [] else f"{name}: a grid is a list"
        raise SpecError([Mistake(what, (name,), "write e.g. `{grid: [0.5, 1.0]}`")])
    twice = next((v for v in values if values.count(v) > 1), None)
    if twice is not None:
        raise SpecError([Mistake(f"{name}: the grid holds {twice!r} twice", (name,))])
    return values


def _draw(name: str, value: dict[str, Any]) -> Draw:
    [(word, bounds)] = value.items()
    if word not in DISTRIBUTIONS:
        said = suggest(str(word), ["grid", *DISTRIBUTIONS], "distribution")
        raise SpecError(
            [
                Mistake(
                    f"{name}: no distribution is called {word!r}",
                    (name, word),
                    said.right,
                    said.hint,
                )
            ]
        )
    try:
        low_high = word not in {"choice", "normal"}
        if not isinstance(bounds, list) or not bounds or (low_high and not bounds[0] < bounds[1]):
            raise ValueError("write [low, high] with low < high")
        return DISTRIBUTIONS[word](*bounds)
    except (TypeError, ValueError, IndexError) as error:
        raise SpecError([Mistake(f"{name}: {word}: {error}", (name, word))]) from None


def _generator(seed: str, setting: str, index: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}/{setting}/{index}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
