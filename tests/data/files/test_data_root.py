"""Where prepared data sets are: the option, the variable, the suite, the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from evenhand.data.files.data_root import data_command, data_root, own_file, use_data_root
from evenhand.errors import DataError


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


def test_it_may_be_a_url_of_object_storage(monkeypatch):
    with use_data_root("s3://KEY:HIDDEN@bucket/data?region=eu-west-1", "/suite"):
        assert data_root() == "s3://KEY:HIDDEN@bucket/data?region=eu-west-1"
        command = data_command("check", "cifar10")
        assert command == "evenhand data check cifar10 --root 's3://bucket/data?region=eu-west-1'"
    with use_data_root("file:///my%20data"):
        assert data_root() == Path("/my data")
    monkeypatch.setenv("EVENHAND_DATA", "gs://bucket/data")
    assert data_root() == "gs://bucket/data"
    assert "--root" not in data_command("check", "cifar10")


@pytest.mark.parametrize("place", [Path("s3://bucket/data"), "s3:/bucket/data"])
def test_a_url_that_has_lost_a_slash_is_no_folder(place):
    with (
        pytest.raises(DataError, match="write it as a text: s3://bucket/data"),
        use_data_root(place),
    ):
        pass


def test_own_files_are_not_looked_for_in_object_storage():
    with use_data_root("s3://KEY:HIDDEN@bucket/data"):
        assert own_file("/mine/birds.csv") == Path("/mine/birds.csv")
        with pytest.raises(DataError) as raised:
            own_file("birds.csv")
    assert "the data root is s3://bucket/data\n" in str(raised.value)
    assert "write the absolute path of the file on the machine of the command" in str(raised.value)
    with use_data_root("/suite"):
        assert own_file("birds.csv") == Path("/suite/birds.csv")
