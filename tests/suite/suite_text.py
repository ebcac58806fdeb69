"""A small suite as text, and what becomes of it with one piece replaced."""

from __future__ import annotations

from evenhand.suite.declaration import load
from evenhand.suite.resolve import Suite, resolve
from evenhand.suite.yaml_lines import parse

TEXT = """\
suite: small
question: Is a small suite enough?
problems:
  - digits: {profile: exp, ratio: 10}
val: {per_class: 20}
recipe: digits
seeds: 2
methods:
  - erm
  - la: {tau: 1.0}
metrics: [balanced_accuracy, accuracy]
primary: balanced_accuracy
baseline: erm
version: 1
"""


def with_(old: str, new: str) -> str:
    """The suite with one piece replaced."""
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def lacking(message: str, facts: str) -> list[str]:
    """The facts, with " … " between them, that a message does not state."""
    return [fact for fact in facts.split(" … ") if fact not in message]


def resolved(text: str = TEXT) -> Suite:
    document = parse(text, "small.yaml")
    return resolve(load(document), document, source="small.yaml")
