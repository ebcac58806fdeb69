"""Control characters of names and messages, which a terminal would obey, as visible signs."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

SIGNS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
SIGNS |= {0x7F: "␡", **dict.fromkeys(range(0x80, 0xA0), "�")}
"""The signs of Unicode for control characters, but for tabs and ends of lines."""


@dataclass(frozen=True)
class Visible:
    """A renderable whose text has a sign in place of each control character: `␛[31m`."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.shown, options):
            yield Segment(segment.text.translate(SIGNS), segment.style, segment.control)
