"""The primary metric of each problem: `primary: {cifar10-*: min_recall, cifar100-*: accuracy}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from evenhand.declared.registry import REGISTRY
from evenhand.errors import KeyPath, Mistake, Mistakes, suggest
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.readable import UNREADABLE


def primary_places(suite: SuiteDeclaration) -> dict[KeyPath, str]:
    """The primary metrics by the path of their key."""
    if isinstance(suite.primary, str):
        return {("primary",): suite.primary}
    return {("primary", glob): metric for glob, metric in suite.primary.items()}


def ranked_on(
    suite: SuiteDeclaration, problems: Sequence[str]
) -> list[tuple[KeyPath, str, list[str]]]:
    """The metrics that rank methods or choose settings: place, name, and the problems they are for.

    Problems are those of `problems`.
    """
    found: list[tuple[KeyPath, str, list[str]]] = []
    for where, metric in primary_places(suite).items():
        glob = str(where[1]) if len(where) > 1 else "*"
        found.append((where, metric, [p for p in problems if fnmatchcase(p, glob)]))
    if suite.select and suite.select.by:
        found.append((("select", "by"), suite.select.by, list(problems)))
    return found


def check_primary(
    suite: SuiteDeclaration, problems: Sequence[str] | None, mistakes: Mistakes
) -> None:
    """Check that primary metrics are the suite's, have a direction, and are one for each problem.

    problems  names of the problems; None if some could not be read
    """
    facts: Mapping[str, Mapping[str, object]] = {e.name: e.facts for e in REGISTRY.all("metric")}
    known = {UNREADABLE, *facts, *(alias for e in REGISTRY.all("metric") for alias in e.aliases)}
    # A misspelt metric is reported once, and not again as missing for `primary`.
    is_readable = UNREADABLE not in suite.metrics and known.issuperset(suite.metrics)
    for where, name in primary_places(suite).items():
        if is_readable and name not in (*suite.metrics, UNREADABLE):
            said = suggest(name, suite.metrics, "metric")
            shown = " ".join(map(str, where))
            what = f"{shown} {name!r} is not among the suite's metrics"
            mistakes.found.append(Mistake(what, where, said.right, said.hint))
    for where, name, _ in ranked_on(suite, ()):
        if facts.get(name, {}).get("signed"):
            shown = f"{'.'.join(map(str, where))} = {name!r}"
            what = f"{shown} is signed: its best value is 0, and it cannot rank"
            right = "rank by another metric, and draw this one in `figures:`"
            mistakes.found.append(Mistake(what, where, right))
    if problems is not None and not isinstance(suite.primary, str):
        _check_globs(suite.primary, problems, mistakes)


def _check_globs(globs: Mapping[str, str], problems: Sequence[str], mistakes: Mistakes) -> None:
    """Every problem is matched by one glob, and every glob matches a problem."""
    names = ", ".join(problems)
    for problem in problems:
        found = [glob for glob in globs if fnmatchcase(problem, glob)]
        if not found:
            what = f"primary: no pattern matches the problem {problem}"
            right = f"write `{problem}: METRIC`, or a pattern such as `{problem.split('-')[0]}*`"
            mistakes.found.append(Mistake(what, ("primary",), right))
        elif found[1:]:
            what = f"primary: {' and '.join(found)} match the problem {problem}"
            right = "write patterns of which one matches each problem"
            mistakes.found.append(Mistake(what, ("primary", found[1]), right))
    for glob in globs:
        if not any(fnmatchcase(problem, glob) for problem in problems):
            what = f"primary: {glob!r} matches no problem"
            mistakes.found.append(Mistake(what, ("primary", glob), f"problems: {names}"))
