"""Checks between the parts of a suite, after each part has been checked by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import STREAMS, Problem
from evenhand.errors import KeyPath, Mistake, Mistakes, suggest
from evenhand.suite.baseline import check_baseline, named_rows
from evenhand.suite.contrast_checks import check_contrasts, check_tested
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.figure_checks import check_figures
from evenhand.suite.figures import matches
from evenhand.suite.group_metrics import check_group_metrics
from evenhand.suite.primary import check_primary
from evenhand.suite.problems import has_validation
from evenhand.suite.readable import UNREADABLE
from evenhand.suite.recipes import FIELDS
from evenhand.suite.requirements import (
    Pipeline,
    check_angle,
    check_bound,
    check_mixing,
    check_pipeline,
    declared_facts,
)
from evenhand.suite.rows import Row
from evenhand.suite.suite_parts import SuiteParts
from evenhand.suite.timetable_checks import check_timetables


def check(suite: SuiteDeclaration, parts: SuiteParts, mistakes: Mistakes) -> None:
    """Run all checks of this module and collect the mistakes."""
    _check_metrics(suite, mistakes)
    _check_streams(suite, mistakes)
    check_primary(suite, parts.names, mistakes)
    _check_groups(suite, parts.problems, mistakes)
    check_baseline(suite, parts.rows, mistakes)
    check_contrasts(suite, parts, mistakes)
    check_tested(suite, mistakes)
    _check_margin(suite, mistakes)
    _check_validation(suite, parts.problems, mistakes)
    _check_held_out(suite, parts, mistakes)
    _check_entries(suite, parts.rows, mistakes)
    check_timetables(suite, parts, mistakes)
    _check_channels(suite, parts, mistakes)
    check_figures(suite, parts.rows, parts.problems, mistakes)
    _check_identical(suite, parts.rows, mistakes)


def _check_entries(suite: SuiteDeclaration, rows: list[Row], mistakes: Mistakes) -> None:
    """No two entries have the same row."""
    told = {m.where for m in mistakes.found}
    owner: dict[str, int] = {}
    for each in named_rows(suite, rows):
        entry = each.row.entry
        for name in (each.name, each.title):
            if owner.setdefault(name, entry) == entry:
                continue
            owner[name] = entry
            if ("methods", entry) not in told:
                mistakes.found.append(_shared(suite, name, entry))
                told.add(("methods", entry))


def _shared(suite: SuiteDeclaration, name: str, entry: int) -> Mistake:
    what, right = f"two entries have the row {name}", "name one of them: `as: …`"
    if suite.select:
        what += ", and `select` chooses among the settings of one entry"
        right = "put the settings of both into one entry's grid, or name one of them: `as: …`"
    return Mistake(what, ("methods", entry), right)


def _check_identical(suite: SuiteDeclaration, rows: list[Row], mistakes: Mistakes) -> None:
    """Every glob of `identical:` matches a row."""
    names = [name for each in named_rows(suite, rows) for name in (each.name, each.title)]
    for i, entry in enumerate(suite.identical if rows else ()):
        for k, glob in enumerate(entry.rows):
            if not any(matches(glob, name) for name in names):
                said = suggest(glob, list(dict.fromkeys(names)), "row")
                what = f"identical: no row of this suite is called {glob!r}"
                where: KeyPath = ("identical", i, "rows", k)
                mistakes.found.append(Mistake(what, where, said.right, said.hint))


def _check_metrics(suite: SuiteDeclaration, mistakes: Mistakes) -> None:
    for i, metric in enumerate(suite.metrics):
        mistakes.catch(("metrics", i), _metric, metric)
    if suite.select and suite.select.by:
        mistakes.catch(("select", "by"), REGISTRY.get, "metric", suite.select.by)


def _check_margin(suite: SuiteDeclaration, mistakes: Mistakes) -> None:
    """A margin belongs to the printed numbers of the suite's papers."""
    if "margin" in suite.model_fields_set and not suite.sources:
        what = f"margin = {suite.margin:g}: the suite has no `sources`, so no number is printed"
        right = "name the papers under `sources`, or leave out `margin`"
        mistakes.found.append(Mistake(what, ("margin",), right))


def _check_streams(suite: SuiteDeclaration, mistakes: Mistakes) -> None:
    """Trials of several seeds differ in at least one random stream."""
    if not suite.vary and len(suite.seeds) > 1:
        what = f"vary = []: the {len(suite.seeds)} seeds would train the same network each time"
        right = f"name streams that follow the seed, of {', '.join(STREAMS)}, or write `seeds: 1`"
        mistakes.found.append(Mistake(what, ("vary",), right))


def _check_groups(suite: SuiteDeclaration, problems: list[Problem], mistakes: Mistakes) -> None:
    if len(problems) < len(suite.problems):
        return  # A problem with a mistake may have groups.
    labels = {problem.name: declared_facts(problem).labels for problem in problems}
    n_groups = {name: known.n_groups if known else None for name, known in labels.items()}
    check_group_metrics(suite, n_groups, mistakes)


def _metric(name: str) -> str:
    return name if name == UNREADABLE else REGISTRY.get("metric", name).name


def _check_validation(suite: SuiteDeclaration, problems: list[Problem], mistakes: Mistakes) -> None:
    blind = [problem for problem in problems if not has_validation(problem)]
    if suite.select and blind:
        names = ", ".join(problem.name for problem in blind)
        what = f"select chooses on validation data, and {names} has none"
        mistakes.found.append(Mistake(what, ("select",), declared_facts(blind[0]).how_val))


def _check_held_out(suite: SuiteDeclaration, parts: SuiteParts, mistakes: Mistakes) -> None:
    """Methods that use held-out images or groups have them on all their problems."""
    told: set[tuple[KeyPath, str]] = set()
    for row in parts.rows:
        where: KeyPath = ("methods", row.entry, suite.methods[row.entry].name)
        inner = Mistakes()
        for problem in [p for p in parts.problems if p.name in row.problems]:
            teacher = row.teacher.method if row.teacher else None
            who = Pipeline(row.part, teacher, row.posthoc, is_chosen=suite.select is not None)
            known = declared_facts(problem)
            recipes = [(v.recipe.train_on, (v.teacher or v.recipe).train_on) for v in row.variants]
            for train_on, taught_on in dict.fromkeys(recipes):
                here = who._replace(train_on=train_on, taught_on=taught_on)
                check_pipeline(here, known, inner)
            for variant in row.variants:
                check_angle(row.part, variant.recipe, known.labels, inner)
                check_mixing(row.part, variant.recipe, (), inner)
                if teacher:
                    taught = variant.teacher or variant.recipe
                    check_mixing(teacher, taught, ("teacher",), inner)
                check_bound(row.part, variant.recipe, known.labels, inner, taught=bool(teacher))
        label = _label(row)
        placed = [replace(m, what=label + m.what, where=(*where, *m.where)) for m in inner.found]
        # Each setting of a grid would repeat the mistake with its own values.
        general = {m: (m.where, _without_settings(row, m.what)) for m in placed}
        mistakes.found += [m for m, said in general.items() if said not in told]
        told.update(general.values())


def _without_settings(row: Row, text: str) -> str:
    """A message about a row with the names alone of its parts."""
    for part in (row.part, row.posthoc, row.teacher and row.teacher.method):
        text = text.replace(str(part), part.name) if part else text
    return text


def _label(row: Row) -> str:
    """Beginning of a message about a row: its name, unless that is the method's."""
    return f"{row.name}: " if row.labelled else ""


def _check_channels(suite: SuiteDeclaration, parts: SuiteParts, mistakes: Mistakes) -> None:
    """`mean` and `std` of a recipe have one number for each channel, or one for all."""
    for problem in parts.problems:
        shape = REGISTRY.get("dataset", problem.dataset.name).facts.get("shape")
        n = int(shape[-1]) if shape else 1
        channels, numbers = "1 channel", "1 number"
        if n > 1:
            channels, numbers = f"{n} channels", f"1 or {n} numbers"
        for where, field, given in _statistics(suite, parts, problem) if shape else ():
            if len(given) not in (1, n):
                what = f"{field} holds {len(given)} numbers; {problem.name} has {channels}"
                right = f"write {numbers}, or `{field}: null` for that of the training images"
                mistake = Mistake(what, (*where, field), right)
                mistakes.found += [mistake] if mistake not in mistakes.found else []


def _statistics(
    suite: SuiteDeclaration, parts: SuiteParts, problem: Problem
) -> Iterator[tuple[KeyPath, str, tuple[float, ...]]]:
    """Each `mean` and `std` under which a problem is trained, with its place in the suite."""
    used: list[tuple[KeyPath, Recipe, list[str]]] = []
    if problem.name not in parts.own:
        ours: KeyPath = ("recipe", suite.recipe.name)
        used = [(ours, variant.recipe, FIELDS) for variant in parts.recipes]
    for row in [row for row in parts.rows if problem.name in row.problems]:
        where: KeyPath = ("methods", row.entry, suite.methods[row.entry].name, "recipe")
        used += [(where, variant.recipe, list(row.replaced)) for variant in row.variants]
    for place, recipe, fields in used:
        for field, given in (("mean", recipe.mean), ("std", recipe.std)):
            if given is not None and field in fields:
                yield place, field, given
