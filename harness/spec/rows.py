"""The rows of a leaderboard: every setting of every method entry, where it holds, and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from harness.errors import Mistake, Mistakes, suggest
from harness.spec.base import Part, canonical
from harness.spec.entries import FIELD, Declared, MethodEntry, check_settings, read
from harness.spec.expand import expand, marked
from harness.spec.recipes import MAPPINGS, resolve_recipe
from harness.spec.registry import REGISTRY, Entry
from harness.spec.salvage import UNREAD
from harness.spec.suite import Named, Suite
from harness.spec.trial import Recipe
from harness.spec.words import in_print, named
from harness.spec.yaml_lines import Where

MAPPED = tuple(FIELD + name for name in MAPPINGS)


@dataclass(frozen=True)
class Variant:
    """One setting of the recipe: the fields given, and which of them tell it from the others."""

    recipe: Recipe
    given: Mapping[str, Any]
    differs: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One setting of one method entry, on the problems where it holds.

    A row of the leaderboard may be several of these, of one entry and place: one for the problems
    that `on` says nothing of, one for each glob.

    entry     which of the suite's methods
    place     which of the entry's settings
    name      what the row is called, but for what follows: as the entry says, or like its method
    labelled  the entry says it
    fixed     what tells entries of one name apart
    differs   what a grid or a draw tells apart within the entry
    local     what `on` gives these problems
    variants  of the recipe, with the fields that the entry replaces
    replaced  which fields those are
    problems  names
    """

    entry: int
    place: int
    name: str
    labelled: bool
    title: str
    part: Part
    fixed: Mapping[str, Any]
    differs: Mapping[str, Any]
    local: Mapping[str, Any]
    variants: tuple[Variant, ...]
    replaced: frozenset[str]
    problems: frozenset[str]

    def apart(self, variant: Variant) -> dict[str, Any]:
        """What grids and draws tell apart: those of the entry, then those of the recipe."""
        return {**self.differs, **{self.shown(FIELD + k): v for k, v in variant.differs.items()}}

    def called(self, values: Mapping[str, Any]) -> str:
        """`vs(tau=1.25)`; after a name that the entry gives as in print: `My VS (tau=1.25)`."""
        return in_print(self.name, values) if self.labelled else named(self.name, values)

    def shown(self, key: str) -> str:
        """`lr` for `recipe.lr`, but where the method has a setting of that name."""
        name = key.removeprefix(FIELD)
        return key if name in self.part.settings else name


@dataclass(frozen=True)
class Suitewide:
    """What the rows of an entry need of the rest of the suite.

    problems  names; None where not all could be read
    """

    suite: Suite
    seed: str
    problems: Sequence[str] | None
    recipes: Sequence[Variant]


def all_rows(around: Suitewide, mistakes: Mistakes) -> list[Row]:
    """The rows of all entries; what is wrong goes to the mistakes, each once."""
    rows: list[Row] = []
    for i, entry in enumerate(around.suite.methods):
        if entry.name != UNREAD:
            rows += _rows(around, i, mistakes)
    mistakes.found += _twice(rows)
    return _told_apart(rows)


def registered_name(entry: Named) -> str | None:
    """The method's own name where the entry has an alias; None where nobody registered it."""
    known: Entry | None = Mistakes().catch((), REGISTRY.get, "method", entry.name)
    return known.name if known else None


def _rows(around: Suitewide, index: int, mistakes: Mistakes) -> list[Row]:
    """Of one entry: where `on` says nothing, then glob by glob."""
    named_entry = around.suite.methods[index]
    where: Where = ("methods", index, named_entry.name)
    registered = mistakes.catch(where, REGISTRY.get, "method", named_entry.name)
    entry = read(named_entry, mistakes, where)
    mistakes.found += _useless(around, entry, where)
    if registered is not None:
        mistakes.catch(where, check_settings, registered)
    rows: list[Row] = []
    for glob in (None, *entry.on):
        problems = entry.matching(glob, around.problems or ())
        if glob is None and entry.on and around.problems and not problems:
            continue  # every problem has settings of its own
        here = _Here(around, index, registered, entry, glob, frozenset(problems))
        inner = Mistakes()
        rows += _rows_of(here, inner)
        placed = [replace(m, where=(*where, *entry.where(glob, m.where))) for m in inner.found]
        mistakes.found += [m for m in placed if m not in mistakes.found]
    return rows


def _useless(around: Suitewide, entry: MethodEntry, where: Where) -> list[Mistake]:
    """Globs that decide nothing, and grids in them that no row's name could tell."""
    found = []
    for glob, given in entry.on.items():
        place = (*where, "on", glob)
        if around.problems is not None and not entry.matching(glob, around.problems):
            found.append(_unmatched(glob, around.problems, place))
        if around.suite.select is None:
            own = [k for k, v in entry.own.items() if _is_marked(k, v)]
            own += {FIELD + k for v in around.recipes for k in v.differs} - entry.own.keys()
            marks = [k for k, v in given.items() if _is_marked(k, v) or k in own]
            marks = [k for k in marks if k != "sample"] or marks
            right = "one row would have several settings here: add `select:`, or write one value"
            what = "{}: without `select:`, `on` neither multiplies nor replaces what is multiplied"
            found += [
                Mistake(what.format(k), (*where, *entry.where(glob, (k,))), right) for k in marks
            ]
    return found


def _unmatched(glob: str, problems: Sequence[str], place: Where) -> Mistake:
    taken = [problem for problem in problems if fnmatchcase(problem, glob)]
    if taken:
        what = f"on {glob}: a glob above it decides {' and '.join(taken)} already"
        return Mistake(what, place, "the first glob that matches a problem decides: put it first")
    said = suggest(glob, problems, "problem")
    what = f"on {glob}: no problem of this suite is called so"
    return Mistake(what, place, said.right, said.hint)


def _is_marked(key: str, value: Any) -> bool:
    return key == "sample" or bool(marked(value, mapping=key in MAPPED))


@dataclass(frozen=True)
class _Here:
    """An entry where one glob decides; None: where none does."""

    around: Suitewide
    index: int
    registered: Entry | None
    entry: MethodEntry
    glob: str | None
    problems: frozenset[str]

    @property
    def declared(self) -> Declared:
        return self.entry.declared(self.glob)


def _rows_of(here: _Here, mistakes: Mistakes) -> list[Row]:
    """One row a setting, unnamed; a mistake's `where` begins with the setting's name."""
    entry = here.around.suite.methods[here.index]
    seed = f"{here.around.seed}/{here.registered.name if here.registered else entry.name}"
    # Fields of the recipe are drawn alike for every method: else luck would tune one better.
    fair = {k: here.around.seed for k in here.declared if k.startswith(FIELD)}
    found = mistakes.catch((), expand, here.declared, seed=seed, seeds=fair, mappings=MAPPED)
    settings = found or []
    rows = []
    for place, given in enumerate(settings):
        fields = {k.removeprefix(FIELD): v for k, v in given.items() if k.startswith(FIELD)}
        chosen = {k: v for k, v in given.items() if not k.startswith(FIELD)}
        part = mistakes.catch((), here.registered.resolve, chosen) if here.registered else None
        variants = _variants(here.around, fields, mistakes)
        if part is None or variants is None:
            # Every setting of the grid would repeat the same mistake.
            break
        rows.append(_row(here, place, part, fields=fields, variants=variants, n=len(settings)))
    return rows


def _row(
    here: _Here,
    place: int,
    part: Part,
    *,
    fields: Mapping[str, Any],
    variants: tuple[Variant, ...],
    n: int,
) -> Row:
    assert here.registered is not None
    multiplied = {k for k, v in here.declared.items() if n > 1 and _is_marked(k, v)}
    varied = {key for given in here.entry.on.values() for key in given}
    values = {**part.settings, **{FIELD + k: v for k, v in fields.items()}}
    row = Row(
        entry=here.index,
        place=place,
        name=here.entry.label or here.registered.name,
        labelled=here.entry.label is not None,
        title=here.entry.label or here.registered.title,
        part=part,
        fixed={k: values[k] for k in values if k in here.entry.own.keys() - varied - multiplied},
        differs={},
        local={},
        variants=variants,
        replaced=frozenset(fields),
        problems=here.problems,
    )
    return replace(
        row,
        differs={row.shown(k): values[k] for k in values if k in multiplied},
        # On every problem, also where the entry's own values stand: else defaults would be read.
        local={row.shown(k): values[k] for k in values if k in varied and k not in multiplied},
    )


def _variants(
    around: Suitewide, fields: Mapping[str, Any], mistakes: Mistakes
) -> tuple[Variant, ...] | None:
    """The suite's recipes with these fields replaced; a grid over a replaced field is gone."""
    if not fields:
        return tuple(around.recipes)
    name = around.suite.recipe.name
    found: dict[str, Variant] = {}
    for given, differs in [(v.given, v.differs) for v in around.recipes] or [({}, {})]:
        inner = Mistakes()
        recipe = inner.catch((), resolve_recipe, name, {**given, **fields})
        ours = [m for m in inner.found if m.where and m.where[0] in fields]
        mistakes.found += [replace(m, where=(f"{FIELD}{m.where[0]}", *m.where[1:])) for m in ours]
        if recipe is None:
            return None
        left = {k: v for k, v in differs.items() if k not in fields}
        found.setdefault(canonical(left), Variant(recipe, {**given, **fields}, left))
    return tuple(found.values())


def _twice(rows: Sequence[Row]) -> list[Mistake]:
    """Settings that train the same trials as one before them."""
    settings: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        settings.setdefault((row.entry, row.place), []).append(row)
    seen: set[frozenset[str]] = set()
    found = []
    for (entry, _), here in settings.items():
        trained = frozenset(canonical(_trained(row)) for row in here)
        if trained in seen:
            what = f"{here[0].part} stands here twice"
            found.append(Mistake(what, ("methods", entry)))
        seen.add(trained)
    return found


def _trained(row: Row) -> dict[str, Any]:
    recipes = [v.recipe.model_dump(mode="json") for v in row.variants]
    part = row.part.model_dump(mode="json")
    return {"part": part, "recipes": recipes, "problems": sorted(row.problems)}


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    """Each row with what its name needs: nothing where its entry alone is called so; the settings
    that it gives; fields of the recipe where settings do not tell the entries apart. A name that
    entries give leaves out what is the same in all of them."""
    entries: dict[str, dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        entries.setdefault(row.name, {}).setdefault(row.entry, row.fixed)
    found = []
    for row in rows:
        alike = list(entries[row.name].values())
        by_settings = [named("", _settings(fixed)) for fixed in alike]
        fixed = row.fixed if len(set(by_settings)) < len(alike) else _settings(row.fixed)
        if row.labelled:
            fixed = {k: v for k, v in fixed.items() if any(other.get(k) != v for other in alike)}
        shown = {row.shown(k): v for k, v in fixed.items()} if len(alike) > 1 else {}
        found.append(replace(row, fixed=shown))
    return found


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in given.items() if not k.startswith(FIELD)}
