"""A problem from its entry in a suite: each setting goes to the dataset or profile that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import Mistake, Mistakes, SpecError, suggest
from harness.spec.registry import REGISTRY, Entry
from harness.spec.trial import Problem, Val

KEYS = ("profile", "n_max", "val")
HOW_VAL = "write `{per_class: 20}`, `{fraction: 0.2}` or `none`"


def resolve_problem(name: str, given: Mapping[str, Any], default: Val) -> Problem:
    """`cifar10: {profile: exp, ratio: 100}` as a problem; default is the suite's own `val`.

    Raises `SpecError`; a mistake's `where` begins with the setting's name.
    """
    source = REGISTRY.get("dataset", name)
    mistakes = Mistakes()
    called = str(given.get("profile", "natural"))
    profile = mistakes.catch(("profile",), REGISTRY.get, "profile", called)
    if profile is None:
        raise SpecError(mistakes.found)
    rest = {k: v for k, v in given.items() if k not in KEYS}
    mistakes.found += _unknown(rest, source, profile)
    dataset = mistakes.catch((), source.resolve, _of(source, rest))
    shape = mistakes.catch((), profile.resolve, _of(profile, rest))
    n_max = mistakes.catch(("n_max",), _n_max, given.get("n_max"))
    val = mistakes.catch(("val",), _val, given.get("val"), default)
    if mistakes.found or dataset is None or shape is None or val is None:
        raise SpecError(mistakes.found)
    return Problem(dataset=dataset, profile=shape, n_max=n_max, val=val)


def has_validation(problem: Problem) -> bool:
    """Whether the problem has a validation split: its data set's own, or one carved out."""
    own = REGISTRY.get("dataset", problem.dataset.name).facts.get("own_val", False)
    return problem.val != Val() or bool(own)


def _of(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in given.items() if k in entry.settings}


def _unknown(given: Mapping[str, Any], source: Entry, profile: Entry) -> list[Mistake]:
    known = [*KEYS, *source.settings, *profile.settings]
    found = []
    for key in [k for k in given if k not in known]:
        said = suggest(str(key), known, "key")
        what = f"{source.name} under the profile {profile.name} has no key {key!r}"
        found.append(Mistake(what, (key,), said.right, said.hint))
    return found


def _n_max(given: Any) -> int | None:
    if given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 1):
        return given
    raise SpecError([Mistake(f"n_max = {given!r}: write a whole number from 1")])


def _val(given: Any, default: Val) -> Val:
    if given is None:
        return default
    if given == "none":
        return Val()
    if not isinstance(given, dict) or len(given) != 1:
        raise SpecError([Mistake(f"val = {given!r}", (), HOW_VAL)])
    try:
        return Val(**given)
    except ValueError:
        raise SpecError([Mistake(f"val = {given!r}", (), HOW_VAL)]) from None
