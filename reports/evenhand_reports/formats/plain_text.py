"""What a terminal shows, as plain text, for `print` and notebooks."""

from __future__ import annotations

from rich.console import Console, RenderableType

TERMINAL_WIDTH = 80


def plain_text(shown: RenderableType) -> str:
    """The text of 80 columns, without colours."""
    console = Console(width=TERMINAL_WIDTH, color_system=None, highlight=False, force_jupyter=False)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()
