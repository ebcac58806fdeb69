"""Jinja templates, and the sentences in `templates/`, which are filled with facts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evenhand.declared.visible_text import visible

FOLDER = Path(__file__).parent / "templates"


def fill(template: str, **facts: Any) -> list[str]:
    """The lines of a template that are not empty, with one space between words."""
    # Facts are escaped by the format that shows the sentence: HTML, LaTeX and Markdown differ.
    text = templates(FOLDER, autoescape=False).get_template(template).render(facts)
    return [words for line in text.splitlines() if (words := " ".join(line.split()))]


def _shown(value: Any) -> Any:
    """A fact of a page with signs for control characters; what is no text, or HTML, as it is."""
    return visible(value) if type(value) is str else value


@cache
def templates(folder: Path, *, autoescape: bool) -> Environment:
    """The templates of a folder; a fact that a template needs and does not get is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=autoescape,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown if autoescape else None,
    )
