"""What a store in a folder does with links, pipes, huge files, and several users."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evenhand.declared.record import Record
from evenhand.errors import StoreError, Unwritable
from evenhand.execution.watchdog import StallLimits, Watchdog
from evenhand.store import Store
from evenhand.store.files import open_files
from evenhand.store.leases import Lease, LeaseWatch
from evenhand.store.neighbours import editions_near
from tests.records import make_record

HUGE = 3_000_000_000
LAB, ANN, BEN = 61_000, 61_001, 61_002
"""A group and two users, whom no name needs to have."""
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="acting as two users needs root; their shared folder is not tested"
)


@pytest.fixture(autouse=True)
def _in_seconds() -> Iterator[None]:
    """A read that waits for the writer of a pipe would wait without end."""

    def late(*_: object) -> None:
        raise TimeoutError("a file was waited for")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE)


ODD: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "directory": Path.mkdir,
    "3,000,000,000 bytes": huge,
    "symbolic link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_file_is_one_unreadable_record(tmp_path: Path, reason: str) -> None:
    store = Store.open(tmp_path)
    good, bad = make_record(seed=0), make_record(seed=1)
    store.write(good)
    (tmp_path / "main" / bad.key).mkdir()
    ODD[reason](tmp_path / "main" / bad.key / "record.json")

    assert list(store.heads()) == [good.key]
    assert store.records() == [good]
    [fault] = store.faults
    assert (fault.key, fault.kind) == (bad.key, "unreadable")
    assert reason in fault.reason
    with pytest.raises(Unwritable, match="is not overwritten"):
        store.write(bad)


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_index_is_not_read(tmp_path: Path, reason: str) -> None:
    store = Store.open(tmp_path)
    record = make_record()
    store.write(record)
    ODD[reason](tmp_path / "main" / "index.json")
    near = next(each for each in editions_near(str(tmp_path), "other") if each.edition == "main")
    assert list(near.heads([record.key]).heads) == [record.key]
    assert list(store.heads()) == [record.key]
    assert list(Store.open(tmp_path).heads()) == [record.key]


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_state_is_not_read(tmp_path: Path, reason: str) -> None:
    store, key = Store.open(tmp_path), make_record().key
    (tmp_path / "main" / key).mkdir(parents=True)
    ODD[reason](tmp_path / "main" / key / "state.pt")
    with pytest.raises(StoreError, match=rf"{key}/state.pt: "):
        store.load_state(key)


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_marker_is_named(tmp_path: Path, reason: str) -> None:
    store = Store.open(tmp_path)
    ODD[reason](tmp_path / ".store")
    with pytest.raises(StoreError, match=rf"/\.store: .*{reason}.*\n  .* remove this file"):
        store.check_writable()


@pytest.mark.parametrize("reason", ODD)
def test_an_odd_lease_is_taken_over_once_it_is_stale(tmp_path: Path, reason: str) -> None:
    store, key = Store.open(tmp_path), make_record().key
    (tmp_path / "main" / ".leases").mkdir(parents=True)
    ODD[reason](tmp_path / "main" / ".leases" / f"{key}.1.json")

    assert store.leases.take(Lease(key=key, run="mine")) is None
    [odd] = LeaseWatch(seconds=0).stale(store.leases.all().values())
    assert (odd.key, odd.generation, odd.run) == (key, 1, "")
    mine = store.leases.take(Lease(key=key, run="mine"), over=odd)
    assert store.leases.of(key) == mine


@pytest.mark.parametrize("kind", ["a pipe", "outside", ".leases", "../night-1"])
def test_leases_that_are_no_folder_are_named(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "results" / "main" / ".leases"
    place.parent.mkdir(parents=True)
    (tmp_path / "results" / "night-1").mkdir()
    os.mkfifo(place) if kind == "a pipe" else place.symlink_to(
        outside if kind == "outside" else kind
    )
    leases = Store.open(tmp_path / "results").leases

    for use in (leases.all, lambda: leases.take(Lease(key=make_record().key, run="mine"))):
        with pytest.raises(StoreError, match=r"results/main/\.leases: "):
            use()
    assert kind == "a pipe" or leases.hang_file("mine.hang") is None
    assert list(outside.iterdir()) == []


def test_a_location_may_be_a_link_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "results").symlink_to("real")
    store, record = Store.open(tmp_path / "results"), make_record()
    store.check_writable()
    store.write(record)
    assert Store.open(tmp_path / "real").records() == [record]


def test_nothing_is_written_through_a_key_that_is_a_link(tmp_path: Path) -> None:
    outside, record = tmp_path / "outside", make_record()
    outside.mkdir()
    store = Store.open(tmp_path / "results")
    (tmp_path / "results" / "main").mkdir(parents=True)
    (tmp_path / "results" / "main" / record.key).symlink_to(outside)

    for write in (
        lambda: store.write(record, {"logits.npz": b"kept"}),
        lambda: store.save_state(record.key, b"state"),
        lambda: store.delete_state(record.key),
    ):
        with pytest.raises(StoreError, match=f"{record.key}.*symbolic link to {outside}"):
            write()
    assert list(outside.iterdir()) == []
    assert store.heads() == {}
    [fault] = store.faults
    assert (fault.key, fault.kind) == (record.key, "unreadable")
    assert list(store.unwritable([record.key, make_record(seed=1).key])) == [record.key]


@pytest.mark.parametrize("target", ["gone", "there", "results/main"])
def test_an_edition_that_links_out_of_the_store_or_to_itself_is_refused(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "main").symlink_to(tmp_path / target)
    store = Store.open(tmp_path / "results")
    with pytest.raises(StoreError, match=r"results/main: .* symbolic link"):
        store.check_writable()
    assert list((tmp_path / "there").iterdir()) == []


def test_an_edition_may_have_another_name_in_its_store(tmp_path: Path) -> None:
    record = make_record()
    Store.open(tmp_path, "night-1").write(record)
    (tmp_path / "latest").symlink_to("night-1")
    assert Store.open(tmp_path, "latest").records() == [record]


def test_a_location_that_is_a_dangling_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(tmp_path / "unmounted")
    for location in (tmp_path / "results", tmp_path / "results" / "deeper"):
        with pytest.raises(StoreError, match=r"symbolic link to .*unmounted, which does not exist"):
            Store.open(location)


def test_a_file_is_created_although_another_process_removes_its_left_overs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, link, removed = open_files(str(tmp_path)), os.link, []

    def remove_first(source: Path, target: Path) -> None:
        if not removed:
            removed.append(source)
            files.remove("main/lease")
        link(source, target)

    monkeypatch.setattr(os, "link", remove_first)
    assert files.create("main/lease", b"mine")
    assert not removed[0].exists()
    assert files.read("main/lease") == b"mine"


def test_a_read_only_file_system_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evenhand.store.local.os.access", lambda path, rights: not rights & os.W_OK)
    flags = type("Flags", (), {"f_flag": os.ST_RDONLY})()
    monkeypatch.setattr("evenhand.store.local.os.statvfs", lambda path: flags)
    with pytest.raises(StoreError, match="is on a read-only file system") as caught:
        Store.open("/nowhere/results")
    assert "permission" not in str(caught.value)


@contextmanager
def acting_as(user: int) -> Iterator[None]:
    """Act as a user of the lab, with the usual umask of 022."""
    groups, umask = os.getgroups(), os.umask(0o022)
    # The first group of a user is often one of his own.
    os.setgroups([LAB])
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
        os.umask(umask)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that the lab can write to, reachable by all."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        results = Path(folder) / "results"
        results.mkdir()
        os.chown(results, 0, LAB)
        results.chmod(0o2775)
        yield results


def written(folder: Path, user: int, record: Record) -> Record:
    with acting_as(user):
        return Store.open(folder).write(record, {"log.txt": b"log"})


@needs_root
@pytest.mark.parametrize("mode", [0o2775, 0o775], ids=oct)
def test_two_users_of_a_group_share_a_folder(shared: Path, mode: int) -> None:
    shared.chmod(mode)
    failed = make_record(status="failed")
    written(shared, ANN, failed)
    again = make_record(attempts=2)

    with acting_as(BEN):
        store = Store.open(shared)
        store.check_writable()
        assert store.unwritable([failed.key]) == {}
    assert written(shared, BEN, again).attempts == 2

    for place in (shared / "main", shared / "main" / failed.key):
        assert stat.S_IMODE(place.stat().st_mode) & 0o2070 == mode & 0o2070
    for file in (shared / "main").rglob("*.*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o664
        assert file.stat().st_gid == LAB


@needs_root
def test_users_share_leases_also_where_a_run_first_makes_a_file_for_a_hang(shared: Path) -> None:
    mine, hers = make_record(seed=0), make_record(seed=1)
    with acting_as(ANN):
        leases = Store.open(shared).leases
        hang = leases.hang_file("mine.hang")
        with Watchdog(StallLimits(), 60, lambda *_: None, hang=hang).watching():
            assert leases.take(Lease(key=mine.key, run="mine"))
    with acting_as(BEN):
        leases = Store.open(shared).leases
        assert leases.take(Lease(key=hers.key, run="hers"))
        leases.remove_hangs("mine")
        assert leases.hang_file("hers.hang")


@needs_root
def test_a_folder_of_one_user_stays_his(shared: Path) -> None:
    shared.chmod(0o755)
    os.chown(shared, ANN, LAB)
    record = make_record()
    written(shared, ANN, record)
    folder = shared / "main" / record.key
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "record.json").stat().st_mode) == 0o644
    with acting_as(BEN):
        assert list(Store.open(shared).heads()) == [record.key]
        [cause] = Store.open(shared).unwritable([record.key]).values()
    assert f"permission denied: {record.key} belongs to user {ANN} (drwxr-xr-x)" in cause


@needs_root
@pytest.mark.parametrize("closed", ["record.json", "."])
def test_a_record_that_a_user_may_not_read_is_his_and_stays(shared: Path, closed: str) -> None:
    hers, open_one = make_record(seed=0), make_record(seed=1)
    for record in (hers, open_one):
        written(shared, ANN, record)
    with acting_as(ANN):
        assert len(Store.open(shared).heads()) == 2
        (shared / "main" / hers.key / closed).chmod(0)
    index = (shared / "main" / "index.json").read_bytes()

    with acting_as(BEN):
        store = Store.open(shared)
        assert [record.key for record in store.records()] == [open_one.key]
        [fault] = store.faults
        assert (fault.key, fault.kind) == (hers.key, "unreadable")
        assert f"belongs to user {ANN} (" in fault.reason
        with pytest.raises(Unwritable, match="is not overwritten"):
            store.write(make_record(seed=0, attempts=2))
        store.write(make_record(seed=2))
        # A record whose file did not change is known from the index.
        assert store.heads().keys() - {hers.key} == {open_one.key, make_record(seed=2).key}
    after = (shared / "main" / "index.json").read_bytes()
    assert hers.key.encode() in index
    assert hers.key.encode() in after


def test_a_write_under_a_world_writable_folder_is_not_shared(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    before = os.umask(0o022)
    try:
        open_files(tmp_path / "results").write("main/a/record.json", b"mine")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "results").stat().st_mode) == 0o755
