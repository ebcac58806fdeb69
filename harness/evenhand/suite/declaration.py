"""The keys of a suite file: problems, methods, recipe, seeds, metrics and baseline."""

from __future__ import annotations

import json
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from evenhand.declared.base import Spec, advice, quote_value
from evenhand.declared.trial import STREAMS, Kept, Stream, Val
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.remote.urls import URL
from evenhand.suite.figures import Figure
from evenhand.suite.yaml_lines import NO_SUITE, Document, is_meant_as_suite, read

HOW_NAMED = "write `name`, or `name: {setting: value}`"
HOW_CONTRAST = (
    "write two rows with ` - ` between them, `vs - la`, in quotes if a name contains `: `"
)
HOW_PRIMARY = "write a metric, or one for each problem: `{cifar10-*: min_recall, …}`"
MOST_SEEDS = 10_000
"""Largest number of seeds: a larger one is a seed that was written as a number of seeds."""
MOST_TRIALS = 100_000
"""Trials of a suite; the trials and the names of so many are made within a minute."""
MOST_PROBLEMS = 1_000
"""Problems of a suite."""
IN_WHEEL = Path(__file__).parents[1] / "_suites"
IN_CHECKOUT = Path(__file__).parents[3] / "suites"


def _contrast(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(HOW_CONTRAST)


class Named(Spec):
    """A name, or a name with settings: `vs` or `vs: {tau: 1.25}`."""

    name: str
    """Registered name of a part."""
    settings: dict[str, Any] = {}
    """Settings of the part, before grids are multiplied."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1:
            [(name, settings)] = value.items()
            if settings is None or isinstance(settings, dict):
                return {"name": str(name), "settings": settings or {}}
            raise ValueError(f"write `{name}`, or `{name}: {{setting: value}}`")
        if isinstance(value, dict) and value:
            names = ", ".join(map(str, value))
            raise ValueError(f"one entry names {names}; {HOW_NAMED}")
        raise ValueError(HOW_NAMED)


class Select(Spec):
    """Choice of a setting for each method and problem, on validation data."""

    on: Literal["val"] = "val"
    """Split on which settings are compared; only validation data are allowed."""
    by: str | None = None
    """Metric of the comparison; None for the primary metric of the problem."""
    epoch: Literal["last", "best-val"] = "last"
    """Checkpoint rule at which settings are compared and the chosen one is ranked."""


class Identical(Spec):
    """Rows that are meant to be the same training on a problem, such as the end of a line."""

    rows: Annotated[tuple[str, ...], Field(min_length=1)]
    """Globs of their names or titles."""
    because: Annotated[str, Field(min_length=1)]
    """Why the suite has them."""


class SuiteDeclaration(Spec):
    """The keys of a suite file. `resolve` checks the names and multiplies the grids."""

    suite: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """Name of the suite, under which records and reports are stored."""
    version: Annotated[int, Field(ge=1)] = 1
    """Version, which is raised when the suite changes its meaning."""
    question: str
    """Question that the suite answers."""
    sources: tuple[str, ...] = ()
    """Keys in `references.bib` of the papers whose protocol the suite follows."""
    cost: str = ""
    """Number of trials, in words."""
    expect: str = ""
    """Expected result, written before the suite is run."""
    measured: str = ""
    """Measured result, written after the suite was run: numbers, and settings chosen from them."""
    problems: Annotated[tuple[Named, ...], Field(min_length=1)]
    """Data sets, each with its imbalance profile."""
    methods: Annotated[tuple[Named, ...], Field(min_length=1)]
    """Methods, each with its settings."""
    recipe: Named
    """Recipe, with fields replaced where needed."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """Number of seeds, or a list of them."""
    vary: tuple[Stream, ...] = STREAMS
    """Random streams that follow the seed; the others stay at seed 0."""
    val: Val = Val()
    """Source of the validation images, for problems without a `val` of their own."""
    data: Annotated[str, Field(min_length=1)] | None = None
    """Folder of prepared data sets, relative to the suite file, or URL; not part of a trial."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    """Metrics that are reported."""
    primary: str | dict[str, str]
    """Metric by which methods are ranked, or one for each problem by globs over their names."""
    select: Select | None = None
    """Choice of a setting for each method and problem; None to report every setting."""
    baseline: str
    """Method or row with which every other row is compared. A method that has rows under several
    recipes stands for all of them: a row is compared with the one under its own recipe."""
    contrasts: tuple[Annotated[str, BeforeValidator(_contrast)], ...] = ()
    """Further comparisons that the question asks for, such as `vs - la`: two names as `baseline`
    takes them. Rows of two methods are compared under each recipe that both have."""
    tested: tuple[str, ...] = ()
    """Metrics, beside the primary one, for which the declared comparisons are tested as well."""
    alpha: Annotated[float, Field(ge=1e-6, lt=0.5)] = 0.05
    """Level of the tests; intervals have the confidence level 1 − alpha."""
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Difference from a printed number, as a fraction, below which a score reproduces it."""
    keep: tuple[Kept, ...] = ()
    """Files that every trained trial keeps for trials of this suite or another that read them."""
    figures: tuple[Figure, ...] = ()
    """Figures over settings, problems and epochs."""
    identical: tuple[Identical, ...] = ()
    """Rows that are meant to be the same training; `validate` warns of all others."""

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            if value < 1:
                raise ValueError("no trial would be run; write at least 1, or a list of seeds")
            if value > MOST_SEEDS:
                raise ValueError(f"write at most {MOST_SEEDS:,}, or a list of seeds")
            return tuple(range(value))
        if isinstance(value, list):
            return tuple(value)
        raise ValueError("write a number of seeds, or a list of them")

    @field_validator("primary", mode="before")
    @classmethod
    def _metric_or_metrics(cls, value: Any) -> Any:
        by_problem = isinstance(value, dict) and all(isinstance(m, str) for m in value.values())
        if isinstance(value, str) or (by_problem and value):
            return value
        raise ValueError(HOW_PRIMARY)

    @field_validator("seeds", "metrics", "vary", "sources", "keep", "contrasts", "tested")
    @classmethod
    def _no_duplicates(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = sorted(str(v) for v, n in Counter(value).items() if n > 1)
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed twice")
        return value

    @property
    def primaries(self) -> dict[str, str]:
        """Primary metrics by glob over names of problems; `*` where all problems share one."""
        return {"*": self.primary} if isinstance(self.primary, str) else self.primary

    def primary_on(self, problem: str) -> str:
        """Metric by which methods are ranked on the problem with this name."""
        return next(m for glob, m in self.primaries.items() if fnmatchcase(problem, glob))


def load(document: Document) -> SuiteDeclaration:
    """The keys of a parsed file. Raises `SpecError` with every mistake of their types."""
    if not isinstance(document.data, dict):
        raise document.error([Mistake("a suite is a mapping that begins with `suite: NAME`")])
    if document.data and not any(is_meant_as_suite(f"{key}:") for key in document.data):
        # A file of something else, whose keys may be secrets: they are not quoted.
        raise SpecError(f"{document.path}: {NO_SUITE}")
    try:
        suite = SuiteDeclaration.model_validate_json(json.dumps(document.data, default=str))
    except ValidationError as error:
        raise document.error([_mistake(e) for e in _without_length_errors(error)]) from None
    if suite.data is None or URL.match(suite.data):
        return suite
    seen_from_file = Path(document.path).parent / Path(suite.data).expanduser()
    return suite.model_copy(update={"data": str(seen_from_file)})


def _without_length_errors(error: ValidationError) -> list[ErrorDetails]:
    """The errors without "too short" for a list with wrong entries, which are not counted."""
    found = error.errors()
    inner = {e["loc"][:-1] for e in found if e["loc"]}
    return [e for e in found if e["type"] != "too_short" or e["loc"] not in inner]


def _mistake(error: ErrorDetails) -> Mistake:
    where = tuple(part for part in error["loc"] if part != "[key]")
    kind, name = error["type"], str(where[-1]) if where else ""
    value = error["input"]
    if kind == "extra_forbidden":
        fields = _fields(where[:-1])
        said = suggest(name, fields, "key")
        return Mistake(f"no key is called {name!r} here", where, said.right, said.hint)
    if kind == "missing":
        return Mistake(f"the key {name!r} is missing", where[:-1], f"add `{name}: …`")
    path = ".".join(str(part) for part in where if isinstance(part, str))
    shown = "" if isinstance(value, dict | list | tuple) else f" = {quote_value(value)}"
    hint = ""
    if kind == "literal_error" and isinstance(value, str):
        options = [
            word.strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")
        ]
        hint = suggest(value, options).hint
    return Mistake(f"{path}{shown}: {advice(error)}", where, "", hint)


def _fields(where: tuple[str | int, ...]) -> list[str]:
    nested: dict[str, type[Spec]] = {"select": Select, "val": Val, "figures": Figure}
    nested["identical"] = Identical
    model = nested.get(str(where[0]), SuiteDeclaration) if where else SuiteDeclaration
    return list(model.model_fields)


def shipped() -> dict[str, Path]:
    """Paths of the suites that are shipped with the package, by name."""
    folder = IN_WHEEL if IN_WHEEL.is_dir() else IN_CHECKOUT
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(name: str) -> Document:
    """The parsed suite file at a path, or the shipped suite of that name.

    Raises `SpecError` if there is neither.
    """
    suites = shipped()
    if not name.strip():
        right = f"name a file, or a shipped suite such as {next(iter(suites))}"
        raise SpecError([Mistake(f"{name!r} names no suite", (), right)])
    if name in suites and not Path(name).is_file():
        return read(suites[name])
    path = Path(name)
    if path.exists():
        return read(path)
    if path.suffix in {".yaml", ".yml"} or path.parent != Path():
        beside = [str(found) for found in sorted(path.parent.glob("*.y*ml"))]
        hint = suggest(name, beside).hint or suggest(path.stem, list(suites)).hint
        raise SpecError([Mistake(f"{name}: there is no such file", (), "", hint)])
    said = suggest(name, list(suites), "suite")
    raise SpecError(
        [Mistake(f"{name}: neither a file nor a shipped suite", (), said.right, said.hint)]
    )
