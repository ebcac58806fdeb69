"""A node's own copy is read where it has the driver's fingerprint, and nowhere else."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from evenhand.data.files import copies
from evenhand.data.files.copies import check_copies, is_readable, load_copy, load_from
from evenhand.data.files.data_root import node_roots, use_data_roots
from evenhand.data.files.fetching import UnreachableError, fetched
from evenhand.data.files.prepared import load
from evenhand.data.files.preparing import prepare_once
from evenhand.declared.decorators import dataset
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import DataError
from tests.data.files.conftest import put
from tests.data.files.test_fetching import other
from tests.data.originals import SQUARE, source, write_folder

MADE = source(SQUARE)


@pytest.fixture
def tiny(monkeypatch, unregistered):
    """A data set of the package."""
    monkeypatch.setattr(Registered, "is_shipped", True)

    @dataset(title="Tiny", **SQUARE.facts)
    def tiny():
        return load(SQUARE)

    return REGISTRY.part("dataset", "tiny")


@pytest.fixture
def files(tmp_path):
    """The files of the driver, under its data root."""
    images = write_folder(SQUARE, MADE, tmp_path / "images")
    found = prepare_once(SQUARE, tmp_path / "driver", place=images).source.files
    assert found is not None
    return found


@pytest.fixture
def own(files, tmp_path):
    """A copy on the node, under its own data root."""
    return Path(shutil.copytree(files.folder, tmp_path / "node" / "tiny"))


def spoil(path):
    """Change a byte of the images."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def is_other_machine(_):
    return False


def test_a_node_looks_at_its_own_root_and_then_at_that_of_the_driver(monkeypatch):
    monkeypatch.delenv("EVENHAND_DATA", raising=False)
    assert node_roots((Path("/driver"),)) == (Path("/driver"),)
    monkeypatch.setenv("EVENHAND_DATA", "s3://bucket/data")
    assert node_roots((Path("/driver"),)) == ("s3://bucket/data", Path("/driver"))


def test_a_copy_with_the_same_fingerprint_is_mapped_from_the_node(tiny, files, own):
    with use_data_roots((own.parent, Path("/nowhere"))):
        copy = load_copy(tiny, files)
        assert check_copies([files], is_other_machine) == ([], [])
    assert copy.source is not None
    assert copy.source.files is not None
    assert copy.source.files.folder == own
    # Mapped, and not read into memory.
    assert isinstance(copy.source.train.pixels.base, np.memmap)
    np.testing.assert_array_equal(copy.source.train.pixels, MADE.train.pixels)


def test_another_fingerprint_is_not_used_and_told(tiny, files, tmp_path):
    mine = other(files.folder, tmp_path)
    with use_data_roots((mine.parent,)):
        assert load_copy(tiny, files) == (None, [])
        damaged, [note] = check_copies([files], is_other_machine)
    assert not damaged
    assert note.startswith(f"tiny in {mine.parent} is not used: it has the fingerprint ")
    assert note.endswith(f"and that of the run is {files.fingerprint}; it travels from the driver")
    # The driver's root is looked at next.
    with use_data_roots((mine.parent, files.folder.parent)):
        assert load_copy(tiny, files).source is not None
        damaged, [note] = check_copies([files], is_other_machine)
    assert not damaged
    assert note.endswith(f"; that of {files.folder.parent} is used")


def test_damaged_bytes_under_the_right_fingerprint_leave_the_node_out(files, own):
    spoil(own / "train.pixels.npy")
    with use_data_roots((own.parent,)):
        [problem], notes = check_copies([files], is_other_machine)
        assert check_copies([files], lambda here: here.folder == own) == ([], [])
    assert "train.pixels.npy: the prepared tiny is not whole: has other bytes" in problem
    assert problem.endswith(f"remove the folder {own} there, and the node gets the data set anew")
    assert not notes


def test_a_copy_of_which_nothing_can_be_read_is_not_used(tiny, files, own):
    (own / "contents.json").write_text("{}")
    with use_data_roots((own.parent,)):
        copy = load_copy(tiny, files)
        damaged, [note] = check_copies([files], is_other_machine)
    assert copy.source is None
    assert "has other fields than were written" in copy.refused[0]
    assert not damaged
    assert "has other fields than were written" in note


def test_files_that_another_user_owns_or_that_were_replaced_are_not_readable(files, tmp_path):
    assert is_readable(files)
    assert not is_readable(files._replace(folder=tmp_path))
    assert not is_readable(files._replace(fingerprint="0" * 32))


def test_a_copy_that_was_replaced_by_another_is_refused(tiny, files, tmp_path):
    mine = other(files.folder, tmp_path)
    with pytest.raises(DataError, match="was replaced while the run goes on"):
        load_from(tiny, files._replace(folder=mine))


def test_a_node_fetches_from_its_bucket_what_has_the_fingerprint(
    tiny, files, new_root, cache, tmp_path
):
    put(files.folder, new_root)
    with use_data_roots((new_root,)):
        # Nothing is fetched before a trial needs it.
        assert check_copies([files], is_other_machine) == ([], [])
        assert not list(cache.glob("tiny-*"))
        copy = load_copy(tiny, files)
        assert copy.source is not None
        assert copy.source.files is not None
        assert copy.source.files.folder.parent == cache

        put(other(files.folder, tmp_path), new_root)
        # The cache has the one of the run.
        assert load_copy(tiny, files).source is not None
        assert check_copies([files], is_other_machine) == ([], [])
        spoil(copy.source.files.folder / "train.pixels.npy")
        [problem], _ = check_copies([files], is_other_machine)
        assert f"remove the folder {copy.source.files.folder} there" in problem
        del copy
        gc.collect()

        shutil.rmtree(cache)
        _, [note] = check_copies([files], is_other_machine)
        assert "is not used: it has the fingerprint" in note
        [reason] = load_copy(tiny, files).refused
        assert "has the fingerprint" in reason


def test_a_bucket_that_cannot_be_read_is_told_and_done_without(tiny, files, new_root, cache):
    with use_data_roots((new_root,)):
        _, [note] = check_copies([files], is_other_machine)
        assert load_copy(tiny, files).source is None
    assert note.endswith("there is no tiny/contents.json; it travels from the driver")


def test_the_entry_of_a_loaded_copy_is_held(tiny, files, new_root, cache, monkeypatch, tmp_path):
    put(files.folder, new_root)
    put(other(files.folder, tmp_path, named="second"), new_root)
    monkeypatch.setenv("EVENHAND_CACHE_GB", str(1.5 * files.n_bytes / 1e9))
    with use_data_roots((new_root,)):
        copy = load_copy(tiny, files)
        with pytest.raises(DataError, match="no room"):
            fetched("second", new_root)
        del copy
        gc.collect()
        fetched("second", new_root).release()


def test_a_root_that_this_user_may_not_enter_has_no_copy(tiny, files, own, monkeypatch):
    stat = os.stat

    def of_another_user(path, **options):
        # Not by chmod, which does not stop root.
        if Path(path).is_relative_to(files.folder.parent):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", of_another_user)
    with use_data_roots((files.folder.parent,)):
        assert load_copy(tiny, files) == (None, [])
        assert check_copies([files], is_other_machine) == ([], [])
    with use_data_roots((files.folder.parent, own.parent)):
        assert load_copy(tiny, files).source is not None


def test_a_damaged_folder_behind_a_bucket_is_not_trained_on(tiny, files, own, new_root, cache):
    put(files.folder, new_root)
    spoil(own / "train.pixels.npy")
    with use_data_roots((new_root, own.parent)):
        # The bucket has the data set, and the folder is not looked at.
        assert check_copies([files], is_other_machine) == ([], [])
    with use_data_roots((new_root.replace("data-", "nothing-"), own.parent)):
        copy = load_copy(tiny, files)
    assert copy.source is None
    assert "there is no tiny/contents.json" in copy.refused[0]
    assert "train.pixels.npy: the prepared tiny is not whole: has other bytes" in copy.refused[1]


def test_a_process_reads_a_copy_once_and_those_of_the_driver_never(tiny, files, own, monkeypatch):
    folders, read = [], copies.read

    def counted(name, folder, **how):
        folders.append(folder)
        return read(name, folder, **how)

    monkeypatch.setattr(copies, "read", counted)
    with use_data_roots((own.parent,)):
        load_copy(tiny, files)
        load_copy(tiny, files)
        assert folders == [own]
    with use_data_roots((files.folder.parent,)):
        load_copy(tiny, files, lambda here: here.folder == files.folder)
    assert folders == [own]


def test_a_copy_that_could_not_be_used_is_not_tried_again(tiny, files, new_root, cache, requests):
    given_up = set()
    with use_data_roots((new_root,)):
        assert len(load_copy(tiny, files, given_up=given_up).refused) == 1
        requests.clear()
        assert load_copy(tiny, files, given_up=given_up) == (None, [])
    assert not requests


def test_a_bucket_that_does_not_answer_is_waited_for_once(files, new_root, cache, monkeypatch):
    asked = []

    def silent(bucket, name):
        asked.append(name)
        raise UnreachableError("the bucket does not answer")

    monkeypatch.setattr(copies, "read_contents", silent)
    with use_data_roots((new_root,)):
        _, notes = check_copies([files, files._replace(name="second")], is_other_machine)
    assert asked == ["tiny"]
    assert notes == [
        f"{name}: the bucket does not answer; it travels from the driver"
        for name in ("tiny", "second")
    ]
