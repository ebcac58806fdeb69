"""Records of earlier versions of trials: of other code, of another version or engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from evenhand.declared.identity import differences, identity_of
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
    reasons: tuple[str, ...]
    """What differs, each as the end of "a record of …"."""


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
            reasons, key = min(known, key=lambda pair: (len(pair[0]), pair[0], pair[1]))
            found.append(Stale(trial, key, reasons))
    return tuple(found)


def describe(stale: Iterable[Stale]) -> dict[str, int]:
    """Each reason why records are not used, with its number of trials."""
    counted: dict[str, int] = {}
    for each in stale:
        text = " and of ".join(_with_place(reason) for reason in each.reasons)
        counted[text] = counted.get(text, 0) + 1
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _with_place(reason: str) -> str:
    """A reason with the place of the code that was edited."""
    if not reason.startswith("other code of the "):
        return reason
    kind, _, name = reason.removeprefix("other code of the ").partition(" ")
    try:
        module = REGISTRY.get(kind, name.strip("`")).make.__module__
    except UnknownName:
        return reason
    plugin = plugin_of(module)
    if plugin is not None:
        return f"{reason} ({plugin.path} or what it imports changed)"
    if module == MAIN:
        return f"{reason} (the notebook or script, or what it imports, changed)"
    return f"{reason} ({module} or what it imports changed)"
