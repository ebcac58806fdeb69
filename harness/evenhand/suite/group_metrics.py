"""Metrics of groups: those that a suite names need problems with groups."""

from __future__ import annotations

from collections.abc import Mapping

from evenhand.declared.registry import REGISTRY
from evenhand.errors import KeyPath, Mistake, Mistakes
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.primary import ranked_on


def check_group_metrics(
    suite: SuiteDeclaration, n_groups: Mapping[str, int | None], mistakes: Mistakes
) -> None:
    """Check the metrics of groups, by the number of groups of each problem; None: unknown.

    A metric that compares groups has no value with a single group, so that it cannot rank there. A
    metric over cells would be a metric of classes under another name if no problem has groups.
    """
    alone = [problem for problem, n in n_groups.items() if n == 1]
    ranked = ranked_on(suite, list(n_groups))
    facts = {entry.name: entry.facts for entry in REGISTRY.all("metric")}
    told = set()
    for where, name, problems in ranked:
        single = [problem for problem in problems if problem in alone]
        if single and facts.get(name, {}).get("compares") == "groups":
            shown = f"{'.'.join(map(str, where))} = {name!r}"
            what = f"{shown} compares groups, and there is a single group in {', '.join(single)}"
            right = "rank by another metric, or choose problems with groups"
            mistakes.found.append(Mistake(what, where, right))
            told.add(name)
    if len(alone) < len(n_groups) or not alone:
        return
    named: list[tuple[KeyPath, str]] = [(("metrics", i), m) for i, m in enumerate(suite.metrics)]
    named += [(where, name) for where, name, _ in ranked if name not in suite.metrics]
    for where, name in named:
        of_name = facts.get(name, {})
        is_of_groups = of_name.get("compares") == "groups" or of_name.get("over") == "cells"
        if is_of_groups and name not in told:
            what = f"{name} is a metric of groups, and no problem of this suite has groups"
            right = "leave it out, or choose problems with groups; `min_recall` is of classes"
            mistakes.found.append(Mistake(what, where, right))
            told.add(name)
