from __future__ import annotations

import random
import threading
import time

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from evenhand.errors import StoreError
from evenhand.pulse import listening
from evenhand.remote.retries import LONGEST_PAUSE, may_pass, retried
from evenhand.store import Store
from evenhand.store.files import PatientFiles, open_files
from evenhand.store.leases import Lease, Leases, LeaseWatch
from tests.records import make_record
from tests.store.outages import FORBIDDEN, NO_ANSWER, Clock, FlakyFiles

KEY = "0a" * 16


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def flaky(tmp_path):
    return FlakyFiles(open_files(tmp_path / "bucket"))


def aws(error):
    return OSError(f"When reading information for key 'a' in bucket 'b': AWS Error {error}")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (aws("NETWORK_CONNECTION during HeadObject operation: curlCode: 7, Could not"), True),
        (aws("UNKNOWN (HTTP status 503) during HeadObject operation: No response body."), True),
        (aws("UNKNOWN (HTTP status 429) during PutObject operation: Unable to parse"), True),
        (aws("SLOW_DOWN during ListObjectsV2 operation: m"), True),
        (aws("INTERNAL_FAILURE during PutObject operation: m"), True),
        (ConnectionResetError(104, "Connection reset by peer"), True),
        (TimeoutError(110, "Connection timed out"), True),
        (OSError("google::cloud::Status(UNAVAILABLE: try again)"), True),
        (aws("ACCESS_DENIED during HeadObject operation: No response body."), False),
        (aws("INVALID_ACCESS_KEY_ID during PutObject operation: m"), False),
        (aws("NO_SUCH_BUCKET during PutObject operation: The specified bucket"), False),
        (aws("UNKNOWN (HTTP status 400) during PutObject operation: ExpiredToken"), False),
        (OSError("google::cloud::Status(PERMISSION_DENIED: no)"), False),
        (FileNotFoundError(2, "Path does not exist"), False),
        (PermissionError(13, "Permission denied"), False),
        (OSError(28, "No space left on device"), False),
        (StoreError("another store is there"), False),
    ],
)
def test_only_errors_that_may_pass_are_waited_for(error, passes):
    assert may_pass(error) is passes


def test_an_operation_is_repeated_with_growing_pauses_until_the_store_answers(flaky, clock):
    files = PatientFiles(flaky, seconds=600)
    flaky.error = NO_ANSWER
    clock.at[37.0] = lambda: setattr(flaky, "error", "")

    files.write("main/a", b"content")

    assert files.read("main/a") == b"content"
    assert 37 <= sum(clock.pauses) <= 37 + LONGEST_PAUSE
    assert clock.pauses[0] <= 0.5
    assert clock.pauses[-1] > 2
    assert len(clock.pauses) < 15


def test_pauses_differ_between_processes_but_take_nothing_from_the_generator_of_a_trial(clock):
    def fail():
        raise ConnectionResetError

    before, seen = random.getstate(), set()
    for _ in range(5):
        clock.pauses.clear()
        with pytest.raises(ConnectionResetError):
            retried(fail, lambda: 20)
        seen.add(clock.pauses[1])

    assert len(seen) > 1
    assert random.getstate() == before


def test_an_outage_beyond_the_limit_is_told_when_the_limit_is_over(flaky, clock):
    flaky.error = NO_ANSWER

    with pytest.raises(OSError, match="NETWORK_CONNECTION"):
        PatientFiles(flaky, seconds=30).read("main/a")

    assert sum(clock.pauses) == pytest.approx(30)


@pytest.mark.parametrize("operation", ["read", "write", "versions", "create", "remove"])
def test_an_error_that_no_repetition_cures_is_told_at_once(flaky, clock, operation):
    flaky.error = FORBIDDEN
    rest = {"write": (b"",), "create": (b"",), "versions": ("record.json",)}.get(operation, ())

    with pytest.raises(OSError, match="ACCESS_DENIED"):
        getattr(PatientFiles(flaky), operation)("main/a", *rest)

    assert (flaky.calls, clock.pauses) == ([(operation, "main/a")], [])


def test_a_wait_is_told_to_the_watchdog_while_it_lasts(flaky, clock):
    flaky.error = NO_ANSWER
    clock.at[37.0] = lambda: setattr(flaky, "error", "")
    told = []

    with listening(told.append):
        PatientFiles(flaky, seconds=600).write("main/a", b"content")

    assert sum(told) == pytest.approx(sum(clock.pauses))
    assert max(told) <= LONGEST_PAUSE


def test_a_run_that_is_stopped_ends_the_waits_of_its_threads(flaky):
    store = Store(PatientFiles(flaky), "main")
    store.check_writable()
    flaky.error = NO_ANSWER
    ended = []

    def read():
        try:
            store.heads()
        except StoreError:
            ended.append(time.monotonic())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    time.sleep(2)
    assert not ended
    store.hurry()
    thread.join(timeout=60)
    assert ended


def test_a_file_whose_creation_was_not_confirmed_is_found_to_be_ours(flaky, clock, monkeypatch):
    create = flaky.create

    def lose_the_answer(path, content):
        monkeypatch.setattr(flaky, "create", create)
        create(path, content)
        raise ConnectionResetError

    monkeypatch.setattr(flaky, "create", lose_the_answer)
    files = PatientFiles(flaky)

    assert files.create("main/a", b"mine")
    assert not files.create("main/a", b"mine")
    assert not files.create("main/a", b"other")


def test_a_run_waits_longer_than_a_reader_and_a_run_that_is_stopped_does_not_wait(flaky, clock):
    store = Store(PatientFiles(flaky), "main")

    def waited():
        clock.pauses.clear()
        flaky.error = NO_ANSWER
        with pytest.raises(StoreError):
            store.heads()
        flaky.error = ""
        return sum(clock.pauses)

    assert waited() == pytest.approx(30)
    store.check_writable()
    assert waited() == pytest.approx(600)
    store.hurry()
    assert waited() == 0


def test_a_trial_in_training_does_not_stand_still_while_the_store_is_away(flaky, clock):
    store = Store(PatientFiles(flaky), "main")
    store.check_writable()
    lease = store.leases.take(Lease(key=KEY, run="mine"))
    flaky.error = NO_ANSWER

    with pytest.raises(StoreError, match="NETWORK_CONNECTION"):
        store.save_state(KEY, b"state")
    assert store.leases.beat(lease) == lease
    assert store.leases.is_held(lease)
    store.leases.release(lease)
    assert clock.pauses == []


def test_a_lease_is_not_stale_because_the_store_was_away(tmp_path, clock):
    leases, watch = Leases(open_files(tmp_path), "main"), LeaseWatch()
    mine = leases.take(Lease(key=KEY, run="mine"))

    assert watch.stale([mine]) == []
    clock.now += 300
    assert watch.stale([mine]) == []
    for _ in range(6):
        clock.now += 10
        found = watch.stale([mine])
    assert found == [mine]


def test_a_store_in_a_bucket_outlives_the_restart_of_its_server(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    query = f"scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    create = f"s3://restarts?{query}&allow_bucket_creation=true"
    fs.FileSystem.from_uri(create)[0].create_dir("restarts")
    store = Store.open(f"s3://restarts/results?{query}")
    store.check_writable()
    first, second = make_record(seed=0), make_record(seed=1)
    store.write(first)

    server.stop()
    again = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    # pyarrow repeats a request for six seconds by itself.
    timer = threading.Timer(8, again.start)
    timer.start()
    began, told = time.monotonic(), []
    store.write(second, {"logits.npz": b"kept"}, told.append)
    took = time.monotonic() - began
    heads, kept = store.heads(), store.attachment(second.key, "logits.npz")
    timer.join()
    again.stop()

    assert heads.keys() == {first.key, second.key}
    assert kept == b"kept"
    assert 6 < took < 60
    assert "the record waits on this machine" in told[0]
