"""A suite, resolved: every trial it asks for, laid out in the cells of its leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from harness.errors import Mistake, SpecError, suggest
from harness.spec.base import Part, call, canonical, plain
from harness.spec.expand import expand
from harness.spec.recipes import resolve_recipe
from harness.spec.registry import REGISTRY
from harness.spec.suite import Named, Suite, find, load
from harness.spec.trial import Problem, Recipe, Trial, Val
from harness.spec.yaml_lines import Document, Where

T = TypeVar("T")
PROBLEM_KEYS = ("profile", "n_max", "val")


@dataclass(frozen=True)
class Cell:
    """One setting of a method under one recipe on one problem, over all seeds.

    row      the leaderboard row it belongs to, e.g. `vs` or `vs(tau=1.25)`. Where the suite says
             `select:`, all settings of one method entry share a row and compete for it.
    title    the row's name in print, e.g. `VS+TLA+ADRW`
    setting  what sets this cell apart from others of its row, e.g. `tau=1.25, gamma=0.3`; may be ""
    trials   one a seed, in the order of the suite's seeds
    """

    row: str
    title: str
    setting: str
    method: Part
    problem: Problem
    recipe: Recipe
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Resolved:
    """A suite and all its cells, in the suite's order (method entry, then problem).

    source  what the user calls the suite: its path, or its name where it comes with the package
    """

    suite: Suite
    cells: tuple[Cell, ...]
    source: str = ""

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """Every distinct trial by key; cells may share trials."""
        return {trial.key: trial for cell in self.cells for trial in cell.trials}

    @cached_property
    def rows(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.row for cell in self.cells))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.problem.name for cell in self.cells))


def open_suite(name: str) -> Resolved:
    """The suite at a path, or the shipped one of that name. Raises `SpecError` with every mistake."""
    document = find(name)
    return resolve(load(document), document)


@dataclass
class _Mistakes:
    """Mistakes gathered while a suite is resolved, so that all are told at once."""

    found: list[Mistake] = field(default_factory=list)

    def catch(self, where: Where, make: Callable[[], T]) -> T | None:
        """What `make` returns, or None with its mistakes put under `where`."""
        try:
            return make()
        except SpecError as error:
            self.found += [replace(m, where=(*where, *m.where)) for m in error.mistakes]
            return None


@dataclass(frozen=True)
class _Variant:
    """One setting of one method entry, before it meets problems and recipes."""

    entry: int
    part: Part
    title: str
    differs: Mapping[str, Any]


def resolve(suite: Suite, document: Document) -> Resolved:
    """Every cell of a suite. Raises `SpecError` with the place of each mistake."""
    mistakes = _Mistakes()
    seed = f"{suite.suite}/{suite.version}"
    problems = _problems(suite, seed, mistakes)
    variants = _variants(suite, seed, mistakes)
    recipes = _recipes(suite, seed, mistakes)
    _check_names(suite, variants, problems, mistakes)
    if mistakes.found:
        raise document.error(mistakes.found)
    cells = tuple(
        _cell(suite, variant, problem, recipe, differs)
        for variant in variants
        for problem in problems
        for recipe, differs in recipes
    )
    baseline = REGISTRY.get("method", suite.baseline).name
    return Resolved(suite.model_copy(update={"baseline": baseline}), cells, document.path)


def _cell(
    suite: Suite, variant: _Variant, problem: Problem, recipe: Recipe, differs: Mapping[str, Any]
) -> Cell:
    apart = {**variant.differs, **differs}
    setting = ", ".join(f"{k}={plain(v)}" for k, v in apart.items())
    shown = {} if suite.select else apart
    trials = tuple(
        Trial(problem=problem, method=variant.part, recipe=recipe, seed=seed, vary=suite.vary)
        for seed in suite.seeds
    )
    row = call(variant.part.name, {**_written(suite, variant), **shown})
    title = variant.title + (f" ({setting})" if shown else "")
    return Cell(row, title, setting, variant.part, problem, recipe, trials)


def _written(suite: Suite, variant: _Variant) -> dict[str, Any]:
    """What the suite fixes for an entry, where the same method stands there more than once."""
    entry = suite.methods[variant.entry]
    if [other.name for other in suite.methods].count(entry.name) == 1:
        return {}
    return {k: v for k, v in entry.settings.items() if k in variant.part.settings and not isinstance(v, dict)}


def _variants(suite: Suite, seed: str, mistakes: _Mistakes) -> list[_Variant]:
    variants: list[_Variant] = []
    seen: dict[str, int] = {}
    for i, entry in enumerate(suite.methods):
        where: Where = ("methods", i, entry.name)
        registered = mistakes.catch(where, lambda e=entry: REGISTRY.get("method", e.name))
        if registered is None:
            continue
        settings = mistakes.catch(where, lambda e=entry: expand(e.settings, seed=f"{seed}/{e.name}"))
        many = len(settings or ()) > 1
        multiplied = {k for k, v in entry.settings.items() if isinstance(v, dict)} if many else set()
        for given in settings or ():
            part = mistakes.catch(where, lambda g=given, r=registered: r.resolve(g))
            if part is None:
                break
            if (first := seen.setdefault(canonical(part), i)) != i or not _first(part, i, variants):
                what = f"{part} stands here twice, first as entry {first + 1}"
                mistakes.found.append(Mistake(what, where))
                continue
            differs = {k: part.settings[k] for k in multiplied}
            variants.append(_Variant(i, part, _title(suite, registered.title, entry, part), differs))
    return variants


def _first(part: Part, entry: int, variants: Iterable[_Variant]) -> bool:
    return not any(v.entry == entry and v.part == part for v in variants)


def _title(suite: Suite, title: str, entry: Named, part: Part) -> str:
    """The method's name in print, with what the suite fixes where the method stands there twice."""
    if [other.name for other in suite.methods].count(entry.name) == 1:
        return title
    fixed = {k: part.settings[k] for k, v in entry.settings.items() if k in part.settings and not isinstance(v, dict)}
    return f"{title} ({', '.join(f'{k}={plain(v)}' for k, v in fixed.items())})" if fixed else title


def _problems(suite: Suite, seed: str, mistakes: _Mistakes) -> list[Problem]:
    problems: list[Problem] = []
    for i, entry in enumerate(suite.problems):
        where: Where = ("problems", i, entry.name)
        settings = mistakes.catch(where, lambda e=entry: expand(e.settings, seed=f"{seed}/{e.name}"))
        for given in settings or ():
            problem = mistakes.catch(where, lambda g=given, e=entry: _problem(e.name, g, suite.val))
            if problem is None:
                break
            if problem.name in {other.name for other in problems}:
                mistakes.found.append(Mistake(f"the problem {problem.name} stands here twice", where))
                continue
            problems.append(problem)
    return problems


def _problem(name: str, given: Mapping[str, Any], val: Val) -> Problem:
    """A dataset under a profile. Settings go to whichever of the two has them."""
    source = REGISTRY.get("dataset", name)
    rest = {k: v for k, v in given.items() if k not in PROBLEM_KEYS}
    mistakes = _Mistakes()
    called = given.get("profile", "natural")
    profile = mistakes.catch(("profile",), lambda: REGISTRY.get("profile", str(called)))
    if profile is None:
        raise SpecError(mistakes.found)
    own = {k: v for k, v in rest.items() if k in source.settings}
    shape = {k: v for k, v in rest.items() if k not in source.settings}
    known = [*PROBLEM_KEYS, *source.settings, *profile.settings]
    for key in [k for k in shape if k not in profile.settings]:
        del shape[key]
        said = suggest(str(key), known, "key")
        what = f"the problem {name} ({profile.name}) has no key {key!r}"
        mistakes.found.append(Mistake(what, (key,), said["right"], said["hint"]))
    dataset = mistakes.catch((), lambda: source.resolve(own))
    shaped = mistakes.catch((), lambda: profile.resolve(shape))
    extra = mistakes.catch((), lambda: _problem_extra(given, val))
    if mistakes.found or dataset is None or shaped is None or extra is None:
        raise SpecError(mistakes.found)
    return Problem(dataset=dataset, profile=shaped, **extra)


def _problem_extra(given: Mapping[str, Any], default: Val) -> dict[str, Any]:
    n_max = given.get("n_max")
    if n_max is not None and (not isinstance(n_max, int) or isinstance(n_max, bool) or n_max < 1):
        raise SpecError([Mistake(f"n_max = {n_max!r}: write a whole number from 1", ("n_max",))])
    val = given.get("val", default)
    if isinstance(val, Val):
        return {"n_max": n_max, "val": val}
    if val == "none":
        return {"n_max": n_max, "val": Val()}
    right = "write `{per_class: 20}`, `{fraction: 0.2}` or `none`"
    if not isinstance(val, dict) or len(val) != 1:
        raise SpecError([Mistake(f"val = {val!r}", ("val",), right)])
    try:
        return {"n_max": n_max, "val": Val(**val)}
    except ValueError:
        raise SpecError([Mistake(f"val = {val!r}", ("val", *val), right)]) from None


def _recipes(
    suite: Suite, seed: str, mistakes: _Mistakes
) -> list[tuple[Recipe, dict[str, Any]]]:
    entry = suite.recipe
    where: Where = ("recipe", entry.name)
    settings = mistakes.catch(where, lambda: expand(entry.settings, seed=f"{seed}/{entry.name}"))
    recipes: list[tuple[Recipe, dict[str, Any]]] = []
    for given in settings or ():
        recipe = mistakes.catch(where, lambda g=given: resolve_recipe(entry.name, g))
        if recipe is None:
            break
        many = {k for k, v in entry.settings.items() if isinstance(v, dict)} if len(settings or ()) > 1 else set()
        recipes.append((recipe, {k: v for k, v in given.items() if k in many}))
    return recipes


def _check_names(
    suite: Suite, variants: list[_Variant], problems: list[Problem], mistakes: _Mistakes
) -> None:
    for i, name in enumerate(suite.metrics):
        mistakes.catch(("metrics", i), lambda n=name: REGISTRY.get("metric", n))
    if suite.select and suite.select.by:
        mistakes.catch(("select", "by"), lambda: REGISTRY.get("metric", str(suite.select and suite.select.by)))
    if suite.primary not in suite.metrics:
        said = suggest(suite.primary, suite.metrics, "metric")
        mistakes.found.append(
            Mistake(f"primary {suite.primary!r} is not among the suite's metrics", ("primary",), **said)
        )
    entries = list(dict.fromkeys(variant.part.name for variant in variants))
    named = mistakes.catch(("baseline",), lambda: REGISTRY.get("method", suite.baseline))
    if named is not None and variants and named.name not in entries:
        said = suggest(suite.baseline, entries, "method")
        what = f"baseline {suite.baseline!r} is not among the suite's methods"
        mistakes.found.append(Mistake(what, ("baseline",), **said))
    blind = [p.name for p in problems if p.val == Val() and not _has_own_val(p)]
    if suite.select and blind:
        what = f"select chooses on validation data, and {', '.join(blind)} has none"
        mistakes.found.append(Mistake(what, ("select",), "add e.g. `val: {per_class: 20}`"))


def _has_own_val(problem: Problem) -> bool:
    return bool(REGISTRY.get("dataset", problem.dataset.name).facts.get("own_val", False))
