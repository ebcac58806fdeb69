"""Control characters of names and messages, which a terminal would obey, as visible signs."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from evenhand.declared.visible_text import visible


@dataclass(frozen=True)
class Visible:
    """A renderable whose text has a sign in place of each control character: `␛[31m`."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.shown, options):
            yield Segment(visible(segment.text), segment.style, segment.control)
