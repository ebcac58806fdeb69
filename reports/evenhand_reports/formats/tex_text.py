"""Text for LaTeX: whatever a user wrote comes out as it is, in pdfLaTeX with plain packages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

DIGITS = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"]
LIKE_LATIN = set("οΑΒΕΖΗΙΚΜΝΟΡΤΧ")
"""Greek letters for which LaTeX has no command, since they look like Latin ones."""

LAST_LATIN = 0x17F
"""Up to here pdfLaTeX's own UTF-8 tables have every letter."""

WRITTEN = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "±": r"$\pm$", "−": "$-$", "–": "--",
    "—": "---", "×": r"$\times$", "·": r"$\cdot$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$",
    "≈": r"$\approx$", "→": r"$\to$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "∞": r"$\infty$",
    "†": r"$^{\dagger}$",
    "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "\N{NO-BREAK SPACE}": "~",
    "\N{MICRO SIGN}": r"$\mu$", "°": r"$^{\circ}$", "²": "$^2$", "³": "$^3$", "¹": "$^1$",
    "√": r"$\surd$", "∈": r"$\in$", "′": "$'$", "ς": r"$\varsigma$",
}  # fmt: skip


def escape(text: str) -> str:
    """One paragraph of running text. A sign that pdfLaTeX lacks becomes its code point."""
    return "".join(_sign(sign) for sign in " ".join(text.split()))


def _sign(sign: str) -> str:
    if sign in WRITTEN:
        return WRITTEN[sign]
    *kind, name = unicodedata.name(sign, "?").replace("LAMDA", "LAMBDA").split()
    if kind == ["GREEK", "SMALL", "LETTER"] and sign not in LIKE_LATIN:
        return f"$\\{name.lower()}$"
    if kind == ["GREEK", "CAPITAL", "LETTER"] and sign not in LIKE_LATIN:
        return f"$\\{name.title()}$"
    code = ord(sign)
    if code < 0x20 or 0x7F <= code < 0xA1 or code > LAST_LATIN:
        return rf"\texttt{{U+{code:04X}}}"
    return sign


def comment(*lines: str) -> list[str]:
    """Comment lines; text of several lines cannot leave its comment."""
    return [f"% {' '.join(line.split())}".rstrip() for line in lines]


def macro_names(prefix: str, places: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A name of letters alone for each place; alike names get a trailing letter.

    `("vs(tau=1.25)", "cifar10-exp-100")` → `VsTauOnePointTwoFiveCifarOneZeroExpOneZeroZero`
    """
    names: dict[tuple[str, ...], str] = {}
    used: set[str] = set()
    for place in places:
        name = _letters(prefix) + "".join(map(_letters, place))
        while name in used:
            name += "X"
        used.add(name)
        names[place] = name
    return names


def _letters(text: str) -> str:
    spelled = re.sub(r"(?<=\d)\.(?=\d)", " point ", text)
    spelled = re.sub(r"(?<![\w)])-(?=[\d.])", " minus ", spelled)
    spelled = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", spelled)
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z]+", spelled))
