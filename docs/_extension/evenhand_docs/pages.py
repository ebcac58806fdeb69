"""Reference pages generated from the registered parts."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable

from evenhand.declared.registry import REGISTRY, Registered
from evenhand_docs.bibliography import cited, references
from evenhand_docs.composition import composition
from evenhand_docs.docstrings import prose, to_markdown
from evenhand_docs.markup import page, settings, table


def methods() -> str:
    """Page with every method, by file; the docstring of the file holds the formula."""
    intro = (
        "A method's entry in a suite is its name, or its name with settings: `vs: {tau: 1.25}`. "
        "Defaults are the paper's; where the paper and its released code differ, the difference "
        "is a setting. Every setting may also be a `grid:` or a distribution "
        "({doc}`/how-to/sweeps`)."
    )
    by_module: dict[str, list[Registered]] = {}
    for entry in REGISTRY.all("method"):
        by_module.setdefault(entry.make.__module__, []).append(entry)
    parts = [_family(module, entries) for module, entries in sorted(by_module.items())]
    return page("Methods", intro, _overview("method"), *parts)


def _family(module: str, entries: list[Registered]) -> str:
    name = module.rpartition(".")[2]
    text = inspect.getdoc(sys.modules[module]) or ""
    first, _, rest = text.partition("\n")
    head = [f"## `{name}.py`", prose(first)]
    body = [to_markdown(rest)] if rest.strip() else []
    return "\n\n".join([*head, *body, *(_part(entry, 3) for entry in entries)])


UNITS = {"nats": "nats", "1": "none, shown as it is"}
"""Units of metrics that reports do not show in percent."""


def _part(entry: Registered, level: int) -> str:
    """One part: name, citation, docstring and settings."""
    about = [f"Title in tables: {prose(entry.title)}"] if entry.title != entry.name else []
    about += [f"source: {cited(entry.cite)}"] if entry.cite else []
    about += [f"also called {', '.join(f'`{a}`' for a in entry.aliases)}"] if entry.aliases else []
    about += [f"better: {entry.facts['better']}"] if "better" in entry.facts else []
    about += [f"unit: {UNITS[entry.facts['unit']]}"] if "unit" in entry.facts else []
    lines = [f"{'#' * level} `{entry.name}`", to_markdown(inspect.getdoc(entry.make) or "")]
    lines += ["; ".join(about) + "."] if about else []
    lines += [made] if entry.kind == "method" and (made := composition(entry)) else []
    lines += [settings(entry)] if entry.kind not in {"metric", "recipe"} else []
    return "\n\n".join(lines)


def _overview(kind: str, parts: Iterable[Registered] | None = None) -> str:
    entries = list(parts or REGISTRY.all(kind))
    rows = [
        (f"[`{e.name}`](#{e.name})", prose(e.summary), cited(e.cite) if e.cite else "")
        for e in entries
    ]
    if not any(row[2] for row in rows):
        return table(("name", "what it is"), [row[:2] for row in rows])
    return table(("name", "what it is", "source"), rows)


def of_kind(kind: str, title: str, intro: str) -> Callable[[], str]:
    """A page with every part of a kind."""

    def make() -> str:
        entries = list(REGISTRY.all(kind))
        return page(title, intro, _overview(kind), *(_part(entry, 2) for entry in entries))

    return make


def bibliography() -> str:
    """Page with every reference and its target, in order of author and year."""
    ordered = sorted(references().values(), key=lambda r: (r.short.lower(), r.key))
    parts = [f"## `{r.key}`\n\n{prose_but_links(r.full)}" for r in ordered]
    intro = "The works that parts, suites and statistics cite, by their key in `references.bib`."
    return page("Bibliography", intro, *parts)


def prose_but_links(text: str) -> str:
    """A line of the bibliography, which is Markdown already."""
    return text.replace("$", r"\$")
