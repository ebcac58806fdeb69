"""Checks of the user's own data sets and backbones by one call of their functions."""

from __future__ import annotations

from evenhand.declared.record import DataSummary
from evenhand.declared.registry import REGISTRY
from evenhand.execution.preflight import check_data, check_networks, load_data, seeds_of
from evenhand.suite.resolve import Suite


def check_own_parts(suite: Suite) -> dict[str, DataSummary]:
    """Make the data sets and networks of a suite that are the user's own, as a run would.

    Returns the data of each problem on such a data set, at the first seed, by its name. A data set
    of Evenhand itself is not loaded, so that a network is built for its stated shape, or not at all
    where only the files give it. Raises `DataError`, `BackboneError` and `SpecError`.
    """
    trials = list(suite.trials.values())
    own = {t.problem.name: t.problem for t in trials if _is_own("dataset", t.problem.dataset.name)}
    loaded = load_data(own.values(), seeds_of(trials), suite.declaration.vary)
    check_data(suite, trials, loaded.sources)
    networks = [t for t in trials if _is_own("backbone", t.recipe.backbone.name)]
    if networks:
        check_networks(suite, networks, loaded.sources, is_run=False)
    return loaded.summaries


def _is_own(kind: str, name: str) -> bool:
    return not REGISTRY.get(kind, name).is_shipped
