"""Where prepared data sets are: the option, the variable, the suite, the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from evenhand.data.files.data_root import data_root, use_data_root


@pytest.fixture(autouse=True)
def _home(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.delenv("EVENHAND_DATA", raising=False)


def test_without_a_word_it_is_the_cache():
    assert data_root() == Path("/somewhere/.cache/evenhand")


def test_the_variable_comes_before_the_cache(monkeypatch):
    monkeypatch.setenv("EVENHAND_DATA", "~/data")
    assert data_root() == Path("/somewhere/data")
    monkeypatch.setenv("EVENHAND_DATA", "")
    assert data_root() == Path("/somewhere/.cache/evenhand")


def test_the_first_place_that_is_given_holds_inside(monkeypatch):
    monkeypatch.setenv("EVENHAND_DATA", "/variable")
    with use_data_root(None, "/suite"):
        assert data_root() == Path("/suite")
        with use_data_root("~/option", "/suite"):
            assert data_root() == Path("/somewhere/option")
        with use_data_root(None, None):
            assert data_root() == Path("/suite")
    assert data_root() == Path("/variable")
