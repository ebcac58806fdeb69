"""File names are unique, short and plain, whatever problems are called."""

from __future__ import annotations

import re

import pytest

from evenhand_reports.formats.file_names import LONGEST, file_names, shortened

HARD = [
    ["birds_v1", "birds-v1"],
    ["birds v1", "birds/v1", "birds\\v1", "birds\nv1"],
    ["Birds", "birds", "BIRDS"],
    ["数据", "データ", "___", ""],
    ["x" * 300, "x" * 299 + "y", "x" * 301],
    ["a" * 79 + "_", "a" * 79 + "-"],
    ["same", "same", "same"],
    ["same", "same", "same-2"],
    ["..", ".", "../../etc/passwd"],
    ["é", "e\u0301"],
    ["a" * LONGEST, "A" * LONGEST],
]


@pytest.mark.parametrize("names", HARD, ids=lambda names: names[0][:12] or "empty")
def test_file_names_are_unique_short_and_plain(names: list[str]) -> None:
    found = file_names(names)

    assert len({name.casefold() for name in found}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,84}", name) for name in found)


def test_a_name_that_is_plain_stays_as_it_is() -> None:
    names = ["cifar10-exp-100", "gaussian_mixture-n800-pi0.1"]

    assert file_names(names) == ["cifar10-exp-100", "gaussian-mixture-n800-pi0.1"]


def test_a_file_name_does_not_depend_on_the_order() -> None:
    names = ["birds_v1", "cats", "birds-v1"]

    assert file_names(names) == file_names(names[::-1])[::-1]


def test_only_long_names_of_folders_are_cut() -> None:
    assert shortened("kini2021_table2", "kini2021_table2") == "kini2021_table2"
    assert len(shortened("x" * 300, "x" * 300)) == LONGEST
