"""Docstrings become Markdown and reStructuredText without losing what they say."""

from __future__ import annotations

import pytest
from evenhand_docs.docstrings import blocks, fields, prose, to_markdown, to_rst

DOCSTRING = """A loss of `n` examples.

    ℓ = −α · log p

scale    factor of the logits,
         above 0
b, start  as elsewhere

>>> 1 + 1
2"""


def test_a_docstring_is_split_into_text_formula_fields_and_doctest():
    assert [block.kind for block in blocks(DOCSTRING)] == ["text", "formula", "fields", "doctest"]


def test_a_field_keeps_its_continuation_lines():
    [block] = [block for block in blocks(DOCSTRING) if block.kind == "fields"]

    assert dict(fields(block.lines)) == {
        "scale": "factor of the logits, above 0",
        "b, start": "as elsewhere",
    }


def test_fields_that_follow_text_without_an_empty_line_are_found():
    kinds = [block.kind for block in blocks("Of a stage:\nevery    steps\nstep     length")]

    assert kinds == ["text", "fields"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("CE_deo * 2", r"CE\_deo \* 2"),
        ("`a_b` stays", "`a_b` stays"),
        ("see cao2019learning", "see [Cao et al. 2019](bibliography.md#cao2019learning)"),
        ("not a key: sha256sum", "not a key: sha256sum"),
    ],
)
def test_prose_escapes_markup_and_links_references(text, wanted):
    assert prose(text) == wanted


def test_both_forms_hold_the_formula_as_code():
    assert "```text\nℓ = −α · log p\n```" in to_markdown(DOCSTRING)
    assert "   ℓ = −α · log p" in to_rst(DOCSTRING)


def test_restructured_text_has_double_backquotes():
    assert to_rst("Uses `name` only.")[0] == "Uses ``name`` only."
