"""Every citation is in references.bib, and listing methods does not import torch."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import evenhand
import evenhand_reports
from evenhand.declared.registry import REGISTRY

BIB = (files("evenhand") / "references.bib").read_text(encoding="utf-8")
KEYS = re.findall(r"^@\w+\{(\w+),$", BIB, flags=re.MULTILINE)
KINDS = (
    "method",
    "backbone",
    "dataset",
    "recipe",
    "profile",
    "schedule",
    "augmentation",
    "optimizer",
    "mixing",
    "posthoc",
    "metric",
)


def test_keys_are_unique_and_entries_are_whole():
    assert len(KEYS) == len(set(KEYS)) > 15
    for entry in BIB.split("\n\n"):
        fields = set(re.findall(r"^\s+(\w+)\s+=", entry, re.MULTILINE))
        assert {"title", "author", "year"} <= fields
        assert entry.count("{") == entry.count("}")


def test_every_method_is_cited_from_the_bibliography():
    missing = {e.name: e.cite for e in REGISTRY.all("method") if e.cite not in KEYS}
    assert not missing


def test_every_other_citation_is_in_the_bibliography():
    entries = [entry for kind in KINDS for entry in REGISTRY.all(kind)]
    assert not {e.name: e.cite for e in entries if e.cite and e.cite not in KEYS}


def test_every_key_in_a_docstring_is_in_the_bibliography():
    folders = [Path(package.__file__).parent for package in (evenhand, evenhand_reports)]
    written = {
        key
        for folder in folders
        for path in folder.rglob("*.py")
        for key in re.findall(r"\b[a-z]+(?:19|20)\d\d[a-z]+\b", path.read_text(encoding="utf-8"))
    }
    assert {"kini2021label", "smyth2004linear"} <= written
    missing = written - set(KEYS)
    assert not missing


def test_listing_parts_imports_nothing_heavy():
    program = (
        "import sys, evenhand.methods\n"
        "from evenhand.declared.registry import REGISTRY\n"
        "assert len(list(REGISTRY.all('method'))) >= 17\n"
        "assert len(list(REGISTRY.all('backbone'))) >= 8\n"
        "heavy = {'torch', 'timm', 'ray', 'pandas'} & sys.modules.keys()\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)\n"
    )
    root = Path(evenhand.__file__).parents[1]
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
