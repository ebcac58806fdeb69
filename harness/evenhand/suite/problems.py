"""Resolution of a problem's entry, whose settings belong to the data set or the profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from evenhand.declared.base import advice, quote_value
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.split_counts import DataCounts, split_counts
from evenhand.declared.trial import HOW_VAL, Problem, Selection, Val
from evenhand.errors import DataError, Mistake, Mistakes, SpecError, joined, suggest

KEYS = ("profile", "n_max", "selection", "val", "recipe")
SELECTIONS: tuple[Selection, ...] = get_args(Selection)


def resolve_problem(name: str, given: Mapping[str, Any], default: Val) -> Problem:
    """The problem of an entry such as `cifar10: {profile: exp, ratio: 100}`.

    default  `val` of the suite, for a problem without one

    Raises `SpecError`. `where` of a mistake begins with the setting's name.
    """
    source = REGISTRY.get("dataset", name)
    mistakes = Mistakes()
    profile = mistakes.catch(("profile",), _profile, given.get("profile", "natural"))
    if profile is None:
        raise SpecError(mistakes.found)
    rest = {k: v for k, v in given.items() if k not in KEYS}
    mistakes.found += _unknown(rest, source, profile)
    dataset = mistakes.catch((), source.resolve, _of(source, rest))
    shape = mistakes.catch((), profile.resolve, _of(profile, rest))
    n_max = mistakes.catch(("n_max",), _n_max, given.get("n_max"), profile)
    val = mistakes.catch(("val",), _val, given.get("val"), default)
    selection = mistakes.catch(
        ("selection",), _selection, given.get("selection"), profile, val or Val()
    )
    if mistakes.found or dataset is None or shape is None or val is None:
        raise SpecError(mistakes.found)
    return Problem(dataset=dataset, profile=shape, n_max=n_max, selection=selection, val=val)


def has_validation(problem: Problem) -> bool:
    """Whether the problem has a validation split, from its data set or from `val`.

    True as well if only the files can tell; methods that need the split are then checked again when
    the files are read.
    """
    own = REGISTRY.get("dataset", problem.dataset.name).facts.get("own_val", False)
    return problem.val != Val() or bool(own)


def check_sizes(problem: Problem) -> None:
    """Check that the data set has enough examples for the profile and for `val:`.

    Only the sizes that are known without the files are checked. Raises `SpecError`.
    """
    known = known_counts(problem)
    if known is None:
        return
    try:
        split_counts(problem, known)
    except DataError as error:
        what, _, right = str(error).partition("\n  ")
        raise SpecError([Mistake(what, (), right)]) from None


def known_counts(problem: Problem) -> DataCounts | None:
    """Numbers of examples from the registration of the data set; None if only the files give them.

    Where the sizes of the groups are unknown, the examples of a class count as one group.
    """
    facts = REGISTRY.get("dataset", problem.dataset.name).facts
    if "n_classes" not in facts or not ("counts" in facts or "per_class" in facts):
        return None
    n_classes = facts["n_classes"]
    classes = facts.get("classes") or tuple(map(str, range(n_classes)))
    given = facts.get("counts") or {"train": [[facts["per_class"]]] * n_classes}
    counts = {split: np.array(rows, dtype=np.int64) for split, rows in given.items()}
    has_groups = counts["train"].shape[1] > 1
    return DataCounts(
        train=counts["train"],
        test=counts.get("test"),
        val=counts.get("val"),
        classes=classes,
        groups=facts["groups"] if has_groups else ("all",),
        n_unseen=1 if has_groups else facts.get("n_groups", 1),
    )


def _of(entry: Registered, given: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in given.items() if k in entry.settings}


def _unknown(given: Mapping[str, Any], source: Registered, profile: Registered) -> list[Mistake]:
    known = [*KEYS, *source.settings, *profile.settings]
    found = []
    for key in [k for k in given if k not in known]:
        said = suggest(str(key), known, "key")
        what = f"{source.name} under the profile {profile.name} has no key {key!r}"
        found.append(Mistake(what, (key,), said.right, said.hint))
    return found


def _profile(given: Any) -> Registered:
    if given is None:
        names = joined([entry.name for entry in REGISTRY.all("profile")], "or")
        right = f"write {names}; natural keeps all images, and takes neither ratio nor n_max"
        raise SpecError([Mistake("profile = nothing: every problem has a profile", (), right)])
    if isinstance(given, dict | list):
        right = "write its name, and its settings beside it: `{profile: exp, ratio: 100}`"
        raise SpecError([Mistake(f"profile = {given!r}", (), right)])
    return REGISTRY.get("profile", str(given))


def _n_max(given: Any, profile: Registered) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise SpecError([Mistake(f"n_max = {quote_value(given)}: write a whole number from 1")])
    if profile.name == "natural":
        right = "leave n_max out, or name a profile: `{profile: exp, ratio: 100}`"
        raise SpecError([Mistake("n_max: the profile natural keeps all images", (), right)])
    return given


def _selection(given: Any, profile: Registered, val: Val) -> Selection | None:
    if given is None:
        return None
    if given not in SELECTIONS:
        said = suggest(str(given), SELECTIONS, "selection")
        raise SpecError([Mistake(f"selection = {quote_value(given)}", (), said.right, said.hint)])
    if profile.name == "natural":
        right = "leave selection out, or name a profile: `{profile: exp, ratio: 100}`"
        raise SpecError([Mistake("selection: the profile natural keeps all images", (), right)])
    if val.per_class is not None:
        what = f"selection {given}: `val: {{per_class: {val.per_class}}}` would take its images"
        raise SpecError(
            [Mistake(what, (), "add `val: {test_half: true}`, `{fraction: …}` or `none`")]
        )
    selection: Selection = given
    return selection


def _val(given: Any, default: Val) -> Val:
    if given is None:
        return default
    try:
        return Val.model_validate(given)
    except ValidationError as error:
        found = [e for e in error.errors() if e["type"] != "extra_forbidden"]
        said = advice(found[0]) if found else HOW_VAL
        raise SpecError([Mistake(f"val = {quote_value(given)}: {said}")]) from None
