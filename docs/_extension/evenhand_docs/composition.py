"""Stages, losses and formulas of a method with its default settings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

from evenhand.declared.method import EveryExample, Method, Stage
from evenhand.declared.registry import Registered
from evenhand_docs.docstrings import prose
from evenhand_docs.markup import plain

SYMBOLS = {"alpha": "α", "beta": "β", "delta": "Δ"}
LEFT_OUT = ("until", "restart", "reduce", "trains")
TRAINED = {"head": "last layer", "scale": "scale of each class"}


def composition(entry: Registered) -> str:
    """The stages of a method as a list; empty where a setting has no default."""
    if any(setting.required for setting in entry.settings.values()):
        return ""
    made: Method = entry.make()
    lines = [line for i, stage in enumerate(made.stages) for line in _stage(made, i, stage)]
    if made.head != "linear":
        lines.append(f"- Head: {made.head}.")
    if made.refit:
        lines.append(f"- Last layer, solved for after training: {_described(made.refit)}")
    return "\n".join(["With its default settings:", "", *lines])


def _stage(made: Method, index: int, stage: Stage) -> Iterator[str]:
    several = len(made.stages) > 1
    yield f"- Stage {index + 1}{_length(stage)}:" if several else "- Training:"
    parts = [(f.name, getattr(stage, f.name), f) for f in dataclasses.fields(stage)]
    for name, value, field in parts:
        default = field.default_factory() if callable(field.default_factory) else field.default
        if name not in LEFT_OUT and value != default:
            yield from (f"  {line}" for line in _part(name, value))
    if stage.reduce != "mean":
        said = "the batch's total weight" if stage.reduce == "weighted_mean" else ""
        yield f"  - reduction: {f'divides by {said}' if said else _described(stage.reduce)}"


def _length(stage: Stage) -> str:
    begins = " (trained from scratch)" if stage.restart else ""
    begins = begins if stage.trains == "all" else f" (trains the {TRAINED[stage.trains]} alone)"
    return begins if stage.until is None else f"{begins}, until {stage.until:.0%} of the epochs"


def _part(name: str, value: Any) -> Iterator[str]:
    vectors = [(n, getattr(value, n)) for n in SYMBOLS if hasattr(value, n)]
    if name != "loss" or not vectors:
        yield f"- {name}: {_described(value)}"
        return
    yield "- loss: ℓ = −α · log softmax(β ⊙ f + Δ)\\_y with"
    defaults = {f.name: f.default for f in dataclasses.fields(value)}
    for vector, given in vectors:
        if given == defaults.get(vector):
            yield f"  - {SYMBOLS[vector]} = {'0' if vector == 'delta' else '1'}"
        else:
            said = _described(given)
            begins = "" if said.startswith(SYMBOLS[vector]) else f"{SYMBOLS[vector]}: "
            yield f"  - {begins}{said}"


def _described(value: Any) -> str:
    """First line of the docstring of a part, with its settings that are numbers."""
    first = (inspect.getdoc(type(value)) or "").partition("\n")[0]
    return f"{prose(first)} `{_call(value)}`"


def _call(value: Any) -> str:
    if not dataclasses.is_dataclass(value):
        return str(value) if isinstance(value, int | str) else type(value).__name__
    given = [
        f"{f.name}={_call_or_plain(getattr(value, f.name))}"
        for f in dataclasses.fields(value)
        if getattr(value, f.name) != f.default
    ]
    return f"{type(value).__name__}({', '.join(given)})"


def _call_or_plain(value: Any) -> str:
    return _call(value) if dataclasses.is_dataclass(value) else plain(value)


def changes(made: Method) -> str:
    """Summary of what a method changes in training, for the table of the README."""
    losses = [_loss_in_short(stage.loss) for stage in made.stages]
    steps = [loss for i, loss in enumerate(losses) if i == 0 or loss != losses[i - 1]]
    found = [" → ".join(steps)] if any(step != "CE" for step in steps) else []
    if any(stage.sampler != EveryExample() for stage in made.stages):
        found.append("sampling")
    if reductions := [s.reduce for s in made.stages if not isinstance(s.reduce, str)]:
        found.append(_words(reductions[0]))
    if any(stage.policy for stage in made.stages):
        found.append("augmentation policy")
    if any(stage.controller or stage.outer for stage in made.stages):
        found.append("learned on held-out data")
    if any(stage.restart for stage in made.stages):
        found.append("trained twice")
    if trained := [TRAINED[s.trains] for s in made.stages if s.trains != "all"]:
        found.append(f"{trained[0]} trained alone")
    if made.head != "linear":
        found.append(f"{made.head} head")
    if made.refit:
        found.append("last layer refitted" if made.stages else "max-margin linear model")
    return ", ".join(found) or "nothing: the baseline"


def _loss_in_short(loss: Any) -> str:
    """Vectors that differ from cross-entropy, such as `β, Δ`; the class name of any other loss."""
    if not all(hasattr(loss, name) for name in SYMBOLS):
        return f"{_words(loss)} loss"
    defaults = {f.name: f.default for f in dataclasses.fields(loss)}
    changed = [s for name, s in SYMBOLS.items() if getattr(loss, name) != defaults[name]]
    return ", ".join(changed) or "CE"


def _words(part: Any) -> str:
    """A class name as words: `logit adjusted` for `LogitAdjusted`, but `GroupDRO` unchanged.

    A name with two capitals in a row has an acronym, such as CVaR.
    """
    name = type(part).__name__
    has_acronym = re.search("[A-Z]{2}", name)
    return name if has_acronym else re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
