"""Records that wait on this machine while their store does not answer."""

from __future__ import annotations

import os
import tempfile

import pytest

from evenhand.errors import StoreError
from evenhand.store import Store
from evenhand.store.files import PatientFiles, open_files
from evenhand.store.leases import Lease
from evenhand.store.process import Process
from evenhand.store.spool import Spool
from tests.records import make_record
from tests.store.outages import FORBIDDEN, NO_ANSWER, Clock, FlakyFiles


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture(autouse=True)
def temp(monkeypatch, tmp_path):
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def flaky(tmp_path):
    return FlakyFiles(open_files(tmp_path / "bucket"))


@pytest.fixture
def store(flaky):
    found = Store(PatientFiles(flaky), "main")
    found.check_writable()
    return found


def waiting(store):
    return [w.record.key for w in Spool.of(store.location, "main").waiting()]


def as_given(record):
    """The record before the digests of its attachments were added."""
    return record.model_copy(update={"digests": {}})


def files_in(temp):
    return sorted(p.name for p in temp.rglob("*") if p.is_file())


def test_a_finished_record_is_on_disk_while_it_waits_and_gone_when_it_is_delivered(
    store, flaky, clock, temp
):
    record, told, seen = make_record(), [], []
    flaky.error = NO_ANSWER
    clock.at[5] = lambda: seen.append((waiting(store), files_in(temp)))
    clock.at[100] = lambda: setattr(flaky, "error", "")

    store.write(record, {"logits.npz": b"kept"}, told.append)

    assert seen == [([record.key], ["logits.npz", "record.json"])]
    assert told[0].startswith(
        f"the store does not answer; the record waits on this machine, in {temp}"
    )
    assert as_given(store.read(record.key)) == record
    assert store.attachment(record.key, "logits.npz") == b"kept"
    assert files_in(temp) == []


@pytest.mark.parametrize(("error", "waits"), [(NO_ANSWER, 600), (FORBIDDEN, 0)])
def test_a_record_that_cannot_be_written_is_delivered_by_the_next_run(
    store, flaky, clock, error, waits
):
    record = make_record()
    flaky.error = error

    with pytest.raises(StoreError, match=r"not lost: it waits .*\n  run the same command on this"):
        store.write(record, {"logits.npz": b"kept"})
    assert sum(clock.pauses) == pytest.approx(waits)
    assert waiting(store) == [record.key]

    flaky.error = ""
    Store(PatientFiles(flaky), "other").check_writable()
    assert waiting(store) == [record.key]
    later = Store(PatientFiles(flaky), "main")
    later.check_writable()
    assert as_given(later.read(record.key)) == record
    assert later.attachment(record.key, "logits.npz") == b"kept"
    assert waiting(store) == []


OTHER = {"accuracy": 0.5}
"""Other numbers."""


@pytest.mark.parametrize(
    ("ours", "theirs", "attempts"),
    [
        ({"attempts": 1}, {"attempts": 2}, None),
        ({"attempts": 2}, {"attempts": 1}, 2),
        ({"attempts": 2} | OTHER, {"attempts": 1}, None),
        ({"attempts": 2, "kept": ("logits",)} | OTHER, {"attempts": 1}, None),
        ({"attempts": 1, "kept": ("logits",)}, {"attempts": 1}, 1),
        ({"attempts": 2, "status": "failed"}, {"attempts": 1}, None),
        ({"attempts": 1, "status": "failed"}, {"attempts": 2, "status": "failed"}, None),
        ({"attempts": 2}, {"attempts": 2, "status": "interrupted"}, 3),
        ({"attempts": 1}, {"attempts": 2, "status": "failed"}, 3),
        ({"attempts": 3}, {"attempts": 1, "status": "diverged"}, 3),
    ],
)
def test_a_record_that_waited_replaces_no_done_one_of_other_numbers_and_no_later_one(
    store, flaky, clock, ours, theirs, attempts
):
    kept = ours.pop("kept", ())
    mine = make_record(seconds=1.0, **ours).model_copy(update={"kept": kept})
    other = make_record(seconds=2.0, **theirs)
    flaky.error = FORBIDDEN
    with pytest.raises(StoreError, match="waits"):
        store.write(mine)
    flaky.error = ""
    store.write(other)

    store.deliver()

    expected = other if attempts is None else mine.model_copy(update={"attempts": attempts})
    assert store.read(mine.key) == expected
    assert waiting(store) == []
    assert store.leases.all() == {}


def test_a_record_waits_on_while_another_process_trains_its_trial(store, flaky, clock):
    mine, other = make_record(attempts=2), make_record(attempts=1, **OTHER)
    flaky.error = FORBIDDEN
    with pytest.raises(StoreError, match="waits"):
        store.write(mine)
    flaky.error = ""
    elsewhere = Process.this().model_copy(update={"machine": "another"})
    lease = store.leases.take(Lease(key=mine.key, run="other", process=elsewhere))

    store.deliver()
    assert waiting(store) == [mine.key]
    assert store.heads() == {}
    store.write(other)
    store.leases.release(lease)
    store.deliver()

    assert store.read(mine.key) == other
    assert waiting(store) == []


def test_no_lease_is_left_of_a_record_that_still_cannot_be_written(store, flaky, clock):
    record = make_record()
    flaky.error = FORBIDDEN
    flaky.is_hit = lambda operation, path: operation == "write" and path.endswith("record.json")
    with pytest.raises(StoreError, match="waits"):
        store.write(record)

    store.deliver()

    assert waiting(store) == [record.key]
    assert store.leases.all() == {}


def test_a_process_that_holds_the_lease_of_a_trial_delivers_its_record(store, flaky, clock):
    record = make_record()
    flaky.error = FORBIDDEN
    with pytest.raises(StoreError, match="waits"):
        store.write(record)
    flaky.error = ""
    elsewhere = Process.this().model_copy(update={"machine": "another"})
    lease = store.leases.take(Lease(key=record.key, run="mine", process=elsewhere))

    store.deliver(held=record.key)

    assert store.read(record.key) == record
    assert store.leases.all() == {record.key: lease}


def test_a_record_waits_in_memory_where_this_disk_is_full(store, flaky, clock, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evenhand.store.local.os.fsync", full)
    flaky.error = NO_ANSWER
    bucket = flaky.files
    monkeypatch.setattr(flaky, "files", bucket)
    clock.at[60] = lambda: (setattr(flaky, "error", ""), monkeypatch.undo())
    record = make_record()

    store.write(record)

    assert store.read(record.key) == record


def test_a_folder_that_others_may_write_to_holds_no_record_of_ours(store, flaky, clock, temp):
    record = make_record()
    flaky.error = FORBIDDEN
    with pytest.raises(StoreError, match="waits"):
        store.write(record)
    (folder,) = temp.iterdir()
    folder.chmod(0o777)

    flaky.error = ""
    store.deliver()
    assert store.heads() == {}
    flaky.error = FORBIDDEN
    with pytest.raises(StoreError) as caught:
        store.write(record)
    assert "waits" not in str(caught.value)


def test_what_a_killed_process_left_of_a_record_is_not_delivered(store, flaky, clock, temp):
    whole, part = make_record(seed=0), make_record(seed=1)
    flaky.error = FORBIDDEN
    for record in (whole, part):
        with pytest.raises(StoreError, match="waits"):
            store.write(record, {"logits.npz": b"kept"})
    (file,) = temp.rglob(f"{part.key}.*/record.json")
    file.write_bytes(file.read_bytes()[:100])
    flaky.error = ""

    store.deliver()

    assert list(store.heads()) == [whole.key]


@pytest.mark.parametrize("name", ["record.json", "logits.npz"])
def test_odd_files_among_what_waits_stop_no_other_record(store, flaky, clock, temp, name):
    odd, whole = sorted((make_record(seed=n) for n in range(2)), key=lambda record: record.key)
    flaky.error = FORBIDDEN
    for record in (odd, whole):
        with pytest.raises(StoreError, match="waits"):
            store.write(record, {"logits.npz": b"kept"})
    flaky.error = ""
    (file,) = temp.rglob(f"{odd.key}.*/{name}")
    file.unlink()
    os.mkfifo(file)
    (beside,) = temp.rglob(f"{whole.key}.*/")
    (beside / "logits.npz~").write_text("of an editor")

    store.deliver()

    assert list(store.heads()) == [whole.key]
    assert store.attachment(whole.key, "logits.npz") == b"kept"


def test_records_for_a_folder_do_not_wait(tmp_path, temp, monkeypatch):
    store = Store.open(tmp_path / "results")
    store.check_writable()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evenhand.store.local.os.fsync", full)
    with pytest.raises(StoreError, match="no space left"):
        store.write(make_record())
    assert list(temp.iterdir()) == []
