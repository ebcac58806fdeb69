"""`evenhand status SUITE --watch`: one look after the other, until every trial has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep, time
from typing import TYPE_CHECKING

from evenhand.cli.look import Look, Watcher
from evenhand.cli.look_json import as_json
from evenhand.cli.output import console, errors, print_line
from evenhand.cli.prometheus import write_file
from evenhand.errors import StoreError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Show = Callable[[Look | str], None]
"""Shows a look, or why there is none."""


def watch_suite(
    watcher: Watcher, seconds: float, *, json: bool = False, file: Path | None = None
) -> Look:
    """Look every few seconds until every trial has ended; the last look.

    file: a Prometheus text file that each look replaces. A store that does not answer any more ends
    nothing; one that cannot be read at the first look raises `StoreError`.
    """
    look = watcher.look()
    with _shown(json=json) as show:
        while True:
            if file is not None:
                write_file(file, look)
            show(look)
            if look.is_over:
                return look
            sleep(seconds)
            look = _next(watcher, show, seconds)


def _next(watcher: Watcher, show: Show, seconds: float) -> Look:
    """The next look, as soon as the store can be read."""
    while True:
        try:
            return watcher.look()
        except StoreError as error:
            show(str(error))
            sleep(seconds)


@contextmanager
def _shown(*, json: bool) -> Iterator[Show]:
    """The way in which looks are shown: JSON lines, a screen, or blocks in a pipe."""
    out = console()
    if json:
        yield _line
    elif out.is_terminal:
        with _Screen(out).live() as show:
            yield show
    else:
        yield _Blocks(out)


def _line(look: Look | str) -> None:
    if isinstance(look, str):
        errors().print(look, soft_wrap=True)
    else:
        print_line({"time": round(time(), 3), **as_json(look)})


@dataclass
class _Blocks:
    out: Console

    def __call__(self, look: Look | str) -> None:
        from evenhand.cli.look_screen import screen

        if isinstance(look, str):
            errors().print(look, soft_wrap=True)
        else:
            self.out.print(screen(look, self.out.width))


@dataclass
class _Screen:
    """The whole terminal, drawn anew each second, so that it follows the size of the window."""

    out: Console
    look: Look | None = None
    trouble: str = ""
    """Why the look is not the latest one."""

    @contextmanager
    def live(self) -> Iterator[Show]:
        """Draw within a `with` block; the terminal then shows again what it showed before."""
        from rich.live import Live

        with Live(console=self.out, screen=True, refresh_per_second=1, get_renderable=self.drawn):
            yield self

    def __call__(self, look: Look | str) -> None:
        if isinstance(look, str):
            self.trouble = look
        else:
            self.look, self.trouble = look, ""

    def drawn(self) -> RenderableType:
        """What the terminal shows."""
        from rich.console import Group
        from rich.text import Text

        from evenhand.cli.look_screen import screen

        if self.look is None:
            return Text()
        trouble = [Text(self.trouble.partition("\n")[0], "yellow")] if self.trouble else []
        return Group(*trouble, screen(self.look, self.out.width, self.out.height - len(trouble)))
