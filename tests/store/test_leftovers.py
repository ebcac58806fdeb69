"""A store that a command made and left without a record is removed again."""

from __future__ import annotations

import pytest

from evenhand.errors import StoreError
from evenhand.store import Store
from evenhand.store.leftovers import nothing_left
from evenhand.store.marker import MARKER
from tests.records import make_record


def fail(store, record=None, error=StoreError):
    with pytest.raises(error), nothing_left(store):  # noqa: PT012
        store.check_writable()
        if record:
            store.write(record)
        raise error


@pytest.mark.parametrize("error", [StoreError, KeyboardInterrupt])
def test_a_new_store_without_a_record_is_removed_with_the_folders_above_it(tmp_path, error):
    fail(Store.open(tmp_path / "deep" / "results"), error=error)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_was_there_is_left_alone(tmp_path):
    store = Store.open(tmp_path / "results")
    store.check_writable()
    fail(store)
    assert (tmp_path / "results" / "main" / "index.json").exists()


def test_a_new_edition_is_removed_and_its_store_is_kept(tmp_path):
    Store.open(tmp_path / "results").check_writable()
    fail(Store.open(tmp_path / "results", "night"))
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"main", MARKER}


def test_a_store_with_a_record_is_kept(tmp_path):
    store, record = Store.open(tmp_path / "results"), make_record(status="done")
    fail(store, record)
    assert set(store.heads()) == {record.key}
