"""What only object storage does."""

from __future__ import annotations

import time

import pytest

from evenhand.store import Store
from evenhand.store.files import open_files
from tests.records import make_record


def test_a_large_object_is_read_in_one_request(bucket, requests):
    files, content = open_files(bucket("large")), bytes(4_000_000)
    files.write("main/a", content)
    requests.clear()

    assert files.read("main/a") == content
    assert [line.split()[0] for line in requests] == ["HEAD", "GET"]


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_this_machine_decides_nothing(bucket, monkeypatch, requests, hours):
    location = bucket(f"clock-{hours}")
    now, now_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + 3600 * 10**9 * hours)
    store = Store.open(location)
    # Replaced within a second by others of the same size: nobody can tell them apart by the time.
    for attempts in (1, 2, 3):
        store.write(make_record(attempts=attempts))
        assert [head.attempts for head in Store.open(location).heads().values()] == [attempts]

    for _ in range(2):
        time.sleep(2.1)
        Store.open(location).heads()
    requests.clear()
    assert len(Store.open(location).heads()) == 1
    assert not [line for line in requests if "/record.json" in line]


@pytest.mark.parametrize("names", [(), ("logits.npz",), ("logits.npz", "train_logits.npz")])
def test_a_record_is_written_by_one_look_and_one_request_for_each_file(bucket, requests, names):
    store = Store.open(bucket(f"written-{len(names)}"))
    store.check_writable()
    requests.clear()

    store.write(make_record(), dict.fromkeys(names, b"kept"))

    kinds = [line.split()[0] for line in requests]
    assert kinds == ["HEAD", *["PUT"] * len(names), "PUT"]


def test_a_state_is_saved_by_one_request(bucket, requests):
    store = Store.open(bucket("saved"))
    store.check_writable()
    requests.clear()

    store.save_state("0a" * 16, b"state")

    assert [line.split()[0] for line in requests] == ["PUT"]
