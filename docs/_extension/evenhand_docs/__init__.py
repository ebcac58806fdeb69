"""A Sphinx extension that writes the reference from the code, before anything is read.

The pages lie in `docs/reference/generated/`, which git ignores. A page is written only where it
changed, so that a second build reads what differs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_reference)
    app.connect("autodoc-process-docstring", rewrite_docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_reference(app: Sphinx) -> None:
    """Write every generated page that is not there as it should be."""
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    made = {f"{name}.md": make() for name, make in _pages().items()}
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _pages() -> dict[str, Callable[[], str]]:
    from evenhand_docs import (
        building_blocks,
        command_line,
        declarations,
        introductions,
        pages,
        suites,
    )

    by_kind = {
        f"{name}": pages.of_kind(kind, title, intro)
        for name, (kind, title, intro) in introductions.PAGES.items()
    }
    return {
        "methods": pages.methods,
        "losses": building_blocks.building_blocks,
        "recipes": declarations.recipes,
        "suite-files": declarations.suite_schema,
        "shipped-suites": suites.shipped_suites,
        "command-line": command_line.command_line,
        "bibliography": pages.bibliography,
        **by_kind,
    }


def rewrite_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Turn a docstring of this project into reStructuredText, in place."""
    from evenhand_docs.docstrings import to_rst

    lines[:] = to_rst("\n".join(lines))
