"""The README is short, its links lead somewhere, and its tables are what is registered."""

from __future__ import annotations

import re
from pathlib import Path

from evenhand_docs.readme import KINDS, README, with_tables

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


def test_the_tables_are_those_of_the_registry():
    """`make readme` writes them anew."""
    text = README.read_text(encoding="utf-8")

    assert with_tables(text) == text


def named(table):
    """The names in the first column of a table."""
    text = README.read_text(encoding="utf-8")
    inside = text.partition(f"<!-- {table}: begin -->")[2].partition(f"<!-- {table}: end -->")[0]
    rows = [line.split("|")[1] for line in inside.strip().splitlines()[2:]]
    return sorted(name for row in rows for name in re.findall(r"`(\w+)`", row))


def test_the_table_names_every_method_once():
    assert named("methods") == sorted(entry.name for entry in REGISTRY.all("method"))


def test_the_second_table_names_every_optimiser_mixing_and_cited_metric_once():
    entries = [entry for kind in KINDS for entry in REGISTRY.all(kind)]
    assert named("parts") == sorted(entry.name for entry in entries if entry.cite)
    assert {"sgd", "adamw", "mixup", "remix", "nll", "ece", "mcc"} <= set(named("parts"))
