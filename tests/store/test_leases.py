from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time

import pytest

from evenhand.errors import StoreError
from evenhand.store import Store
from evenhand.store.activity import Activity
from evenhand.store.files import open_files
from evenhand.store.leases import Lease, LeaseLostError, Leases, LeaseWatch
from evenhand.store.process import Process
from tests.records import make_record

KEY = "0a" * 16


@pytest.fixture
def leases(tmp_path):
    return Leases(open_files(tmp_path), "main")


def _take_at_once(folder, barrier, queue, n):
    leases = Leases(open_files(folder), "main")
    over = leases.of(KEY)
    barrier.wait()
    queue.put(leases.take(Lease(key=KEY, run=f"run {n}"), over=over) is not None)


@pytest.mark.parametrize("is_stale", [False, True])
def test_of_many_processes_that_take_a_lease_at_once_one_gets_it(tmp_path, leases, is_stale):
    if is_stale:
        assert leases.take(Lease(key=KEY, run="gone"))
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(8), context.Queue()
    workers = [
        context.Process(target=_take_at_once, args=(tmp_path, barrier, queue, n)) for n in range(8)
    ]
    for worker in workers:
        worker.start()
    taken = [queue.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join()

    assert taken.count(True) == 1
    assert leases.of(KEY).run.startswith("run ")


def test_a_process_whose_lease_was_taken_over_finds_it_at_its_next_beat(leases):
    mine = leases.take(Lease(key=KEY, run="mine"))
    mine = leases.beat(mine)
    other = leases.take(Lease(key=KEY, run="other"), over=mine)

    assert (other.generation, leases.of(KEY)) == (2, other)
    assert not leases.is_held(mine)
    with pytest.raises(LeaseLostError, match="nothing is lost"):
        leases.beat(mine)
    assert leases.of(KEY) == other


def test_of_two_processes_that_wrote_one_lease_the_last_one_holds_it(leases, tmp_path):
    # Object storage takes both: the first one has read its own back before the second is there.
    mine = leases.take(Lease(key=KEY, run="mine"))
    other = mine.model_copy(update={"run": "other", "process": Process.this()})
    (tmp_path / "main/.leases" / other.name).write_text(other.model_dump_json())

    assert not leases.is_held(mine)
    with pytest.raises(LeaseLostError, match="nothing is lost"):
        leases.beat(mine)
    assert leases.beat(other).beats == 1
    assert leases.is_held(other)


def test_a_lease_is_stale_when_its_beats_stand_still_on_the_clock_of_the_observer(leases):
    mine = leases.take(Lease(key=KEY, run="mine"))
    watch = LeaseWatch(seconds=0.05)

    assert not watch.stale(leases.all().values())
    time.sleep(0.06)
    mine = leases.beat(mine)
    assert not watch.stale(leases.all().values())
    time.sleep(0.06)
    assert watch.stale(leases.all().values()) == [mine]


def test_the_lease_of_a_process_that_has_ended_on_this_machine_is_stale_at_once():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    code = "from evenhand.store.process import Process; print(Process.this().model_dump_json())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    living = Process.this()
    ended = Process.model_validate_json(done.stdout)
    child.communicate(b"\n")

    assert not living.is_known_dead
    assert ended.is_known_dead
    # The number of another process of this machine, and a process of another machine.
    assert living.model_copy(update={"started": "1"}).is_known_dead
    assert not ended.model_copy(update={"machine": "another"}).is_known_dead


def test_a_lease_that_cannot_be_read_is_held_until_it_is_stale(leases, tmp_path):
    (tmp_path / "main/.leases").mkdir(parents=True)
    (tmp_path / f"main/.leases/{KEY}.3.json").write_text("{")
    watch = LeaseWatch(seconds=0)

    assert leases.take(Lease(key=KEY, run="mine")) is None
    [stale] = watch.stale(leases.all().values())
    assert leases.take(Lease(key=KEY, run="mine"), over=stale).generation == 4
    assert [path.name for path in (tmp_path / "main/.leases").iterdir()] == [f"{KEY}.4.json"]


@pytest.mark.parametrize("change", [{"key": "../../../victim"}, {"generation": 7}])
def test_a_lease_that_is_not_that_of_its_name_is_of_an_unknown_process(leases, tmp_path, change):
    mine = leases.take(Lease(key=KEY, run="mine"))
    victim = tmp_path.parent / "victim.1.json"
    victim.write_text("precious")
    lying = mine.model_copy(update={"starts": 99, **change})
    (tmp_path / "main/.leases" / mine.name).write_text(lying.model_dump_json())

    [found] = leases.all().values()
    assert found == leases.of(KEY) == Lease(key=KEY, run="")
    assert leases.take(Lease(key=KEY, run="other"), over=found).generation == 2
    assert victim.read_text() == "precious"
    victim.unlink()


WRITES = (
    lambda store: store.save_state(KEY, b"state"),
    lambda store: store.write(make_record()),
    lambda store: store.leases.take(Lease(key=KEY, run="mine")),
    lambda store: store.probe("node"),
    lambda store: store.check_writable(),
)


def test_nothing_is_written_under_the_mount_point_of_a_store_that_is_gone(tmp_path):
    root = tmp_path / "results"
    store = Store.open(root)
    store.check_writable()
    store.save_state(KEY, b"state")
    root.rename(tmp_path / "unmounted")

    for write in WRITES:
        with pytest.raises(StoreError, match=r"not there any more\n.*mount the folder again"):
            write(store)
    assert store.leases.hang_file("mine.hang") is None
    assert not root.exists()

    Store.open(root).check_writable()
    before = sorted(root.rglob("*"))
    for write in WRITES:
        with pytest.raises(StoreError, match="another store is there"):
            write(store)
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize(
    "activity",
    [
        {"epoch": -1},
        {"seconds": float("inf")},
        {"gpu_use": 7.0, "device": "\x1b[31m"},
        {"cpu_cores": "many"},
        "busy",
        [1],
    ],
)
def test_what_a_lease_tells_wrongly_is_left_out_and_it_stays_a_lease(leases, tmp_path, activity):
    mine = leases.take(Lease(key=KEY, run="mine"))
    content = mine.model_dump(mode="json") | {"activity": activity}
    (tmp_path / "main/.leases" / mine.name).write_text(json.dumps(content))
    assert leases.of(KEY) == mine


def test_leases_of_earlier_and_of_later_versions_are_read(leases, tmp_path):
    mine = leases.take(Lease(key=KEY, run="mine", activity=Activity(epoch=3)))
    content = mine.model_dump(mode="json")
    content["activity"]["watts"] = 700
    file = tmp_path / "main/.leases" / mine.name
    file.write_text(json.dumps(content))
    assert leases.of(KEY) == mine
    del content["activity"]
    file.write_text(json.dumps(content))
    assert leases.of(KEY) == mine.model_copy(update={"activity": None})
