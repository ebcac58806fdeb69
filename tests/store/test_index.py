"""The index of a store is read only where it is of the format of this version."""

from __future__ import annotations

from typing import Any

import pytest

from evenhand.store.index import Index, IndexEntry, dump_index, load_index
from evenhand.store.reading import read_head
from tests.records import make_record


def test_an_index_of_another_format_is_refused_by_its_first_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = make_record()
    head = read_head(record.model_dump_json().encode(), record.key)
    content = dump_index({record.key: IndexEntry("1-1", head)})
    assert load_index(content) == {record.key: IndexEntry("1-1", head)}

    def validate(_: Any) -> Index:
        raise AssertionError("its entries were validated, and each mistake takes memory")

    monkeypatch.setattr(Index, "model_validate_json", validate)

    assert load_index(content.replace(b'"format":8', b'"format":7', 1)) == {}
