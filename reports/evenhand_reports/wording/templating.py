"""Plain-text templates: sentences in `templates/`, facts from Python."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent / "templates"


def fill(template: str, **facts: Any) -> list[str]:
    """The lines of a template that are not empty, with one space between words."""
    text = _environment().get_template(template).render(facts)
    return [words for line in text.splitlines() if (words := " ".join(line.split()))]


@cache
def _environment() -> Environment:
    # Facts are escaped by the format that shows the sentence: HTML, LaTeX and Markdown differ.
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
