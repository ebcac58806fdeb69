"""From a report to one trial: keys, what they show, and the command that made the page."""

from __future__ import annotations

import html
import json
import re
import shlex

import pytest

from evenhand.errors import StoreError
from tests.cli.test_commands import PARTS, evenhand, here, small

__all__ = ["here"]


def test_status_lists_the_keys_that_show_takes(here):
    small("run", "--inline", "--only", "method=la,seed=1")
    lines = small("status", "--keys").splitlines()
    [done] = [line for line in lines if " done " in line]

    assert len(lines) == 6
    assert done.endswith("la on blobs-exp-4-n40, seed 1")
    assert sum(" missing " in line for line in lines) == 5
    assert done.split()[0] in evenhand("show", done.split()[0])
    assert evenhand("status", "--keys").split() == [
        *done.split()[:2], "la", "on", "blobs-exp-4-n40",
    ]  # fmt: skip
    [listed] = json.loads(small("status", "--keys", "--json", "--only", "method=la,seed=1"))
    assert listed == {
        "key": done.split()[0],
        "status": "done",
        "trial": "la on blobs-exp-4-n40, seed 1",
    }


def test_settings_that_compete_for_a_row_are_told_apart(here):
    suite = here / "small.yaml"
    text = suite.read_text().replace("[erm, la, raises]", "[erm, la: {tau: {grid: [1, 2]}}]")
    suite.write_text(text + "select: {on: val}\n")
    shown = small("status", "--keys", "--only", "seed=0")

    assert "la, tau=1 on blobs-exp-4-n40, seed 0" in shown
    assert "la, tau=2 on blobs-exp-4-n40, seed 0" in shown


def test_a_key_that_is_not_there_names_the_command_that_lists_keys(here):
    with pytest.raises(StoreError, match="`evenhand status --keys`"):
        evenhand("show", "abc")
    with pytest.raises(StoreError, match="`evenhand status --keys --results out --edition n1`"):
        evenhand("show", "abc", "--results", "out", "--edition", "n1")


def test_the_page_says_what_made_it_and_how_to_make_a_number_again(here, monkeypatch):
    monkeypatch.setattr("sys.argv", ["evenhand", "report", "small.yaml", "--out", "my report"])
    small("run", "--inline", "--only", "method=erm")
    small("report")
    page = (here / "report/small/index.html").read_text(encoding="utf-8")

    assert "<code>evenhand report small.yaml --out &#39;my report&#39;</code>" in page
    assert "<code>evenhand show KEY</code>" in page
    assert f"<code>evenhand status small.yaml --plugin {PARTS} --keys</code>" in page


def test_the_page_and_the_tables_name_the_edition_and_the_store(here, monkeypatch):
    monkeypatch.setattr("sys.argv", ["evenhand", "run", "small.yaml", "--plugin", PARTS])
    there = ("--results", "my out", "--edition", "night")
    small("run", "--inline", "--only", "seed=0,method=erm", *there)
    small("report", "--only", "seed=0", *there, "--out", "out")
    page = html.unescape((here / "out/index.html").read_text(encoding="utf-8"))
    tables = (here / "out/tables/leaderboard.tex").read_text(encoding="utf-8")
    shown, listed = (
        found.group(1)
        for verb in ("show KEY", "status small")
        if (found := re.search(rf"<code>(evenhand {verb}[^<]*)</code>", page))
    )

    assert shown == "evenhand show KEY --results 'my out' --edition night"
    key = evenhand(*shlex.split(listed)[1:]).split()[0]
    assert key in evenhand(*shlex.split(shown.replace("KEY", key))[1:])
    assert "% to show one trial: evenhand show KEY --edition night (" in tables
    assert f"evenhand run small.yaml --only seed=0 --plugin {PARTS} --results rerun" in tables
