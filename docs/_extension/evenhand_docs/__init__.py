"""Sphinx extension that writes the reference pages from the code before Sphinx reads sources.

The pages are in `docs/reference/generated/`, which git ignores. A page is written only if it has
changed, so that a second build reads only the pages that differ.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("builder-inited", write_reference)
    app.connect("autodoc-process-docstring", rewrite_docstring)
    app.connect("autodoc-process-signature", without_fields)
    app.connect("missing-reference", public_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_reference(app: Sphinx) -> None:
    """Write every generated page that is missing or has changed."""
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
        public_api,
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
        "python-api": public_api.public_api,
        "bibliography": pages.bibliography,
        **by_kind,
    }


def rewrite_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Turn a docstring of this project into reStructuredText, in place."""
    from evenhand_docs.docstrings import to_rst

    lines[:] = to_rst("\n".join(lines))


def without_fields(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: Any, returned: Any
) -> tuple[str, None] | None:
    """Leave the fields of a declaration out of its signature, because each is listed below it."""
    is_declaration = what == "class" and issubclass(obj, BaseModel)
    return ("", None) if is_declaration else None


def public_name(app: Sphinx, env: Any, node: Element, shown: Element) -> Element | None:
    """Link a type by its public name: `evenhand.suite.resolve.Suite` is `evenhand.Suite`."""
    name = f"evenhand.{node.get('reftarget', '').rpartition('.')[2]}"
    python = env.domains.python_domain
    if node.get("refdomain") != "py" or name not in python.objects:
        return None
    found: Element | None = python.resolve_xref(
        env, node["refdoc"], app.builder, "obj", name, node, shown
    )
    return found
