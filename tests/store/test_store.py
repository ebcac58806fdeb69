"""What every store must do, on a local disk and in S3 alike."""

from __future__ import annotations

import hashlib
import pickle
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evenhand.declared.identity import identity_of
from evenhand.declared.record import Record, Status
from evenhand.errors import StoreError, Unwritable
from evenhand.store import Head, Store
from evenhand.store.files import Files
from tests.records import make_record

KEY = "0" * 32


def path_of(record: Record) -> str:
    return f"main/{record.key}/record.json"


def write_some(store: Store, n: int = 3) -> dict[str, Record]:
    records = {r.key: r for r in (make_record(seed=seed) for seed in range(n))}
    for record in records.values():
        store.write(record)
    return dict(sorted(records.items()))


@pytest.mark.parametrize("status", ["done", "diverged", "failed", "interrupted"])
def test_a_record_comes_back_as_it_was(store: Store, status: Status) -> None:
    record = make_record(method="vs", settings={"tau": 1.25, "on": [1, None]}, status=status)
    store.write(record)
    assert store.read(record.key) == record
    assert store.records() == [record]


def test_a_head_is_the_short_of_its_record(store: Store) -> None:
    record = make_record(method="vs", ratio=50, attempts=2, seconds=12.5, fingerprint="ab")
    store.write(record)
    head = Head(
        key=record.key,
        status="done",
        attempts=2,
        seconds=12.5,
        method="vs",
        problem="cifar10-exp-50",
        workload=record.trial.workload,
        device=record.provenance.device,
        gpu=record.provenance.gpu,
        gpu_memory_gib=1.5,
        fingerprint="ab",
        identity=identity_of(record.trial),
    )
    assert store.heads() == {record.key: head}


def test_a_trial_that_never_saw_data_has_a_head(store: Store) -> None:
    record = make_record(status="failed").model_copy(update={"data": None})
    store.write(record)
    assert store.heads()[record.key].fingerprint is None


def test_an_empty_store_is_no_error(store: Store) -> None:
    assert (store.heads(), store.records(), store.faults) == ({}, [], ())


def test_records_come_in_the_order_of_the_keys(store: Store) -> None:
    records = write_some(store)
    keys = list(reversed(records))
    assert [r.key for r in store.records(keys)] == keys
    assert [r.key for r in store.records()] == list(records)


def test_absent_records_are_left_out(store: Store) -> None:
    (key,) = write_some(store, 1)
    assert [r.key for r in store.records([KEY, "no key", key])] == [key]
    assert store.faults == ()


def test_reading_an_absent_record_names_its_place(store: Store) -> None:
    with pytest.raises(StoreError, match=rf"main/{KEY}/record.json: "):
        store.read(KEY)


def test_what_is_no_key_is_not_looked_for(store: Store) -> None:
    with pytest.raises(StoreError, match=r"'\.\./main' is not a key"):
        store.read("../main")


def test_attachments_lie_beside_the_record(store: Store) -> None:
    record = make_record()
    store.write(record, {"logits-test.npz": b"\x00\x01", "log.txt": b""})
    assert store.attachment(record.key, "logits-test.npz") == b"\x00\x01"
    assert store.attachment(record.key, "log.txt") == b""
    assert list(store.heads()) == [record.key]
    with pytest.raises(StoreError, match=r"logits-val.npz: "):
        store.attachment(record.key, "logits-val.npz")
    with pytest.raises(StoreError, match="attachment"):
        store.attachment(record.key, "../record.json")


def test_a_record_holds_the_digests_of_its_attachments(store: Store) -> None:
    record = store.write(make_record(), {"logits.npz": b"abc"})
    assert store.read(record.key) == record
    assert record.digests == {"logits.npz": hashlib.sha256(b"abc").hexdigest()}


def test_a_done_record_stays_unless_a_later_attempt_is_done(store: Store) -> None:
    first = store.write(make_record(seconds=1.0))
    for other in (
        make_record(seconds=2.0),
        make_record(status="failed", attempts=2),
        make_record(status="interrupted", attempts=2),
    ):
        assert store.write(other, {"log.txt": b"other"}) == first
        assert store.read(first.key) == first
    with pytest.raises(StoreError):
        store.attachment(first.key, "log.txt")
    keeping = make_record(seconds=3.0).model_copy(update={"kept": ("logits",)})
    later = make_record(seconds=4.0, attempts=2)
    for other in (keeping, later):
        assert store.write(other) == other
        assert store.read(first.key) == other


NEWER: dict[str, Callable[[bytes], bytes]] = {
    "its format is 2": lambda whole: whole.replace(b'"format":1', b'"format":2'),
    "the field `bound`": lambda whole: b'{"bound":0.1,' + whole[1:],
    "the field `cost.joules`": lambda whole: whole.replace(b'"cost":{', b'"cost":{"joules":5,'),
}


@pytest.mark.parametrize("reason", NEWER)
def test_a_record_of_a_later_version_is_never_overwritten(
    store: Store, files: Files, reason: str
) -> None:
    (record,) = write_some(store, 1).values()
    newer = NEWER[reason](files.read(path_of(record)))
    files.write(path_of(record), newer)

    assert store.heads() == {}
    [fault] = store.faults
    assert (fault.key, fault.kind) == (record.key, "newer")
    assert reason in fault.reason
    with pytest.raises(Unwritable, match=reason):
        store.write(make_record(seed=0, attempts=9))
    assert files.read(path_of(record)) == newer


def test_a_crash_before_the_record_leaves_no_record(store: Store, files: Files) -> None:
    record = make_record()
    files.write(f"main/{record.key}/logits-test.npz", b"whole")
    files.write(f"main/{record.key}/.record.json.0123", b'{"format": 1')
    assert (store.heads(), store.records(), store.faults) == ({}, [], ())
    store.write(record)
    assert list(store.heads()) == [record.key]


def test_a_retry_replaces_and_is_seen_at_once(store: Store, location: str) -> None:
    store.write(make_record(status="failed", attempts=1))
    assert [head.attempts for head in store.heads().values()] == [1]
    retried = make_record(attempts=2)
    Store.open(location).write(retried)
    assert [head.attempts for head in store.heads().values()] == [2]
    assert store.records() == [retried]


def test_editions_are_apart(location: str) -> None:
    main, night = Store.open(location), Store.open(location, "nightly-2025-03-01")
    write_some(main, 2)
    write_some(night, 1)
    assert (len(main.heads()), len(night.heads())) == (2, 1)


@pytest.mark.parametrize("edition", ["", "../main", "a/b", ".hidden"])
def test_an_edition_is_a_plain_name(location: str, edition: str) -> None:
    with pytest.raises(StoreError, match=re.escape(repr(edition))):
        Store.open(location, edition)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "it is empty": lambda whole: b"",
    "damaged or incomplete JSON: EOF": lambda whole: whole[: len(whole) // 2],
    "damaged or incomplete JSON: trailing": lambda whole: whole + b"}",
    "damaged or incomplete JSON: expected": lambda whole: b"\x00" * len(whole),
    ": trial: field required": lambda whole: b'{"key": "0", "exit": "well"}',
    ": the file: ": lambda whole: b"[]",
    "recursion limit": lambda whole: b'{"curves":' + b"[" * 1_000_000,
    ": evaluations.0: ": lambda whole: whole.replace(b'"shape":[1,10,10]', b'"shape":[1,3,3]'),
    "2; this version reads format 1": lambda whole: whole.replace(b'"format":1', b'"format":2'),
    ": cost.seconds: input should be a finite": lambda whole: whole.replace(b"321.5", b"NaN"),
    ": cost.seconds: input should be less": lambda whole: whole.replace(b"321.5", b"1e300"),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_record_is_named_and_the_rest_goes_on(
    store: Store, files: Files, reason: str
) -> None:
    first, *rest = write_some(store).values()
    files.write(path_of(first), BROKEN[reason](files.read(path_of(first))))

    assert list(store.heads()) == [record.key for record in rest]
    (of_heads,) = store.faults
    assert store.records() == rest
    (of_records,) = store.faults
    assert store.records([first.key, rest[0].key]) == [rest[0]]

    for fault in (of_heads, of_records, *store.faults):
        assert fault.path.endswith(path_of(first))
        assert reason in fault.reason
    with pytest.raises(StoreError) as caught:
        store.read(first.key)
    assert str(caught.value) == str(of_records)


def test_a_record_in_the_wrong_folder_is_named(store: Store, files: Files) -> None:
    (record,) = write_some(store, 1).values()
    files.write(f"main/{KEY}/record.json", files.read(path_of(record)))
    assert list(store.heads()) == [record.key]
    (fault,) = store.faults
    assert record.key in fault.reason
    assert store.records() == [record]
    assert store.faults[0].path.endswith(f"main/{KEY}/record.json")


def test_a_record_whose_trial_was_changed_is_named(store: Store, files: Files) -> None:
    (record,) = write_some(store, 1).values()
    changed = files.read(path_of(record)).replace(b'"epochs":40', b'"epochs":41')
    files.write(path_of(record), changed)
    assert store.records() == []
    assert re.search(r"[0-9a-f]{32}", store.faults[0].reason)


def test_foreign_files_are_named_and_the_rest_goes_on(store: Store, files: Files) -> None:
    records = write_some(store)
    files.write("main/notes.txt", b"remember")
    files.write("main/old-run/record.json", b"{}")
    files.write("main/old-run/model.pt", b"not looked at")
    assert list(store.heads()) == list(records)
    first, second = store.faults
    assert first.path.endswith("main/notes.txt")
    assert second.path.endswith("main/old-run/record.json")
    assert len(store.records()) == 3
    assert store.faults == (first, second)


def test_faults_go_when_their_cause_does(store: Store, files: Files) -> None:
    (record,) = write_some(store, 1).values()
    files.write(path_of(record), b"")
    store.heads()
    assert store.faults
    store.write(record)
    store.heads()
    assert store.faults == ()


class CountedFiles:
    """Files that remember which records were read."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.location = files.location
        self.versions = files.versions
        self.write = files.write
        self.records_read: list[str] = []

    def read(self, path: str, most: int | None = None) -> bytes:
        if path.endswith("/record.json"):
            self.records_read.append(path)
        return self.files.read(path, most)


def test_with_an_index_only_what_changed_is_read(store: Store, files: Files) -> None:
    first, second, _ = write_some(store).values()
    before = store.heads()
    store.write(first.model_copy(update={"attempts": 22}))
    added = make_record(seed=7)
    store.write(added)

    counted = CountedFiles(files)
    heads = Store(counted, "main").heads()

    assert sorted(counted.records_read) == sorted([path_of(first), path_of(added)])
    assert heads[first.key].attempts == 22
    assert heads[second.key] == before[second.key]
    again = CountedFiles(files)
    assert Store(again, "main").heads() == heads
    assert again.records_read == []


def test_a_store_remembers_what_it_has_read(store: Store, files: Files) -> None:
    write_some(store)
    counted = CountedFiles(files)
    watching = Store(counted, "main")
    assert watching.heads() == watching.heads()
    assert len(counted.records_read) == 3


@pytest.mark.parametrize("index", [b"", b"\x00garbage", b"[]", b'{"format": 1}', b'{"format": 9}'])
def test_a_broken_index_is_made_again(store: Store, files: Files, index: bytes) -> None:
    write_some(store)
    heads = store.heads()
    good = files.read("main/index.json")
    files.write("main/index.json", index)
    afresh = Store(files, "main")
    assert afresh.heads() == heads
    assert afresh.faults == ()
    assert files.read("main/index.json") == good


@pytest.mark.parametrize("seconds", [b"NaN", b"Infinity", b"1e300"])
def test_an_index_with_times_that_are_none_is_made_again(
    store: Store, files: Files, seconds: bytes
) -> None:
    write_some(store)
    heads = store.heads()
    index = files.read("main/index.json")
    files.write("main/index.json", index.replace(b'"seconds":321.5', b'"seconds":' + seconds))
    assert Store(files, "main").heads() == heads
    assert files.read("main/index.json") == index


def test_an_index_of_records_that_are_gone_is_no_record(store: Store, files: Files) -> None:
    write_some(store)
    store.heads()
    other = Store(files, "other")
    files.write("other/index.json", files.read("main/index.json"))
    assert other.heads() == {}


def test_a_store_without_the_right_to_write_is_read(store: Store, files: Files) -> None:
    records = write_some(store)

    class ReadOnly(CountedFiles):
        def __init__(self, files: Files) -> None:
            super().__init__(files)
            self.write = refuse

    def refuse(path: str, content: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    reader = Store(ReadOnly(files), "main")
    assert list(reader.heads()) == list(records)
    with pytest.raises(StoreError, match=r"main/index.json: permission denied"):
        reader.check_writable()
    with pytest.raises(StoreError, match=r"record.json: permission denied"):
        reader.write(make_record(seed=9))


def test_a_writable_store_says_so_and_stays_empty(store: Store) -> None:
    store.check_writable()
    assert (store.heads(), store.faults) == ({}, ())


def test_stores_merge_by_copying(place: Callable[[], str]) -> None:
    ours, theirs = Store.open(place()), Store.open(place())
    for seed in range(3):
        ours.write(make_record(seed=seed))
        theirs.write(make_record(method="la", seed=seed))
    theirs.write(make_record(seed=0))
    union = {**ours.heads(), **theirs.heads()}
    for path in theirs._files.versions("main", "record.json"):
        ours._files.write(path, theirs._files.read(path))
    assert ours.heads() == union
    assert len(union) == 6
    assert ours.faults == ()


def test_many_writers_and_readers_need_no_lock(location: str) -> None:
    writers, each = 4, 6

    def write(writer: int) -> None:
        store = Store.open(location)
        for i in range(each):
            store.write(make_record(method=f"m{writer}", seed=i))
            store.write(make_record(method="shared", seed=i, attempts=writer + 1))
            store.heads()
            assert store.faults == ()

    threads = [threading.Thread(target=write, args=(w,)) for w in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = Store.open(location)
    assert len(store.heads()) == len(store.records()) == (writers + 1) * each
    assert store.faults == ()


def test_a_store_travels_to_a_worker(store: Store) -> None:
    records = write_some(store)
    travelled: Store = pickle.loads(pickle.dumps(store))
    assert list(travelled.heads()) == list(records)


# What only one of the two places can do.


def test_stores_merge_by_cp(tmp_path: Path) -> None:
    ours, theirs = Store.open(tmp_path / "ours"), Store.open(tmp_path / "theirs")
    ours.write(make_record(seed=0))
    theirs.write(make_record(seed=1))
    union = {**ours.heads(), **theirs.heads()}
    shutil.copytree(tmp_path / "theirs", tmp_path / "ours", dirs_exist_ok=True)
    assert Store.open(tmp_path / "ours").heads() == dict(sorted(union.items()))


def test_a_record_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    (record,) = write_some(store, 1).values()
    (tmp_path / "main" / KEY / "record.json").mkdir(parents=True)
    assert list(store.heads()) == [record.key]
    assert [fault.reason for fault in store.faults] == ["unreadable: is a directory"]


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    for location in (tmp_path / "results", tmp_path / "results" / "deeper"):
        with pytest.raises(StoreError, match="results is a file"):
            Store.open(location)


@pytest.mark.parametrize(("folder", "verb"), [("", "read"), ("deeper", "made")])
def test_a_forbidden_folder_is_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, verb: str
) -> None:
    # Not by chmod: it does not stop root, whom containers run tests as.
    monkeypatch.setattr("evenhand.store.local.os.access", lambda path, rights: False)
    with pytest.raises(StoreError, match=f"cannot be {verb}: permission denied"):
        Store.open(tmp_path / folder)


def test_a_bucket_that_is_not_there_is_named(bucket: Callable[[str], str]) -> None:
    url = bucket("results").replace("s3://records", "s3://recrods")
    with pytest.raises(StoreError, match="'recrods'"):
        Store.open(url)


def test_no_password_is_shown(bucket: Callable[[str], str]) -> None:
    url = bucket("secret").replace("s3://", "s3://nobody:hunter2@")
    store = Store.open(url)
    store.write(make_record())
    assert store.location == bucket("secret")
    with pytest.raises(StoreError) as caught:
        Store.open(f"{url}&nonsense=1")
    assert "hunter2" not in str(caught.value)
    assert "nonsense" in str(caught.value)


def test_a_young_object_is_not_trusted_to_the_index(bucket: Callable[[str], str]) -> None:
    store = Store.open(bucket("young"))
    for attempts in (1, 2, 3):
        store.write(make_record(attempts=attempts))
        assert [head.attempts for head in store.heads().values()] == [attempts]


def test_the_store_starts_light() -> None:
    code = "import sys, evenhand.store; print(*{'torch', 'pandas', 'pyarrow'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""


def test_the_store_tells_when_each_record_was_written(store: Store) -> None:
    first, second = make_record(seed=0), make_record(seed=1)
    store.write(first)
    time.sleep(1.1)
    store.write(second)
    store.heads()
    times = store.times()
    assert times.keys() == {first.key, second.key}
    # Object storage gives whole seconds.
    assert 0 < times[second.key] - times[first.key] < 60


def test_a_reader_that_looks_often_writes_the_index_once(store: Store, location: str) -> None:
    store.write(make_record(seed=0))
    reader = Store.open(location)
    reader.heads()
    before = store._files.read("main/index.json")
    reader.leave_index()
    store.write(make_record(seed=1))
    assert len(reader.heads()) == 2
    assert store._files.read("main/index.json") == before
