"""Records of earlier versions of trials: of other code, of another version or engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from evenhand.declared.identity import Difference, differences, identity_of
from evenhand.declared.main_module import MAIN
from evenhand.declared.plugin_modules import plugin_of
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import UnknownName
from evenhand.store import Head


@dataclass(frozen=True)
class Stale:
    """A trial without a record, of which the store has a record of other versions."""

    trial: Trial
    record: str
    """Key of the record."""
    differences: tuple[Difference, ...]
    """What differs between the record and the trial."""


def find_stale(
    trials: Iterable[Trial], heads: Mapping[str, Head], current: Collection[str]
) -> tuple[Stale, ...]:
    """The finished records of trials whose key has changed, the most similar one for each trial.

    current: keys of the suite, whose records belong to other trials of it.
    """
    earlier: dict[str, list[Head]] = {}
    for key, head in heads.items():
        if head.status == "done" and key not in current:
            earlier.setdefault(head.identity.digest, []).append(head)
    if not earlier:
        return ()
    found = []
    for trial in trials:
        own = identity_of(trial)
        known = [
            (differences(head.identity, own), head.key) for head in earlier.get(own.digest, ())
        ]
        if known:
            differing, key = min(known, key=lambda pair: (len(pair[0]), pair[0], pair[1]))
            found.append(Stale(trial, key, differing))
    return tuple(found)


def describe(stale: Iterable[Stale]) -> dict[str, int]:
    """Each reason why records are not used, with its number of trials."""
    counted: dict[str, int] = {}
    for each in stale:
        text = " and of ".join(map(_with_place, each.differences))
        counted[text] = counted.get(text, 0) + 1
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _with_place(difference: Difference) -> str:
    """A difference with the place of the code that was edited."""
    if not difference.kind:
        return difference.text
    try:
        module = REGISTRY.get(difference.kind, difference.name).make.__module__
    except UnknownName:
        return difference.text
    plugin = plugin_of(module)
    if plugin is not None:
        where = f"{plugin.path} or what it imports changed"
    elif module == MAIN:
        where = "the notebook or script, or what it imports, changed"
    else:
        where = f"{module} or what it imports changed"
    return f"{difference.text} ({where})"
