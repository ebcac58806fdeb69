"""Escaping for LaTeX: any text is printed unchanged by pdfLaTeX with standard packages."""

from __future__ import annotations

import re
import unicodedata

from evenhand_reports.wording.formatting import MINUS

LIKE_LATIN = set("οΑΒΕΖΗΙΚΜΝΟΡΤΧ")
"""Greek letters that look like Latin ones and have no command in LaTeX."""

LONG_WORD = 12
"""Letters of a word in a narrow column between two places where a line may end."""

LAST_LATIN = 0x17F
"""The last code point up to which pdfLaTeX's UTF-8 tables have every letter."""

COMMANDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "±": r"$\pm$", "−": "$-$", "–": "--",
    "—": "---", "×": r"$\times$", "·": r"$\cdot$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$",
    "≈": r"$\approx$", "→": r"$\to$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "∞": r"$\infty$",
    "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$",
    "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "\N{NO-BREAK SPACE}": "~",
    "\N{MICRO SIGN}": r"$\mu$", "°": r"$^{\circ}$", "²": "$^2$", "³": "$^3$", "¹": "$^1$",
    "√": r"$\surd$", "∈": r"$\in$", "′": "$'$", "ς": r"$\varsigma$",
}  # fmt: skip


def escape(text: str) -> str:
    """One paragraph of running text. A character that pdfLaTeX lacks becomes its code point."""
    return "".join(_character(character) for character in " ".join(text.split()))


def breakable(text: str, *, most: int = LONG_WORD) -> str:
    """`escape`, with places where a line may end in words of more than `most` letters."""
    words = []
    for word in text.split():
        pieces = re.findall(rf".{{1,{LONG_WORD}}}?[^A-Za-z0-9.]+|.{{1,{LONG_WORD}}}", word)
        kept = pieces if len(word) > most else [word]
        words.append(r"\allowbreak{}".join(map(escape, kept)))
    return " ".join(words)


def _character(character: str) -> str:
    if character in COMMANDS:
        return COMMANDS[character]
    *kind, name = unicodedata.name(character, "?").replace("LAMDA", "LAMBDA").split()
    if kind == ["GREEK", "SMALL", "LETTER"] and character not in LIKE_LATIN:
        return f"$\\{name.lower()}$"
    if kind == ["GREEK", "CAPITAL", "LETTER"] and character not in LIKE_LATIN:
        return f"$\\{name.title()}$"
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA1 or code > LAST_LATIN:
        return rf"\texttt{{U+{code:04X}}}"
    return character


def comment(*lines: str) -> list[str]:
    """Comment lines; line breaks become spaces, so that no text leaves its comment."""
    return [f"% {' '.join(line.split())}".rstrip() for line in lines]


def tex_number(text: str) -> str:
    """A number with the minus sign of LaTeX's math mode."""
    return text.replace(MINUS, "-")
