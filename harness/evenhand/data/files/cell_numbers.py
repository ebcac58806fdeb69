"""Numbers in cells of text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from evenhand.data.files.csv_text import TextFormat

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = (
    "", "NA", "N/A", "n/a", "na", "NaN", "nan", "-nan", "-NaN", "NAN", "<NA>", "NULL", "null",
    "Null", "None", "none", "#N/A", "#NA", "#N/A N/A", "?", "-", "--", ".", "NaT",
)  # fmt: skip
"""Texts that stand for a missing number."""
MINUS = "\N{MINUS SIGN}\N{EN DASH}"
"""Signs that stand for a minus in typeset tables."""
EXPONENT = r"([eE][+-]?[0-9]+)?"


class Numbers(NamedTuple):
    """Numbers of cells; NaN where there is none."""

    values: Float64[np.ndarray, " cells"]
    is_missing: Bool[np.ndarray, " cells"]
    is_other: Bool[np.ndarray, " cells"]
    """Whether a cell is a text that is no number."""
    is_spaced: Bool[np.ndarray, " cells"]
    """Whether spaces were removed from a cell."""


def parse_numbers(cells: pa.Array, form: TextFormat) -> Numbers:
    """Read cells of a column, or of several columns one after another."""
    import pyarrow as pa

    if form.decimal is None and form.thousands is None and not form.missing:
        try:
            values = cells.cast(pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            pass
        else:
            none = np.zeros(len(values), dtype=bool)
            return Numbers(values, np.isnan(values), none, none)
    return _parse(cells, form)


def _parse(cells: pa.Array, form: TextFormat) -> Numbers:
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = cells.fill_null("")
    trimmed = pc.utf8_trim_whitespace(cells)
    absent = pa.array([*MISSING, *form.missing], type=trimmed.type)
    is_missing = pc.is_in(trimmed, value_set=absent)
    signed = pc.replace_substring_regex(trimmed, f"^[{MINUS}]", "-")
    is_number = pc.and_not(pc.match_substring_regex(signed, number_pattern(form)), is_missing)
    digits = pc.if_else(is_number, signed, pa.scalar(None, signed.type))
    if form.thousands:
        digits = pc.replace_substring(digits, form.thousands, "")
    if form.decimal:
        digits = pc.replace_substring(digits, form.decimal, ".")
    values = digits.cast(pa.float64()).to_numpy(zero_copy_only=False)
    masks = (is_missing, is_number, pc.not_equal(trimmed, cells))
    missing, number, spaced = (mask.to_numpy(zero_copy_only=False) for mask in masks)
    return Numbers(values, missing, ~(missing | number), spaced)


def is_ambiguous(cells: pa.Array) -> bool:
    """Whether the points of all numbers may separate groups of three digits."""
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(cells)
    has_point = pc.match_substring(trimmed, ".")
    grouped = pc.match_substring_regex(trimmed, rf"^[+{MINUS}-]?[1-9][0-9]{{0,2}}(\.[0-9]{{3}})+$")
    return bool(pc.all(pc.or_(grouped, pc.invert(has_point))).as_py())


def number_pattern(form: TextFormat) -> str:
    """Regular expression of a whole cell that is a number in this format."""
    point = re.escape(form.decimal or ".")
    whole = "[0-9]+"
    if form.thousands:
        whole = f"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{re.escape(form.thousands)}[0-9]{{3}})+)"
    number = f"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
    return f"^[+-]?(?:{number}{EXPONENT}|(?i:inf(inity)?))$"


def declaration(texts: list[str], form: TextFormat) -> str:
    """What to do with texts that are numbers in another format; "" where they are none."""
    texts = [re.sub(f"^[{MINUS}]", "-", text.strip()) for text in texts]
    plain = re.compile(number_pattern(form))
    if all(text.endswith("%") and plain.match(text[:-1].strip()) for text in texts):
        return "are percentages: remove the % signs, or divide by 100 as well"
    bare = [re.sub(r"^([+-]?)\s*[$€£¥]\s*|\s*[$€£¥]$", r"\1", text) for text in texts]
    if bare != texts and (all(map(plain.match, bare)) or _settings(bare)):
        right = _settings(bare)
        return "are amounts of money: remove the currency signs" + (f"; {right}" if right else "")
    return _settings(texts)


def _settings(texts: list[str]) -> str:
    """The settings `decimal` and `thousands` by which all texts are numbers."""
    found = []
    for decimal, thousands in (
        (None, None),
        (",", None),
        (None, ","),
        (",", "."),
        (None, " "),
        (",", " "),
        (None, "'"),
        (None, "\N{RIGHT SINGLE QUOTATION MARK}"),
        (None, "\u00a0"),
        (",", "\u00a0"),
        (None, "\u202f"),
        (",", "\u202f"),
        (None, "_"),
    ):
        other = TextFormat(decimal=decimal, thousands=thousands)
        mark = thousands or decimal
        is_used = mark is None or any(mark in text for text in texts)
        if is_used and all(re.match(number_pattern(other), text) for text in texts):
            given = {"decimal": decimal, "thousands": thousands}
            settings = [f"{k}: {json.dumps(v)}" for k, v in given.items() if v]
            found.append(f"`{', '.join(settings)}`" if settings else "a decimal point")
    if not found:
        return ""
    # `1,000` is a number with the comma as either mark.
    return f"are numbers with {' or '.join(found[:2])}"
