"""Conversion of the docstrings of this project to Markdown or reStructuredText.

A docstring is plain text: paragraphs, `name` in single backquotes, formulas indented by four
columns, lists of `name    what it means` with two or more columns between, and doctests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from evenhand_docs.bibliography import cited

Kind = Literal["text", "formula", "fields", "doctest", "bullets"]
FIELD = re.compile(r"^(\S(?:[^\n]*?\S)?) {2,}(\S.*)$")
"""`name    what it means`; a name may be several words with a comma between."""


class Block(NamedTuple):
    """Lines of a docstring that belong together."""

    kind: Kind
    lines: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a docstring without common indentation."""
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if lines:
            yield from _split(lines)


def _split(lines: list[str]) -> Iterator[Block]:
    """Blocks of a paragraph, which may end in a list or formula without an empty line before it."""
    starts = [i for i, line in enumerate(lines) if _opens(line)]
    if starts and starts[0] > 0 and _kind(lines[starts[0]]) != "text":
        yield Block(_kind(lines[0]), tuple(lines[: starts[0]]))
        lines = lines[starts[0] :]
    yield Block(_kind(lines[0]), tuple(lines))


def _opens(line: str) -> bool:
    return _kind(line) in ("fields", "doctest", "bullets")


def _kind(line: str) -> Kind:
    if line.lstrip().startswith(">>>"):
        return "doctest"
    if line.startswith("    "):
        return "formula"
    if line.startswith(("- ", "* ")):
        return "bullets"
    return "fields" if FIELD.match(line) else "text"


def fields(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Name and description of each field, from the lines of a block of fields."""
    name, said = "", ""
    for line in lines:
        if (match := FIELD.match(line)) and not line.startswith(" "):
            if name:
                yield name, said
            name, said = match.group(1), match.group(2)
        else:
            said = f"{said} {line.strip()}"
    yield name, said


def to_markdown(text: str) -> str:
    """The docstring as MyST Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks(text))


def _markdown(block: Block) -> str:
    if block.kind == "formula":
        return "\n".join(["```text", *_dedented(block.lines), "```"])
    if block.kind == "doctest":
        return "\n".join(["```pycon", *_dedented(block.lines), "```"])
    if block.kind == "fields":
        return "\n\n".join(f"`{name}`\n: {prose(said)}" for name, said in fields(block.lines))
    if block.kind == "bullets":
        return "\n".join(prose(line) for line in block.lines)
    return prose("\n".join(line.strip() for line in block.lines))


def prose(text: str) -> str:
    """Text with what Markdown would read as markup escaped, outside of backquotes.

    The key of a reference becomes a link to the bibliography.
    """
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(p if p.startswith("`") else _escaped(p) for p in pieces)


def _escaped(text: str) -> str:
    text = re.sub(r"([*_\[\]<>$|])", r"\\\1", text)
    return re.sub(r"\b[a-z]+\d{4}[a-z]+\b", lambda match: cited(match.group()), text)


def to_rst(text: str) -> list[str]:
    """The docstring as lines of reStructuredText, for autodoc."""
    found: list[str] = []
    for block in blocks(text):
        found += [*_rst(block), ""]
    return found


def _rst(block: Block) -> list[str]:
    if block.kind == "formula":
        return [".. code-block:: text", "", *(f"   {line}" for line in _dedented(block.lines))]
    if block.kind == "doctest":
        return [".. code-block:: pycon", "", *(f"   {line}" for line in _dedented(block.lines))]
    if block.kind == "fields":
        rows = [(_literal(name), rst_prose(said)) for name, said in fields(block.lines)]
        return [line for name, said in rows for line in (name, f"   {said}", "")]
    if block.kind == "bullets":
        return rst_prose("\n".join(block.lines)).split("\n")
    return [rst_prose(" ".join(line.strip() for line in block.lines))]


def _literal(name: str) -> str:
    return f"``{name.strip('`')}``"


def rst_prose(text: str) -> str:
    """Text with single backquotes made literal and other markup escaped."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"``{p[1:-1]}``" if p.startswith("`") else re.sub(r"([*_|\\])", r"\\\1", p) for p in pieces
    )


def _dedented(lines: tuple[str, ...]) -> list[str]:
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return [line[indent:] for line in lines]
