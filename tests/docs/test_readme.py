"""The README is short, its links lead somewhere, and its table is what is registered."""

from __future__ import annotations

import re
from pathlib import Path

from evenhand_docs.readme import README, with_table

from evenhand.declared.registry import REGISTRY

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def test_the_readme_has_at_most_eight_kilobytes():
    assert README.stat().st_size <= 8 * 1024


def test_every_link_of_the_readme_leads_to_a_file():
    links = LINK.findall(README.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]

    assert inside
    assert [link for link in inside if not (ROOT / link).exists()] == []


def test_the_table_of_methods_is_that_of_the_registry():
    """`make readme` writes it anew."""
    text = README.read_text(encoding="utf-8")

    assert with_table(text) == text


def test_the_table_names_every_method_once():
    text = README.read_text(encoding="utf-8")
    _, _, table = text.partition("<!-- methods: begin -->")
    table, _, _ = table.partition("<!-- methods: end -->")
    rows = [line.split("|")[1] for line in table.strip().splitlines()[2:]]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(named) == sorted(entry.name for entry in REGISTRY.all("method"))
