"""The pages on recipes and on the keys of a suite file, from the classes that declare them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from evenhand.declared.recipe import Recipe, Sam
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.trial import Problem, Val
from evenhand.suite.declaration import Select, SuiteDeclaration
from evenhand.suite.figures import Figure
from evenhand_docs.bibliography import cited
from evenhand_docs.docstrings import prose, to_markdown
from evenhand_docs.fields import documented_fields, type_name
from evenhand_docs.markup import page, table, value

OBVIOUS = {
    "suite": "name of the suite; records and reports are stored under it",
    "version": "raised by hand when the suite changes its meaning",
    "question": "the question that the suite answers",
    "sources": "keys of `references.bib` whose protocol the suite follows",
    "cost": "number of trials, in words",
    "expect": "expected result, written before the suite is run",
    "measured": "measured result, written after the suite was run",
    "problems": "data sets, each with its imbalance profile",
    "methods": "methods, each with its settings",
    "recipe": "how networks are trained: a recipe's name, with fields replaced where needed",
    "seeds": "number of seeds, or a list of them",
    "metrics": "metrics that are reported",
    "primary": "metric by which methods are ranked",
    "select": "how a setting is chosen for each method and problem",
    "dataset": "name and settings of the data set",
    "profile": "imbalance profile and its settings",
    "val": "where validation images come from",
    "backbone": "network",
    "epochs": "number of epochs of one run",
    "batch": "images in a batch",
    "lr": "learning rate",
    "momentum": "momentum of SGD",
    "nesterov": "whether the momentum is Nesterov's",
    "weight_decay": "weight decay of SGD",
    "augment": "augmentations, in the order in which they are applied",
    "deterministic": "whether the same machine must give the same bits each time",
    "x": "setting on the horizontal axis",
    "y": "metric on the vertical axis, or a second setting where `colour` is given",
    "colour": "metric of a heat map",
    "over": "setting along which a Pareto front is drawn",
    "front": "two metrics, one for each axis",
    "curves": "one or several series over the epochs",
    "title": "title of the figure",
    "on": "split on which settings are judged; there is no choice but validation data",
}
"""Fields whose class has no description of them."""


def recipes() -> str:
    """Page with every recipe and the meaning of every field."""
    intro = (
        "A recipe holds everything about training that is the same for all methods. A suite names "
        "one and may replace fields of it: `recipe: {cifar-ldam: {epochs: 60}}`. A problem may "
        "have a recipe of its own, and a method's entry may replace fields for its rows."
    )
    own = [_recipe(entry) for entry in REGISTRY.all("recipe")]
    meaning = _meaning("Fields", Recipe, leave_out=("name",))
    return page("Recipes", intro, meaning, _meaning("Fields of `sam`", Sam), *own)


def _recipe(entry: Registered) -> str:
    made: Recipe = entry.make()
    rows = []
    for name, field in Recipe.model_fields.items():
        given = getattr(made, name)
        if name != "name":
            default = "" if given != field.default else "default"
            rows.append((f"`{name}`", _shown(given), default))
    about = to_markdown(inspect.getdoc(entry.make) or "")
    source = f"\n\nSource: {cited(entry.cite)}." if entry.cite else ""
    return f"## `{entry.name}`\n\n{about}{source}\n\n" + table(("field", "value", ""), rows)


def _shown(given: Any) -> str:
    if isinstance(given, tuple) and given and isinstance(given[0], BaseModel):
        return ", ".join(f"`{item}`" for item in given)
    if isinstance(given, BaseModel):
        return f"`{given}`"
    return value(given)


def _meaning(title: str, cls: type[BaseModel], leave_out: Iterable[str] = ()) -> str:
    said = OBVIOUS | documented_fields(cls)
    rows = [
        (
            f"`{name}`",
            prose(said[name]),
            type_name(field.annotation),
            _default(field.default),
        )
        for name, field in cls.model_fields.items()
        if name not in leave_out and not field.exclude
    ]
    return f"## {title}\n\n" + table(("field", "meaning", "type", "default"), rows)


def _default(given: Any) -> str:
    if given is PydanticUndefined:
        return "required"
    if isinstance(given, BaseModel):
        return "`none`" if given == type(given)() else f"`{given}`"
    return value(given)


def suite_schema() -> str:
    """The keys of a suite file."""
    intro = (
        "A suite file is one YAML mapping with the keys below. A key that is not among them is an "
        "error. `evenhand schema > evenhand.schema.json` writes the same as a JSON Schema, with "
        "every registered name and setting, for completion in an editor."
    )
    parts = [
        _meaning("Suite", SuiteDeclaration),
        _meaning("A problem", Problem) + PROBLEM_NOTE,
        _meaning("`val:`", Val),
        _entry_keys(),
        _values(),
        _meaning("`select:`", Select),
        _meaning("An entry of `figures:`", Figure),
        to_markdown(summary_of_figures()),
    ]
    return page("Suite files", intro, *parts)


PROBLEM_NOTE = (
    "\n\nIn a suite a problem is written by the name of its data set, with the settings of the "
    "data set and of the profile side by side: `cifar10: {profile: exp, ratio: 100}`. The key "
    "`recipe` gives the problem a recipe of its own."
)


def summary_of_figures() -> str:
    """The text of the module on figures, after its example."""
    from evenhand.suite import figures

    return (inspect.getdoc(figures) or "").partition("\n")[2]


ENTRY_KEYS: Mapping[str, str] = {
    "as": "name of the rows in tables",
    "recipe": "fields of the recipe that are replaced for these rows",
    "on": "settings and recipe fields by problem: `{glob: {setting: value}}`; the first glob that "
    "matches decides",
    "posthoc": "a post-hoc method that is applied to the trained network",
    "teacher": "a method whose trained network gives the labels (knowledge distillation); it takes "
    "`temperature` and `recipe` beside the method's settings",
    "sample": "number of settings that are drawn where a setting is a distribution",
}


def _entry_keys() -> str:
    rows = [(f"`{key}`", prose(said)) for key, said in ENTRY_KEYS.items()]
    intro = "A method's entry takes the method's settings and these keys."
    return f"## A method's entry\n\n{intro}\n\n" + table(("key", "meaning"), rows)


def _values() -> str:
    from evenhand.suite.expand import DISTRIBUTIONS

    rows = [
        ("`1.0`", "one value"),
        ("`{grid: [0.5, 1.0]}`", "each of the values; grids of one entry multiply"),
        *((f"`{{{name}: […]}}`", FORMS.get(name, "")) for name in DISTRIBUTIONS),
    ]
    note = "An entry with a distribution needs `sample: n`, the number of settings that are drawn."
    return "## Values of a setting\n\n" + table(("form", "meaning"), rows) + f"\n\n{note}"


FORMS = {
    "uniform": "drawn uniformly between two bounds",
    "loguniform": "drawn between two bounds, uniformly in the logarithm",
    "normal": "drawn from a normal distribution, by mean and standard deviation",
    "integer": "a whole number drawn between two bounds, both included",
    "choice": "drawn from a list",
}
