"""The rows of a leaderboard: the settings of all methods' entries, with problems and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from evenhand.declared.base import Part, canonical
from evenhand.declared.notation import pipeline_name, row_name, titled
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.trial import Teacher
from evenhand.errors import KeyPath, Mistake, Mistakes, suggest
from evenhand.suite.entries import (
    FIELD,
    POSTHOC,
    PREFIXES,
    TEACHER,
    Declared,
    MethodEntry,
    check_settings,
    read,
    with_method,
)
from evenhand.suite.entry_parts import MAPPED, EntryParts, RecipeVariant, SuiteContext, parts_of
from evenhand.suite.expand import expand, sweep_kind
from evenhand.suite.readable import UNREADABLE


@dataclass(frozen=True)
class Row:
    """One setting of one entry, on some problems.

    A row of the leaderboard consists of several of these if the entry has `on`: one for each glob
    and one for the problems that no glob matches, all with the same `entry` and `place`.
    """

    entry: int
    """Index of the entry among the suite's methods."""
    place: int
    """Index among the settings of the entry."""
    name: str
    """Name without settings: that of `as:`, or that of the method."""
    labelled: bool
    """Whether the name is that of `as:`."""
    title: str
    """Title without settings."""
    part: Part
    """Method with all settings."""
    fixed: Mapping[str, Any]
    """Settings in which entries of the same name differ."""
    swept: Mapping[str, Any]
    """Settings that a grid or a distribution varies within the entry."""
    local: Mapping[str, Any]
    """Settings that `on` gives these problems."""
    variants: tuple[RecipeVariant, ...]
    """Variants of the recipe, with the fields of the entry."""
    replaced: frozenset[str]
    """Names of the recipe's fields that the entry replaces."""
    problems: frozenset[str]
    """Names of the problems."""
    posthoc: Part | None = None
    """Post-hoc method with all settings."""
    teacher: Teacher | None = None
    """Teacher, without the recipe of a variant."""

    @property
    def pipeline(self) -> str:
        """Method with teacher and post-hoc method, as `Configuration.pipeline`."""
        posthoc = self.posthoc.name if self.posthoc else None
        return pipeline_name(self.part.name, posthoc, taught=self.teacher is not None)

    def teacher_under(self, variant: RecipeVariant) -> Teacher | None:
        """The teacher with its recipe under this variant."""
        return self.teacher and self.teacher.model_copy(update={"recipe": variant.teacher})

    def swept_settings(self, variant: RecipeVariant) -> dict[str, Any]:
        """Settings that grids and distributions vary, of the entry and then of the recipe."""
        return {**self.swept, **{self.short_name(FIELD + k): v for k, v in variant.swept.items()}}

    def name_with(self, values: Mapping[str, Any]) -> str:
        """Name with settings: `vs(tau=1.25)`, or `My VS (tau=1.25)` for a name of `as:`."""
        return titled(self.name, values) if self.labelled else row_name(self.name, values)

    def short_name(self, key: str) -> str:
        """`lr` for `recipe.lr`, unless the method has a setting of that name."""
        prefix = next((p for p in PREFIXES if key.startswith(p)), "")
        name = key.removeprefix(prefix)
        return key if name in self.part.settings or prefix.startswith(TEACHER) else name


def all_rows(context: SuiteContext, mistakes: Mistakes) -> list[Row]:
    """The rows of all entries; collects each mistake once."""
    rows: list[Row] = []
    for i, entry in enumerate(context.suite.methods):
        if entry.name != UNREADABLE:
            rows += _rows(context, i, mistakes)
    mistakes.found += _duplicates(rows)
    return _disambiguated(rows)


def _rows(context: SuiteContext, index: int, mistakes: Mistakes) -> list[Row]:
    """The rows of one entry: of the problems that no glob matches, then by glob."""
    named_entry = context.suite.methods[index]
    where: KeyPath = ("methods", index, named_entry.name)
    registered = mistakes.catch(where, REGISTRY.get, "method", with_method(named_entry).name)
    entry = read(named_entry, mistakes, where)
    mistakes.found += _mistakes_in_on(context, entry, where)
    if registered is not None:
        mistakes.catch(where, check_settings, registered)
    rows: list[Row] = []
    for glob in (None, *entry.on):
        problems = entry.matching(glob, context.problems or ())
        if glob is None and entry.on and context.problems and not problems:
            continue  # A glob matches every problem.
        for there, names in context.by_recipe(problems) or [(context, frozenset[str]())]:
            scope = _Scope(there, index, registered, entry, glob, names)
            inner = Mistakes()
            rows += _rows_of(scope, inner)
            placed = [replace(m, where=(*where, *entry.where(glob, m.where))) for m in inner.found]
            mistakes.found += [m for m in placed if m not in mistakes.found]
    return rows


def _mistakes_in_on(context: SuiteContext, entry: MethodEntry, where: KeyPath) -> list[Mistake]:
    """Mistakes in `on`: globs without effect, and grids, which need `select:`."""
    found = []
    for glob, given in entry.on.items():
        place = (*where, "on", glob)
        if context.problems is not None and not entry.matching(glob, context.problems):
            found.append(_unmatched(glob, context.problems, place))
        if context.suite.select is None:
            own = [k for k, v in entry.own.items() if _is_swept(k, v)]
            own += {FIELD + k for v in context.recipes for k in v.swept} - entry.own.keys()
            marks = [k for k, v in given.items() if _is_swept(k, v) or k in own]
            marks = [k for k in marks if k != "sample"] or marks
            right = "a row has one setting on each problem: add `select:`, or write one value"
            what = "{}: without `select:`, `on` has no grid and replaces none"
            found += [
                Mistake(what.format(k), (*where, *entry.where(glob, (k,))), right) for k in marks
            ]
    return found


def _unmatched(glob: str, problems: Sequence[str], place: KeyPath) -> Mistake:
    taken = [problem for problem in problems if fnmatchcase(problem, glob)]
    if taken:
        what = f"on {glob}: a glob above it decides {' and '.join(taken)} already"
        return Mistake(what, place, "the first glob that matches a problem decides: put it first")
    said = suggest(glob, problems, "problem")
    what = f"on {glob}: no problem of this suite is called so"
    return Mistake(what, place, said.right, said.hint)


def _is_swept(key: str, value: Any) -> bool:
    return key == "sample" or bool(sweep_kind(value, mapping=key in MAPPED))


@dataclass(frozen=True)
class _Scope:
    """An entry on the problems for which one glob decides; None for no glob."""

    context: SuiteContext
    index: int
    registered: Registered | None
    entry: MethodEntry
    glob: str | None
    problems: frozenset[str]

    @property
    def declared(self) -> Declared:
        return self.entry.declared(self.glob)


def _rows_of(scope: _Scope, mistakes: Mistakes) -> list[Row]:
    """One row for each setting; `where` of a mistake begins with the setting's name."""
    entry = scope.context.suite.methods[scope.index]
    seed = f"{scope.context.seed}/{scope.registered.name if scope.registered else entry.name}"
    # All methods draw the same recipe fields; otherwise chance would tune one of them better.
    fair = {k: scope.context.seed for k in scope.declared if k.startswith(FIELD)}
    found = mistakes.catch((), expand, scope.declared, seed=seed, seeds=fair, mappings=MAPPED)
    settings = found or []
    rows = []
    for place, given in enumerate(settings):
        before = len(mistakes.found)
        parts = parts_of(scope.context, scope.registered, given, mistakes)
        if parts is None or len(mistakes.found) > before:
            # The other settings of the grid would repeat the same mistake.
            break
        rows.append(_row(scope, place, parts, given=given, n=len(settings)))
    return rows


def _row(scope: _Scope, place: int, parts: EntryParts, *, given: Declared, n: int) -> Row:
    assert scope.registered is not None
    multiplied = {k for k, v in scope.declared.items() if n > 1 and _is_swept(k, v)}
    varied = {key for given in scope.entry.on.values() for key in given}
    filled = {**parts.method.settings, **_filled_in(POSTHOC, parts.posthoc)}
    values = {**filled, **{k: v for k, v in given.items() if k not in filled}}
    fields = {k: given[k] for k in given if k.startswith(FIELD)}
    row = Row(
        entry=scope.index,
        place=place,
        name=scope.entry.label or _name(scope, parts),
        labelled=scope.entry.label is not None,
        title=scope.entry.label or _title(scope, parts),
        part=parts.method,
        fixed={k: values[k] for k in values if k in scope.entry.own.keys() - varied - multiplied},
        swept={},
        local={},
        variants=parts.variants,
        replaced=frozenset(k.removeprefix(FIELD) for k in fields),
        problems=scope.problems,
        posthoc=parts.posthoc,
        teacher=parts.teacher,
    )
    return replace(
        row,
        swept={row.short_name(k): values[k] for k in values if k in multiplied},
        # Also for problems with the entry's own values: a reader would assume the defaults.
        local={row.short_name(k): values[k] for k in values if k in varied and k not in multiplied},
    )


def _name(scope: _Scope, parts: EntryParts) -> str:
    """Pipeline of a setting, or the name of the post-hoc method for an entry that names it."""
    assert scope.registered is not None
    if scope.entry.alone and parts.posthoc:
        return parts.posthoc.name
    posthoc = parts.posthoc.name if parts.posthoc else None
    return pipeline_name(scope.registered.name, posthoc, taught=parts.teacher is not None)


def _title(scope: _Scope, parts: EntryParts) -> str:
    """Title of a setting: `VS`, `VS + PS`, `Distilled VS`."""
    assert scope.registered is not None
    posthoc = REGISTRY.get("posthoc", parts.posthoc.name).title if parts.posthoc else ""
    title = f"{'Distilled ' if parts.teacher else ''}{scope.registered.title}"
    return f"{title} + {posthoc}" if posthoc else title


def _filled_in(prefix: str, part: Part | None) -> Declared:
    return {prefix + k: v for k, v in part.settings.items()} if part else {}


def _duplicates(rows: Sequence[Row]) -> list[Mistake]:
    """Mistakes for settings with the same trials as an earlier one."""
    settings: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        settings.setdefault((row.entry, row.place), []).append(row)
    first: dict[frozenset[str], Row] = {}
    found = []
    for (entry, _), [row, *others] in settings.items():
        trained = frozenset(canonical(_trained(each)) for each in (row, *others))
        earlier = first.setdefault(trained, row)
        if earlier is not row:
            names = f", as {earlier.name} and as {row.name}" if earlier.name != row.name else ""
            found.append(Mistake(f"{row.part} is listed twice{names}", ("methods", entry)))
    return found


def _trained(row: Row) -> dict[str, Any]:
    recipes = [v.recipe.model_dump(mode="json") for v in row.variants]
    teachers = [row.teacher_under(variant) for variant in row.variants]
    return {
        "part": row.part.model_dump(mode="json"),
        "recipes": recipes,
        "problems": sorted(row.problems),
        "posthoc": row.posthoc and row.posthoc.model_dump(mode="json"),
        "teachers": [teacher and teacher.model_dump(mode="json") for teacher in teachers],
    }


def _disambiguated(rows: Sequence[Row]) -> list[Row]:
    """The rows with the settings that their names need, in `fixed`.

    These are none if a single entry has the name; otherwise its settings, and fields of the recipe
    if the settings of two entries are equal. With a name of `as:`, equal settings are left out.
    """
    entries: dict[str, dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        entries.setdefault(row.name, {}).setdefault(row.entry, row.fixed)
    found = []
    for row in rows:
        alike = list(entries[row.name].values())
        by_settings = [row_name("", _settings(fixed)) for fixed in alike]
        fixed = row.fixed if len(set(by_settings)) < len(alike) else _settings(row.fixed)
        if row.labelled:
            fixed = {k: v for k, v in fixed.items() if any(other.get(k) != v for other in alike)}
        shown = {row.short_name(k): v for k, v in fixed.items()} if len(alike) > 1 else {}
        found.append(replace(row, fixed=shown))
    return found


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in given.items() if not k.startswith(FIELD)}
