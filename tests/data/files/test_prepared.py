"""The prepared form: made once, by whoever comes first; whole, or told to be torn."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import pickle
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from evenhand.data.files import preparing
from evenhand.data.files.data_root import use_data_root
from evenhand.data.files.original import digest, verify
from evenhand.data.files.prepared import find, load
from evenhand.data.files.preparing import prepare_once
from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.trial import STREAMS, Problem, Val
from evenhand.errors import DataError
from tests.data.originals import TINY, source, write_folder
from tests.data.samples import has_facts

MADE = source(TINY)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_folder(TINY, MADE, tmp_path_factory.mktemp("mirror"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def there(place, root):
    return prepare_once(TINY, root, place=place)


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_it_is_loaded_from_the_data_root(there, root):
    with use_data_root(root):
        np.testing.assert_array_equal(load(TINY).train.pixels, MADE.train.pixels)


def test_what_is_there_is_not_made_again(there, root, tmp_path):
    before = stamps(there.folder)
    again = prepare_once(TINY, root, place=tmp_path)
    assert again.contents == there.contents
    assert stamps(there.folder) == before


def test_what_is_there_may_be_where_one_cannot_write(there, root, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(preparing, "locked", refuse)
    assert prepare_once(TINY, root).contents == there.contents


def test_again_replaces_it_under_the_eyes_of_its_readers(there, root, place):
    before = stamps(there.folder)
    again = prepare_once(TINY, root, place=place, again=True)
    assert again.contents.fingerprint == there.contents.fingerprint
    assert stamps(again.folder) != before
    np.testing.assert_array_equal(there.source.train.pixels, MADE.train.pixels)
    assert sorted(path.name for path in root.iterdir()) == [".tiny.lock", "tiny"]


def test_the_fingerprint_is_that_of_the_images(there, place, tmp_path):
    other = prepare_once(TINY, tmp_path / "other", place=place)
    assert other.contents.fingerprint == there.contents.fingerprint
    changed = write_folder(
        TINY, replace(MADE, train=MADE.train[np.array([0, 5, 10])]), tmp_path / "changed"
    )
    fewer = prepare_once(TINY, tmp_path / "third", place=changed)
    assert fewer.contents.fingerprint != there.contents.fingerprint


def test_pixels_stay_on_disk_and_cannot_be_changed(there):
    pixels = there.source.train.pixels
    assert type(pixels) is np.ndarray
    assert not pixels.flags.writeable
    base = pixels
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)


def test_pixels_travel_apart_from_the_rest(there):
    """So Ray keeps one copy a node; an array of the class `memmap` would go to every worker."""
    buffers = []
    said = pickle.dumps(there.source, protocol=5, buffer_callback=buffers.append)
    assert there.source.train.pixels.tobytes() not in said
    back = pickle.loads(said, buffers=buffers)
    np.testing.assert_array_equal(back.test.pixels, MADE.test.pixels)


def test_a_problem_is_made_of_mapped_images_as_of_any(there):
    problem = Problem(
        dataset=Part(name="tiny"),
        profile=Part(name="exp", settings={"ratio": 2.0}),
        val=Val(per_class=1),
    )
    mapped, plain = (make_splits(problem, s, seed=0, vary=STREAMS) for s in (there.source, MADE))
    assert mapped.counts.sum(1).tolist() == [4, 2, 2]
    assert mapped.summary == plain.summary
    assert mapped.train.pixels.flags.writeable


def _prepare(barrier, place, root, results):
    barrier.wait()
    found = prepare_once(TINY, root, place=place)
    results.put((found.contents.fingerprint, found.contents.prepared, os.getpid()))


def test_ten_processes_at_once_make_it_once(place, root):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(10), context.Queue()
    args = (barrier, place, root, results)
    processes = [context.Process(target=_prepare, args=args) for _ in range(10)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len({pid for *_, pid in found}) == 10
    assert len({fingerprint for fingerprint, *_ in found}) == 1
    assert sorted(path.name for path in root.iterdir()) == [".tiny.lock", "tiny"]


def test_without_locks_whoever_is_second_takes_what_is_there(place, root, monkeypatch):
    first = []

    def read(*args):
        if not first:
            first.append(None)
            first[0] = prepare_once(TINY, root, place=place)
        return original_read(*args)

    def no_locks(*_):
        raise OSError("no locks available")

    original_read = preparing._read
    monkeypatch.setattr("fcntl.flock", no_locks)
    monkeypatch.setattr(preparing, "_read", read)
    second = prepare_once(TINY, root, place=place)
    assert stamps(second.folder) == stamps(first[0].folder)
    assert sorted(path.name for path in root.iterdir()) == [".tiny.lock", "tiny"]


def test_where_python_has_no_file_locks_it_is_made_all_the_same(place, root, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    spec = importlib.util.spec_from_file_location("preparing_elsewhere", preparing.__file__)
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    made = elsewhere.prepare_once(TINY, root, place=place)
    np.testing.assert_array_equal(made.source.train.pixels, MADE.train.pixels)


def test_what_breaks_off_leaves_nothing_behind(place, root, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare_once(TINY, root, place=place)
    assert [path.name for path in root.iterdir()] == [".tiny.lock"]


def test_what_a_killed_process_left_goes_when_it_is_old(place, root):
    old, young = root / ".tiny-0123", root / ".tiny-4567"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 10**6,) * 2)
    prepare_once(TINY, root, place=place)
    assert not old.exists()
    assert young.exists()


def test_others_may_read_what_one_has_prepared(there):
    assert there.folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def tear(folder, what):
    pixels, contents = folder / "train.pixels.npy", folder / "contents.json"
    if what == "short":
        pixels.write_bytes(pixels.read_bytes()[:-7])
    elif what == "flipped":
        data = bytearray(pixels.read_bytes())
        data[-1] ^= 1
        pixels.write_bytes(data)
    elif what == "file":
        pixels.unlink()
    elif what == "contents":
        contents.unlink()
    elif what == "half contents":
        contents.write_text(contents.read_text()[:50])
    elif what == "other":
        contents.write_text(contents.read_text().replace('"tiny"', '"huge"'))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("short", "train.pixels.npy: … 1201 of 1208 bytes"),
        ("flipped", "train.pixels.npy: … other bytes"),
        ("file", "train.pixels.npy: … No such file"),
        ("contents", "contents.json: … No such file"),
        ("half contents", "contents.json: … other fields"),
        ("other", "tiny … huge"),
    ],
)
def test_what_is_torn_is_told_and_how_to_mend_it(there, root, place, what, says):
    tear(there.folder, what)
    with pytest.raises(DataError) as raised:
        find("tiny", root)
    assert has_facts(raised.value, says)
    command = f"`evenhand data prepare tiny --from DIR --again --root {root}`"
    assert f"\n  {command}" in str(raised.value)
    with pytest.raises(DataError):
        prepare_once(TINY, root, place=place)
    assert prepare_once(TINY, root, place=place, again=True).contents.files == there.contents.files


def test_what_is_not_prepared_says_what_to_do(root):
    with pytest.raises(DataError) as raised:
        find("tiny", root)
    assert str(raised.value).startswith(f"{root / 'tiny'}: tiny ")
    assert f"`evenhand data prepare tiny --from DIR --root {root}`" in str(raised.value)
    assert "--data, EVENHAND_DATA or the suite's `data:`" in str(raised.value)


def test_a_root_that_cannot_be_written_to_is_told(place, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/root: Not a directory"):
        prepare_once(TINY, tmp_path / "file" / "root", place=place)


def test_the_contents_say_what_it_was_pipeline_of(there, place):
    told = json.loads((there.folder / "contents.json").read_text())
    assert told["origin"] == f"image folder {place.resolve()}"
    assert told["classes"] == list(TINY.classes)
    assert set(told["files"]) == {
        f"{split}.{kind}.npy"
        for split in ("train", "test")
        for kind in ("pixels", "labels", "groups")
    }


def test_the_digest_of_images_knows_no_order():
    backwards = MADE.test[np.arange(len(MADE.test))[::-1]]
    assert digest(backwards) == digest(MADE.test)
    assert digest(backwards, labelled=True) == digest(MADE.test, labelled=True)
    assert digest(MADE.train) != digest(MADE.test)


def test_the_official_test_images_under_other_labels_are_mislabelled():
    known = replace(TINY, test_digest=(digest(MADE.test), digest(MADE.test, labelled=True)))
    verify(known, MADE, "here")
    assert known.has_official_test(MADE) is True
    swapped = replace(MADE.test, labels=MADE.test.labels[::-1].copy())
    with pytest.raises(DataError, match=r"here: mislabelled(.|\n)*in this order: ant, bee, cow"):
        verify(known, replace(MADE, test=swapped), "here")
    others = replace(MADE, test=replace(MADE.test, pixels=255 - MADE.test.pixels))
    verify(known, others, "here")
    assert known.has_official_test(others) is False
    assert TINY.has_official_test(MADE) is None


def test_pixels_of_another_shape_are_told():
    small = replace(MADE.train, pixels=MADE.train.pixels[:, :3])
    with pytest.raises(DataError, match=r"train images are 3 × 6 × 3; .* tiny are 4 × 6 × 3"):
        verify(TINY, replace(MADE, train=small), "here")
