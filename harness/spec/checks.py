"""What must hold between the parts of a suite, beyond each part by itself."""

from __future__ import annotations

from harness.errors import Mistake, Mistakes, suggest
from harness.spec.base import call
from harness.spec.method import Method
from harness.spec.parts import Parts, Row, registered_name
from harness.spec.problems import has_validation
from harness.spec.registry import REGISTRY
from harness.spec.salvage import UNREAD
from harness.spec.suite import Suite
from harness.spec.trial import Problem


def check(suite: Suite, parts: Parts, mistakes: Mistakes) -> None:
    """Everything below; what is wrong goes to the mistakes."""
    _check_metrics(suite, mistakes)
    _check_baseline(suite, mistakes)
    _check_validation(suite, parts.problems, mistakes)
    _check_entries(suite, parts.rows, mistakes)
    _check_stages(suite, parts, mistakes)
    _check_channels(suite, parts, mistakes)


def _check_entries(suite: Suite, rows: list[Row], mistakes: Mistakes) -> None:
    """Under `select:` the settings of an entry compete for its row: two must not share one."""
    owner: dict[str, int] = {}
    for row in rows if suite.select else []:
        name = call(row.part.name, row.fixed)
        if owner.setdefault(name, row.entry) != row.entry:
            what = f"{name} would be the row of two entries, between which `select` could not tell"
            right = "put the settings of both into one entry's grid"
            mistakes.found.append(Mistake(what, ("methods", row.entry), right))
            owner[name] = row.entry


def _check_metrics(suite: Suite, mistakes: Mistakes) -> None:
    named = [mistakes.catch(("metrics", i), _metric, m) for i, m in enumerate(suite.metrics)]
    if suite.select and suite.select.by:
        mistakes.catch(("select", "by"), REGISTRY.get, "metric", suite.select.by)
    # A misspelt metric is told once, not again as one that primary misses.
    if suite.primary in (*suite.metrics, UNREAD) or None in named or UNREAD in named:
        return
    said = suggest(suite.primary, suite.metrics, "metric")
    what = f"primary {suite.primary!r} is not among the suite's metrics"
    mistakes.found.append(Mistake(what, ("primary",), said.right, said.hint))


def _metric(name: str) -> str:
    return name if name == UNREAD else REGISTRY.get("metric", name).name


def _check_baseline(suite: Suite, mistakes: Mistakes) -> None:
    if suite.baseline == UNREAD:
        return
    named = mistakes.catch(("baseline",), REGISTRY.get, "method", suite.baseline)
    there = [registered_name(entry) for entry in suite.methods]
    if named is not None and named.name not in there and None not in there:
        said = suggest(suite.baseline, [entry.name for entry in suite.methods], "method")
        what = f"baseline {suite.baseline!r} is not among the suite's methods"
        mistakes.found.append(Mistake(what, ("baseline",), said.right, said.hint))


def _check_validation(suite: Suite, problems: list[Problem], mistakes: Mistakes) -> None:
    blind = [problem.name for problem in problems if not has_validation(problem)]
    if suite.select and blind:
        what = f"select chooses on validation data, and {', '.join(blind)} has none"
        mistakes.found.append(Mistake(what, ("select",), "add e.g. `val: {per_class: 20}`"))


def _check_stages(suite: Suite, parts: Parts, mistakes: Mistakes) -> None:
    """A stage that would begin after the last epoch would silently make another method of it."""
    shortest = min((variant.recipe.epochs for variant in parts.recipes), default=None)
    told: set[int] = set()
    for row in parts.rows if shortest is not None else []:
        method: Method = REGISTRY.make("method", row.part)
        first = method.first_epochs(shortest or 0)
        if len(set(first)) == len(first) and max(first) < (shortest or 0):
            continue
        if row.entry not in told:
            begins = " and ".join(f"{epoch + 1}" for epoch in first)
            what = f"{row.part}: of {shortest} epochs its stages would begin at {begins}"
            where = ("methods", row.entry, suite.methods[row.entry].name)
            mistakes.found.append(Mistake(what, where, "each needs one of its own: train longer"))
        told.add(row.entry)


def _check_channels(suite: Suite, parts: Parts, mistakes: Mistakes) -> None:
    """A recipe's `mean` and `std` hold one number a channel, or one for all."""
    for problem in parts.problems:
        shape = REGISTRY.get("dataset", problem.dataset.name).facts.get("shape")
        fits = (1, int(shape[-1]) if shape else 1)
        for recipe in [variant.recipe for variant in parts.recipes] if shape else []:
            for field, given in (("mean", recipe.mean), ("std", recipe.std)):
                if given is not None and len(given) not in fits:
                    what = (
                        f"{field} holds {len(given)} numbers; {problem.name} has {fits[1]} channels"
                    )
                    where = ("recipe", suite.recipe.name, field)
                    mistakes.found.append(Mistake(what, where, f"write 1 or {fits[1]}"))
