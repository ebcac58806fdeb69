"""Prepared data sets in object storage: fetched once on a machine, checked, and kept in bounds."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from pyarrow import fs

from evenhand.data.files import cache as cache_module
from evenhand.data.files import fetching
from evenhand.data.files.data_root import named_root, use_data_root, use_data_roots
from evenhand.data.files.fetching import fetched, open_root, read_contents, weights_root
from evenhand.data.files.prepared import find, load
from evenhand.data.files.preparing import prepare_once
from evenhand.errors import BackboneError, DataError
from evenhand.pulse import listening
from tests.data.files.conftest import put
from tests.data.originals import TINY, source, write_folder

MADE = source(TINY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A prepared data set."""
    place = tmp_path_factory.mktemp("there")
    images = write_folder(TINY, MADE, place / "images")
    return prepare_once(TINY, place / "root", place=images).folder


@pytest.fixture
def url(new_root, folder):
    """A data root with the data set."""
    put(folder, new_root)
    return new_root


def change(url, path, content):
    system, root = fs.FileSystem.from_uri(url)
    with system.open_output_stream(f"{root}/{path}") as stream:
        stream.write(content)


def other(folder, tmp_path, *, named="tiny"):
    """The same data set with other images."""
    place = tmp_path / "other" / named
    shutil.copytree(folder, place)
    pixels = np.load(place / "train.pixels.npy")
    np.save(place / "train.pixels.npy", 255 - pixels)
    content = (place / "train.pixels.npy").read_bytes()
    stated = json.loads((place / "contents.json").read_text())
    stated["name"] = named
    stated["files"]["train.pixels.npy"] = {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (place / "contents.json").write_text(json.dumps(stated))
    return place


def test_it_is_fetched_once_and_then_one_file_is_asked_for(url, cache, requests):
    with use_data_root(url):
        np.testing.assert_array_equal(load(TINY).train.pixels, MADE.train.pixels)
        requests.clear()
        again = load(TINY)

    # pyarrow asks for the size of a file first.
    assert [line.split()[0] for line in requests if "tiny/" in line] == ["HEAD", "GET"]
    assert all("contents.json" in line for line in requests if "tiny/" in line)
    assert again.files is not None
    assert again.files.folder == cache / f"tiny-{again.files.fingerprint}"
    requests.clear()
    fetched("tiny", url, again.files.fingerprint).release()
    assert not requests


def test_a_long_fetch_is_no_standstill(url, cache, monkeypatch):
    monkeypatch.setattr(fetching, "CHUNK", 100)
    seen = []
    with listening(seen.append):
        find("tiny", url)
    assert len(seen) > 10


def test_a_changed_data_set_is_fetched_again(url, cache, folder, tmp_path):
    first = find("tiny", url)
    put(other(folder, tmp_path), url)

    second = find("tiny", url)

    assert second.contents.fingerprint != first.contents.fingerprint
    np.testing.assert_array_equal(second.source.train.pixels, 255 - MADE.train.pixels)
    assert len(list(cache.glob("tiny-*"))) == 2
    with pytest.raises(DataError, match="has the fingerprint"):
        fetched("tiny", url, "0" * 32)


def test_a_wrong_byte_in_the_bucket_is_found_and_nothing_is_kept(url, cache, folder):
    content = bytearray((folder / "test.pixels.npy").read_bytes())
    content[-1] ^= 1
    change(url, "tiny/test.pixels.npy", bytes(content))
    with pytest.raises(DataError, match=r"test.pixels.npy is not what contents.json states"):
        find("tiny", url)
    change(url, "tiny/test.pixels.npy", bytes(content) * 2)
    with pytest.raises(DataError, match=r"is not what contents.json states: it has"):
        find("tiny", url)
    assert [path.name for path in cache.iterdir()] == [".lock"]

    put(folder, url)
    assert find("tiny", url).folder.parent == cache


@pytest.mark.parametrize("name", ["../../evil.npy", "/etc/evil.npy", "..", "a/b.npy", ""])
def test_a_bucket_writes_no_file_outside_the_cache(url, cache, folder, name):
    stated = json.loads((folder / "contents.json").read_text())
    stated["files"][name] = {"bytes": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
    change(url, "tiny/contents.json", json.dumps(stated).encode())
    with pytest.raises(DataError, match="has other fields than were written"):
        find("tiny", url)


def test_what_is_not_there_is_told_with_what_to_do(url, cache):
    with pytest.raises(DataError, match=r"no cifar10/contents.json\n.*aws s3 sync"):
        find("cifar10", url)
    with pytest.raises(DataError, match="there is no bucket 'nowhere'"):
        find("tiny", url.replace("records", "nowhere"))
    with pytest.raises(DataError, match="prepared in a folder, and this is object storage"):
        prepare_once(TINY, url)


def test_an_answer_that_is_late_is_waited_for(url, cache, monkeypatch):
    monkeypatch.setattr("evenhand.remote.retries.FIRST_PAUSE", 0.01)
    chunk, failures = fetching._chunk, iter([OSError("AWS Error NETWORK_CONNECTION")] * 2)

    def late(*arguments):
        if error := next(failures, None):
            raise error
        return chunk(*arguments)

    monkeypatch.setattr(fetching, "_chunk", late)
    np.testing.assert_array_equal(find("tiny", url).source.test.pixels, MADE.test.pixels)
    monkeypatch.setattr(fetching, "READING_SECONDS", 0.05)
    with pytest.raises(fetching.UnreachableError, match="cannot be read: AWS Error"):
        fetching._asked(fetching.open_root(url), "a", fail, "")


def fail():
    raise OSError("AWS Error NETWORK_CONNECTION")


FETCHES = """
import sys, time
from evenhand.data.files import fetching
chunk = fetching._chunk
fetching.CHUNK = 400
def slow(*arguments):
    time.sleep(0.2)
    return chunk(*arguments)
fetching._chunk = slow
print("ready", flush=True)
sys.stdin.readline()
print(fetching.fetched("tiny", sys.argv[1]).folder.stat().st_ino)
"""


def test_of_several_processes_one_fetches(url, cache, requests):
    words = [sys.executable, "-c", FETCHES, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(words, **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    requests.clear()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    found = {process.communicate(timeout=60)[0] for process in processes}

    assert len(found) == 1
    files = [line.split("?")[0] for line in requests if line.startswith("GET") and "npy" in line]
    # Of 1,208 bytes in chunks of 400.
    assert files.count(next(file for file in files if "train.pixels" in file)) == 4
    assert files.count(next(file for file in files if "train.labels" in file)) == 1


KILLED = """
import os, signal, sys
from evenhand.data.files import fetching
write = fetching._fetch_file
def killed(bucket, path, *rest):
    if "test.pixels" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(bucket, path, *rest)
fetching._fetch_file = killed
fetching.fetched("tiny", sys.argv[1])
"""


def test_a_killed_fetch_neither_blocks_nor_fools_the_next(url, cache):
    done = subprocess.run([sys.executable, "-c", KILLED, url], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(list(cache.glob(".part-*"))) == 1
    assert not list(cache.glob("tiny-*"))

    np.testing.assert_array_equal(find("tiny", url).source.train.pixels, MADE.train.pixels)
    assert not list(cache.glob(".part-*"))


def test_a_damaged_entry_of_the_cache_is_told_how_to_be_cured(url, cache):
    found = find("tiny", url)
    entry, path = found.folder, found.folder / "train.pixels.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"remove the folder {entry}; it is fetched again"):
        find("tiny", url)
    shutil.rmtree(entry)
    find("tiny", url)


def test_without_room_nothing_is_fetched(url, cache, monkeypatch, requests):
    monkeypatch.setenv("EVENHAND_CACHE_GB", "0.000001")
    requests.clear()
    with pytest.raises(DataError) as raised:
        find("tiny", url)
    assert "GB, and there is no room for it in the cache" in str(raised.value)
    assert "it may have 1e-06 GB" in str(raised.value)
    assert "raise EVENHAND_CACHE_GB" in str(raised.value)
    assert not [line for line in requests if ".npy" in line]

    monkeypatch.delenv("EVENHAND_CACHE_GB")
    usage = SimpleNamespace(free=1e9 + 10)
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataError, match="1 GB of the disk are free, of which 1 GB stay free"):
        find("tiny", url)
    for text in ("much", "-1", "nan"):
        monkeypatch.setenv("EVENHAND_CACHE_GB", text)
        with pytest.raises(DataError, match=f"EVENHAND_CACHE_GB is '{text}'; write a number"):
            find("tiny", url)


def test_what_was_used_least_recently_makes_room_and_what_is_in_use_stays(
    url, cache, folder, tmp_path, monkeypatch
):
    names = ("first", "second", "third")
    for name in names:
        put(other(folder, tmp_path, named=name), url)
    size = sum(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setenv("EVENHAND_CACHE_GB", str(2.5 * size / 1e9))
    first, second = find("first", url), fetched("second", url)
    second.release()
    os.utime(first.folder, (1, 1))

    # The older one is in use.
    third = fetched("third", url)
    assert {path.name.partition("-")[0] for path in cache.glob("[a-z]*")} == {"first", "third"}
    with pytest.raises(DataError, match="no room for it"):
        find("second", url)
    assert len(list(cache.glob("[a-z]*"))) == 2

    pixels = first.source.train.pixels[:2]
    del first
    gc.collect()
    with pytest.raises(DataError, match="no room for it"):
        find("second", url)
    del pixels
    gc.collect()
    find("second", url)
    assert {path.name.partition("-")[0] for path in cache.glob("[a-z]*")} == {"second", "third"}
    third.release()


HOLDS = "import sys, time; from evenhand.data.files.fetching import fetched\n"
HOLDS += "held = fetched('tiny', sys.argv[1]); print('held', flush=True); time.sleep(600)"


def test_what_another_process_uses_stays_until_it_ends(url, cache, monkeypatch, folder, tmp_path):
    put(other(folder, tmp_path, named="second"), url)
    size = sum(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setenv("EVENHAND_CACHE_GB", str(1.5 * size / 1e9))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, url], stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "held\n"
        with pytest.raises(DataError, match="no room for it"):
            find("second", url)
        user.kill()
    find("second", url)
    assert [path.name.partition("-")[0] for path in cache.glob("[a-z]*")] == ["second"]


def test_weights_are_fetched_too(url, cache, requests):
    content = b"some weights"
    name = f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    with use_data_root(url):
        with pytest.raises(BackboneError, match=f"there is no file weights/{name}\n  put it there"):
            weights_root(name)
        change(url, f"weights/{name}", content)
        root = weights_root(name)
        assert (root / "weights" / name).read_bytes() == content
        requests.clear()
        assert weights_root(name) == root
    assert not requests


def test_weights_come_from_the_first_bucket_that_has_them(new_root, bucket, cache):
    second, name = bucket("more-weights"), "net-0a1b2c3d.pth"
    with use_data_roots((new_root, second)):
        with pytest.raises(BackboneError, match=f"^{re.escape(new_root)}"):
            weights_root(name)
        change(second, f"weights/{name}", b"some weights")
        assert (weights_root(name) / "weights" / name).read_bytes() == b"some weights"


def test_a_fetch_of_another_machine_is_not_swept_away(url, cache):
    theirs = cache / ".part-0123456789ab-cdef"
    theirs.mkdir(parents=True)
    find("tiny", url)
    assert theirs.is_dir()
    os.utime(theirs, (1, 1))
    shutil.rmtree(next(cache.glob("tiny-*")))
    find("tiny", url)
    assert not theirs.exists()


def test_files_of_the_user_beside_the_cache_are_neither_counted_nor_removed(
    url, cache, folder, monkeypatch
):
    put(folder, url)
    size = sum(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setenv("EVENHAND_CACHE_GB", str(1.5 * size / 1e9))
    mine = cache.parent / "photographs"
    mine.mkdir()
    (mine / "one.jpg").write_bytes(bytes(2 * size))
    os.utime(mine, (1, 1))
    fetched(folder.name, url).release()
    assert (mine / "one.jpg").stat().st_size == 2 * size


def test_the_same_images_under_other_names_are_another_data_set(url, cache, folder):
    assert find("tiny", url).contents.classes[0] != "renamed"
    stated = json.loads((folder / "contents.json").read_text())
    stated["classes"][0] = "renamed"
    change(url, "tiny/contents.json", json.dumps(stated).encode())
    assert find("tiny", url).contents.classes[0] == "renamed"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"files": {"train.pixels.npy": {"bytes": 1, "sha256": ""}}}, "lists no train.labels.npy"),
        ({"files": {"a" * 300: {"bytes": 1, "sha256": ""}}}, "other fields than were written"),
        ({"files": {"train.pixels.npy": {"bytes": -1, "sha256": ""}}}, "other fields"),
        ({"groups": []}, "other fields than were written"),
    ],
)
def test_contents_that_no_data_set_has_are_refused_before_a_fetch(
    url, cache, folder, changed, what
):
    stated = json.loads((folder / "contents.json").read_text()) | changed
    change(url, "tiny/contents.json", json.dumps(stated).encode())
    with pytest.raises(DataError, match=what):
        find("tiny", url)
    assert not list(cache.glob("tiny*"))


@pytest.mark.parametrize(
    "facts", [{"classes": ["one"]}, {"groups": ["a", "b", "c"], "classes": ["x"]}]
)
def test_labels_without_a_name_are_no_data_set(url, cache, folder, facts):
    stated = json.loads((folder / "contents.json").read_text()) | facts
    change(url, "tiny/contents.json", json.dumps(stated).encode())
    with pytest.raises(DataError, match=r"labels.npy: the prepared tiny is not whole: has numbers"):
        find("tiny", url)


def test_what_is_no_entry_of_the_cache_is_named(url, cache, monkeypatch):
    fingerprint = read_contents(open_root(url), "tiny").contents.fingerprint
    cache.mkdir(exist_ok=True)
    (cache / f"tiny-{fingerprint}").write_text("mine")
    with pytest.raises(DataError, match=r"is no folder of fetched files\n  remove it"):
        find("tiny", url)

    def closed(*_):
        raise PermissionError(13, "Permission denied", str(cache))

    monkeypatch.setattr(cache_module, "share", closed)
    with pytest.raises(DataError, match="Permission denied\n  name a folder for fetched files"):
        find("tiny", url)


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("s3://[bad", "no URL: Invalid IPv6 URL"),
        ("~no-such-user/x", "no such user"),
        ("file:/data", "file:///data"),
    ],
)
def test_what_is_no_data_root_is_refused(place, what):
    with pytest.raises(DataError, match=what):
        named_root(place)
