"""Requests to object storage, with a bundle of whole records beside the index."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from evenhand.cli.look import Watcher
from evenhand.store import Store
from evenhand.store.bundle import Bundle
from evenhand.store.files import open_files
from evenhand.store.leases import Lease
from evenhand.suite.resolve import open_suite
from tests.cli.test_commands import evenhand
from tests.records import make_record

N = 40
"""More records than are read one by one."""


@pytest.fixture
def location(bucket, request, monkeypatch):
    # Every object of a test is too young to be indexed, unless youth is abolished.
    monkeypatch.setattr("evenhand.store.objects.SETTLED_SECONDS", float("-inf"))
    return bucket(f"requests-{request.node.name.partition('[')[0]}")


def write_some(location, seeds):
    store, records = Store.open(location), [make_record(seed=seed) for seed in seeds]
    for record in records:
        store.write(record)
    return records


def read_keys(requests):
    return [line for line in requests if line.startswith("GET") and "/record.json" in line]


def test_an_unchanged_store_costs_few_requests(location, requests):
    records = write_some(location, range(N))
    keys = [record.key for record in records]
    Store.open(location).heads()

    requests.clear()
    heads = Store.open(location).heads()
    assert len(requests) <= 5
    requests.clear()
    found = Store.open(location).records([*keys, "0a" * 16])
    assert len(requests) <= 5

    assert heads.keys() == set(keys)
    assert found == records


def test_status_plan_and_report_of_an_unchanged_store_take_ten_requests_at_most(
    location, requests, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large.yaml").write_text(
        "suite: large\nquestion: How many requests?\nrecipe: digits\n"
        "problems: [{digits: {profile: exp, ratio: 10}}]\nmethods: [erm, la]\n"
        f"seeds: {N}\nmetrics: [balanced_accuracy]\nprimary: balanced_accuracy\nbaseline: erm\n"
    )
    store = Store.open(location)
    for trial in open_suite("large.yaml").trials.values():
        store.write(make_record(trial=trial))

    counts = {}
    for command in ("status", "plan", "report"):
        for _ in range(2):
            requests.clear()
            evenhand(command, "large.yaml", "--results", location)
            counts[command] = len(requests)
    assert max(counts.values()) <= 10, counts


def test_a_look_of_a_watch_takes_a_listing_and_a_request_for_what_is_new_or_runs(
    location, requests, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large.yaml").write_text(
        "suite: large\nquestion: How many requests?\nrecipe: digits\n"
        "problems: [{digits: {profile: exp, ratio: 10}}]\nmethods: [erm, la]\n"
        f"seeds: {N}\nmetrics: [balanced_accuracy]\nprimary: balanced_accuracy\nbaseline: erm\n"
    )
    suite, store = open_suite("large.yaml"), Store.open(location)
    *most, new, running = suite.trials.values()
    for trial in most:
        store.write(make_record(trial=trial, status="failed" if trial is most[0] else "done"))
    store.leases.take(Lease(key=running.key, run="one"))
    watcher = Watcher(suite, Store.open(location))
    watcher.look()

    requests.clear()
    watcher.look()
    # The list of the edition, the list of the leases, and the lease with its size.
    assert len(requests) <= 4, requests
    store.write(make_record(trial=new))
    requests.clear()
    assert len(watcher.look().plan.done) == len(most)
    assert len(requests) <= 6, requests
    assert not [line for line in requests if line.startswith(("PUT", "POST", "DELETE"))]


def test_after_some_new_records_only_these_are_read(location, requests):
    old = write_some(location, range(N))
    assert len(Store.open(location).heads()) == N
    new = write_some(location, range(N, N + 3))

    requests.clear()
    found = Store.open(location).records(record.key for record in [*old, *new])
    assert found == [*old, *new]
    assert len(read_keys(requests)) == 3
    requests.clear()
    assert Store.open(location).records() == sorted(found, key=lambda record: record.key)
    assert read_keys(requests) == []


def test_a_record_that_was_replaced_is_read_anew(location):
    first, *others = write_some(location, range(3))
    store = Store.open(location)
    assert len(store.records()) == 3
    later = first.model_copy(update={"attempts": 22})
    store.write(later)

    keys = [record.key for record in (first, *others)]
    assert Store.open(location).records(keys) == [later, *others]


def test_a_lost_index_is_made_from_the_bundle(location, requests):
    write_some(location, range(N))
    heads = Store.open(location).heads()
    open_files(location).remove("main/index.json")

    requests.clear()
    assert Store.open(location).heads() == heads
    assert read_keys(requests) == []


def _zip(names, method=zipfile.ZIP_DEFLATED, content=b"{}"):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name in names:
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 and no more", _zip(["../../evil", "a/b"]), None]
)
def test_a_broken_bundle_is_made_again(location, requests, content):
    records, files = write_some(location, range(3)), open_files(location)
    store = Store.open(location)
    found = store.records()
    good = files.read("main/.records.zip")
    middle = len(good) // 2
    damaged = good[:middle] + bytes(64) + good[middle + 64 :]
    files.write("main/.records.zip", damaged if content is None else content)

    assert store.records() == found
    assert store.faults == ()
    requests.clear()
    assert store.records() == found
    assert read_keys(requests) == []
    assert len(records) == 3


def test_readers_that_overwrite_each_others_bundle_read_the_same(location):
    records = write_some(location, range(6))
    first, second = [r.key for r in records[:4]], [r.key for r in records[2:]]
    for _ in range(2):
        assert Store.open(location).records(first) == records[:4]
        assert Store.open(location).records(second) == records[2:]


WANTED = {"0a" * 16: "2-1", "0b" * 16: "2-2"}


def _bundle_of(content, version="2-1"):
    bundle = Bundle()
    for key in WANTED:
        bundle.add(key, version, content)
    return bundle.dump(dict.fromkeys(WANTED, version))


@pytest.mark.parametrize(
    "content",
    [
        _zip([f"{'0a' * 16}/2-1"], zipfile.ZIP_LZMA),
        _zip([f"{'0a' * 16}/2-1"], zipfile.ZIP_STORED),
        _zip([f"{'0a' * 16}/2-1", "../../evil"]),
    ],
)
def test_an_archive_that_was_not_made_here_holds_nothing(content):
    bundle = Bundle(content, WANTED)
    assert not bundle.has("0a" * 16, "2-1")
    bundle.add("0a" * 16, "2-1", b"new")
    assert Bundle(bundle.dump(WANTED), WANTED).get("0a" * 16, "2-1") == b"new"


def test_an_archive_with_two_contents_of_one_name_holds_nothing():
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = _zip([f"{'0a' * 16}/2-1"] * 2)
    assert not Bundle(content, WANTED).has("0a" * 16, "2-1")


def test_what_is_not_wanted_is_not_unpacked(monkeypatch):
    """A bomb costs a reader nothing: it unpacks the contents of its own records alone."""
    content, unpacked, read = _bundle_of(b"{}"), [], zipfile.ZipFile.read
    monkeypatch.setattr(
        zipfile.ZipFile, "read", lambda self, name: unpacked.append(name) or read(self, name)
    )
    assert Bundle(content, WANTED).get("0a" * 16, "2-1") == b"{}"
    assert {*unpacked} == {f"{'0a' * 16}/2-1"}


def test_a_bundle_with_any_damaged_bytes_gives_whole_contents_or_none(capsys):
    whole, chance = _bundle_of(b'{"a": 1}' * 50), random.Random(0)
    for i in range(600):
        damaged = bytearray(whole)
        for _ in range(1 + i % 4):
            damaged[chance.randrange(len(whole))] = chance.randrange(256)
        bundle = Bundle(bytes(damaged), {"0a" * 16: "2-1"})
        assert bundle.get("0a" * 16, "2-1") in (None, b'{"a": 1}' * 50)
        bundle.add("0c" * 16, "3-3", b"new")
        assert Bundle(bundle.dump({**WANTED, "0c" * 16: "3-3"}), {}).has("0c" * 16, "3-3")
        del bundle
    assert capsys.readouterr().err == ""


def test_a_bundle_forgets_what_is_old():
    bundle, one, other = Bundle(), *WANTED
    for version in range(10):
        bundle.add(one, str(version), bytes(1000))
    bundle.add(other, "0", b"other")
    content = bundle.dump({one: "9", other: "0"})

    again = Bundle(content, {one: "9", other: "0"})
    assert [again.has(one, str(n)) for n in (0, 8, 9)] == [False, False, True]
    assert again.get(other, "0") == b"other"
    assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) == 2


def test_a_record_of_unknown_version_is_not_bundled():
    bundle = Bundle()
    bundle.add("0a" * 16, "", b"{}")
    assert not Bundle(bundle.dump({"0a" * 16: ""})).has("0a" * 16, "")
