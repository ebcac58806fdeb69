"""Whether a row of ours was trained and tested as a printed number was, and if not, why.

It was where the test images and the largest class have the paper's numbers, the training images and
the held-out images are chosen as there, and every field of the recipe that can change a number
equals that of our recipe that follows the paper. SAM is left out here, because the match of number
and row has compared it. The settings of methods are left out as well: where a paper gives them, the
match has compared them, and where it does not, the suite has chosen them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from evenhand.declared.base import Part, format_scalar
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Val
from evenhand_reports.board.results import Result
from evenhand_reports.papers.printed_names import LEARNED_ON_HELD_OUT
from evenhand_reports.papers.protocols import Protocol, protocol_of
from evenhand_reports.papers.published import PrintedNumber

WITHOUT_EFFECT = {
    "name",
    "precision",
    "deterministic",
    "evaluate_every",
    "dense_from",
    "dense_until",
    "evaluate_train",
    "bound_terms",
    "best_by",
    "angle_to",
}
"""Fields of a recipe that leave the training as it is, or only make it faster."""

ELSEWHERE = {"sam", "train_on"}
"""Fields that are compared by the match of number and row, and with the protocol itself."""

WORDS = {
    "epochs": "{ours} epochs, not {theirs}",
    "backbone": "network {ours}, not {theirs}",
    "batch": "batches of {ours}, not {theirs}",
    "lr": "learning rate {ours}, not {theirs}",
}
FIELDS = {"backbone": "network", "lr": "learning rate", "augment": "augmentation"}
OTHER_FIELD = "{field} {ours}, not {theirs}"
FIRST = ("backbone", "epochs", "batch", "lr")
"""Fields whose difference is named before that of others."""

MOST_LETTERS = 48
"""Letters of a value that are quoted; of longer values the field alone is named."""


def obstacle(result: Result, number: PrintedNumber) -> str:
    """The first reason why a row does not compare: `20 epochs, not 200`; "" where it does."""
    return next(_obstacles(result, number), "")


def _obstacles(result: Result, number: PrintedNumber) -> Iterator[str]:
    protocol = protocol_of(number)
    if not protocol.network:
        yield "the paper does not state its network"
    if not protocol.epochs:
        yield "neither paper nor code states the number of epochs"
    if not protocol.recipe:
        yield "no recipe of ours follows the paper"
        return
    problem, recipe = result.configuration.problem, result.configuration.recipe
    yield from _fields(recipe, _recipe(protocol.recipe))
    if problem.val != protocol.val:
        yield f"validation images: {_val(problem.val)}, not {_val(protocol.val)}"
    is_fixed = number.method not in LEARNED_ON_HELD_OUT
    if is_fixed and protocol.train_on and recipe.train_on != protocol.train_on:
        yield "held-out images are not trained on, without `train_on: all`"
    if protocol.selection and problem.selection != protocol.selection:
        yield f"other training images, without `selection: {protocol.selection}`"
    yield from _sizes(result, protocol)


@cache
def _recipe(name: str) -> Recipe:
    made: Recipe = REGISTRY.get("recipe", name).make()
    return made


def _sizes(result: Result, protocol: Protocol) -> Iterator[str]:
    """Differences in the data that the records hold; a stand-in has other sizes."""
    for record in result.usable_records:
        if record.data is None:
            continue
        largest, n_test = int(record.data.train_counts.sum(axis=1).max()), record.data.n_test
        if protocol.test_images not in (None, n_test):
            yield f"{n_test:,} test images, not {protocol.test_images:,}"
        if protocol.largest_class not in (None, largest):
            yield f"largest class of {largest:,} images, not {protocol.largest_class:,}"


def _val(val: Val) -> str:
    given = val.model_dump(exclude_none=True)
    return ", ".join(f"{name} {format_scalar(value)}" for name, value in given.items()) or "none"


def _fields(ours: Recipe, theirs: Recipe) -> Iterator[str]:
    names = [n for n in Recipe.model_fields if n not in WITHOUT_EFFECT | ELSEWHERE]
    for name in sorted(names, key=lambda n: FIRST.index(n) if n in FIRST else len(FIRST)):
        own, other = getattr(ours, name), getattr(theirs, name)
        if own != other:
            yield _difference(name, own, other)


def _difference(field: str, ours: Any, theirs: Any) -> str:
    """`20 epochs, not 200`; of parts with one name the first setting that differs."""
    if isinstance(ours, Part) and isinstance(theirs, Part) and ours.name == theirs.name:
        settings = {**ours.settings, **theirs.settings}
        for name in settings:
            texts = [_text(part.settings.get(name)) for part in (ours, theirs)]
            if texts[0] != texts[1]:
                return f"{FIELDS.get(field, field)} with {name} {texts[0]}, not {texts[1]}"
    texts = [_text(ours), _text(theirs)]
    if max(map(len, texts)) > MOST_LETTERS:
        return f"another {FIELDS.get(field, field)}"
    return WORDS.get(field, OTHER_FIELD).format(field=field, ours=texts[0], theirs=texts[1])


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(_text, value)) or "none"
    if value is None or isinstance(value, Part):
        return "none" if value is None else str(value)
    return (
        f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else (format_scalar(value))
    )
