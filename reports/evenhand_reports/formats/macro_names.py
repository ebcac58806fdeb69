"""Names of LaTeX macros, which consist of letters: digits, signs and Greek letters are words.

The name of a macro depends on its place and on whether another place has the same words. It never
depends on the order, so that no macro of a paper can print the number of another row.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

DIGITS = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"]
SIGNS = {
    "+": "plus",
    "−": "minus",
    "×": "times",
    "·": "times",
    "%": "percent",
    "*": "star",
    "@": "at",
}
"""Signs with a shorter word than their Unicode name."""

SEPARATORS = set(" \t\n()[]{}_-.,:;=/")
"""Characters that only separate words; a hyphen and a point in front of digits are read earlier."""

LETTERS = 8
"""Letters of the digest that distinguishes places of the same words: one of 2·10¹¹."""

Place = tuple[str, ...]


def macro_names(prefix: str, places: Iterable[Place]) -> dict[Place, str]:
    """A macro name for each place, a row and a problem.

    Where places differ only in capitals, accents or separators, the names of all of them end with
    letters of a digest of their place.

    `("vs(λ=1.25)", "cifar10-exp-100")` → `VsLambdaOnePointTwoFiveCifarOneZeroExpOneZeroZero`
    """
    spelled = {place: _spelled(prefix) + _name(place) for place in places}
    used = Counter(spelled.values())
    names = {
        place: name if used[name] == 1 else name + _digest(place) for place, name in spelled.items()
    }
    assert len(set(names.values())) == len(names), "two places have one digest"
    return names


def _name(place: Place) -> str:
    row, *others = place
    # A row's name is free text, in which `VS-1` and `VS-` have a sign. The hyphens of
    # `resnet32-40ep` and of a problem's name are none.
    signed = re.sub(r"(?<!\d)-(?=[\d.),]|$)", "−", row)
    return _spelled(signed) + "".join(map(_spelled, others))


def _spelled(text: str) -> str:
    plain = re.sub(r"(?<=\d)\.(?=\d)", " point ", unicodedata.normalize("NFKD", text))
    plain = re.sub(r"(?<![\w)])-(?=[\d.])|(?<=\de)-(?=\d)", " minus ", plain)
    words = re.findall(r"[A-Za-z]+", "".join(map(_word, plain)))
    return "".join(word[:1].upper() + word[1:] for word in words)


def _word(character: str) -> str:
    """An ASCII letter, and any other character as a word between spaces."""
    if character.isascii() and character.isalpha():
        return character
    if unicodedata.combining(character):
        return ""
    if character in SEPARATORS:
        return " "
    if character.isascii() and character.isdigit():
        return f" {DIGITS[int(character)]} "
    return f" {SIGNS.get(character) or _unicode_name(character)} "


def _unicode_name(character: str) -> str:
    """`Lambda` for λ, `capital Lambda` for Λ, `check mark` for ✓; digits of a code are words."""
    name = unicodedata.name(character, f"U {ord(character):X}").replace("LAMDA", "LAMBDA").lower()
    greek = re.fullmatch(r"greek (?:small|(capital)) letter (.*)", name)
    words = " ".join(filter(None, greek.groups())) if greek else name
    return re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", words)


def _digest(place: Place) -> str:
    """`Xqkzavbtd`: an X and letters of the place's SHA-256, the same in every report."""
    number = int.from_bytes(hashlib.sha256("\0".join(place).encode()).digest(), "big")
    letters = []
    for _ in range(LETTERS):
        number, letter = divmod(number, 26)
        letters.append(chr(ord("a") + letter))
    return "X" + "".join(letters)
