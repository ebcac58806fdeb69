"""Characters that a terminal would obey, or that change the direction of a text, as signs.

Names and messages come from files and records, which may be somebody else's.
"""

from __future__ import annotations

import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters but for tabs and ends of lines, marks of direction, and halves of pairs."""


def visible(text: str) -> str:
    """A text with one sign in place of each character that acts and is not seen.

    >>> visible("a\\x1b[31mb")
    'a␛[31mb'
    """
    return UNSEEN.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "�"
