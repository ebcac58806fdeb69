"""Checks of the declared comparisons: `contrasts:` name rows, `tested:` names metrics."""

from __future__ import annotations

from dataclasses import replace

from evenhand.declared.registry import REGISTRY
from evenhand.errors import KeyPath, Mistake, Mistakes, SpecError, suggest
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.readable import UNREADABLE
from evenhand.suite.row_pairs import RowNames
from evenhand.suite.suite_parts import SuiteParts


def check_contrasts(suite: SuiteDeclaration, parts: SuiteParts, mistakes: Mistakes) -> None:
    """Check that each contrast names two rows, and that no two contrasts compare the same rows."""
    if parts.names is None or {row.entry for row in parts.rows} != {*range(len(suite.methods))}:
        return  # A row without a problem, or an entry with a mistake, may be the one that is meant.
    names = RowNames(suite, parts.rows, parts.names)
    first: dict[tuple[str, frozenset[str]], str] = {}
    for i, contrast in enumerate(suite.contrasts):
        where: KeyPath = ("contrasts", i)
        try:
            found = names.pairs(names.sides(contrast))
        except SpecError as error:
            said = f"contrasts: {contrast!r}: "
            mistakes.found += [replace(m, what=said + m.what, where=where) for m in error.mistakes]
            continue
        places = [(problem, frozenset(pair)) for problem, pairs in found.items() for pair in pairs]
        if earlier := next((first[place] for place in places if place in first), None):
            what = f"contrasts: {contrast!r} compares the same rows as {earlier!r}"
            right = "leave one of them out: the test is two-sided and corrected once"
            mistakes.found.append(Mistake(what, where, right))
        first.update(dict.fromkeys(places, contrast))


def check_tested(suite: SuiteDeclaration, mistakes: Mistakes) -> None:
    """Check that `tested:` names metrics of the suite that are not tested already."""
    if UNREADABLE in suite.metrics:
        return
    signed = {e.name for e in REGISTRY.all("metric") if e.facts.get("signed")}
    for i, metric in enumerate(suite.tested):
        where: KeyPath = ("tested", i)
        if metric not in suite.metrics:
            said = suggest(metric, suite.metrics, "metric")
            what = f"tested: {metric!r} is not among the suite's metrics"
            mistakes.found.append(Mistake(what, where, said.right, said.hint))
        elif {metric} == {*suite.primaries.values()}:
            what = f"tested: {metric!r} is the primary metric, whose comparisons are always tested"
            mistakes.found.append(Mistake(what, where, "leave it out"))
        elif metric in signed:
            what = f"tested: {metric!r} is signed: its best value is 0, and no difference is better"
            mistakes.found.append(Mistake(what, where, "test another metric, or leave it out"))
