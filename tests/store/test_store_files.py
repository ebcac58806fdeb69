"""What every place for a store must do, on a local disk and in S3 alike."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest

from evenhand.errors import StoreError
from evenhand.store.files import BATCH, Files, open_files, read_all
from evenhand.store.local import LocalFiles


def test_what_is_written_is_read(files: Files) -> None:
    files.write("main/a/record.json", b"first")
    assert files.read("main/a/record.json") == b"first"


def test_writing_again_replaces(files: Files) -> None:
    files.write("main/a/record.json", b"first, and longer")
    before = files.versions("main", "record.json")
    files.write("main/a/record.json", b"second")
    assert files.read("main/a/record.json") == b"second"
    assert files.versions("main", "record.json") != before


def test_an_empty_file_is_a_file(files: Files) -> None:
    files.write("main/a/record.json", b"")
    assert files.read("main/a/record.json") == b""
    assert list(files.versions("main", "record.json")) == ["main/a/record.json"]


def test_an_absent_file_is_not_found(files: Files) -> None:
    with pytest.raises(FileNotFoundError):
        files.read("main/a/record.json")


def test_a_file_with_too_many_bytes_is_not_read(files: Files) -> None:
    files.write("main/a/record.json", b"12345")
    assert files.read("main/a/record.json", 5) == b"12345"
    with pytest.raises(OSError, match="bytes"):
        files.read("main/a/record.json", 4)
    assert isinstance(dict(read_all(files, ["main/a/record.json"], 4)).popitem()[1], OSError)


def test_the_beginning_of_a_file_is_read_alone(files: Files) -> None:
    files.write("main/a/state.pt", b"12345")
    assert files.begin("main/a/state.pt", 3) == b"123"
    assert files.begin("main/a/state.pt", 9) == b"12345"


def test_a_file_that_can_be_written_passes_the_check_and_leaves_nothing(files: Files) -> None:
    files.check("main/a/record.json")
    files.write("main/a/record.json", b"12345")
    files.check("main/a/record.json")
    assert list(files.versions("main", "record.json")) == ["main/a/record.json"]


def test_an_absent_folder_has_no_files(files: Files) -> None:
    assert files.versions("main", "record.json") == {}


def test_versions_are_of_files_here_and_of_leaves_one_below(files: Files) -> None:
    for path in ("main/index.json", "main/a/record.json", "main/b/record.json"):
        files.write(path, b"seen")
    for path in ("main/a/logits.npz", "main/c/d/record.json", "other/a/record.json"):
        files.write(path, b"elsewhere")
    for path in ("main/.part", "main/.a/record.json"):
        files.write(path, b"hidden")

    versions = files.versions("main", "record.json")

    assert sorted(versions) == ["main/a/record.json", "main/b/record.json", "main/index.json"]


def test_a_version_stays_while_its_file_does(files: Files) -> None:
    files.write("main/a/record.json", b"first")
    before = files.versions("main", "record.json")
    files.write("main/b/record.json", b"other")
    after = files.versions("main", "record.json")
    assert all(before.values())
    assert before.items() <= after.items()


def test_reading_all_keeps_the_order_and_what_went_wrong(files: Files) -> None:
    for name in "ab":
        files.write(f"main/{name}/record.json", name.encode())
    paths = [f"main/{name}/record.json" for name in "bxa"]
    read = dict(read_all(files, paths))
    assert list(read) == paths
    assert read[paths[0]] == b"b"
    assert isinstance(read[paths[1]], FileNotFoundError)
    assert read[paths[2]] == b"a"


def test_a_reader_never_meets_half_a_file(files: Files) -> None:
    contents = [bytes([letter]) * 200_000 for letter in b"xy"]
    files.write("main/a/record.json", contents[0])
    is_over = threading.Event()

    def rewrite() -> None:
        for i in range(20):
            files.write("main/a/record.json", contents[i % 2])
        is_over.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    while not is_over.is_set():
        assert files.read("main/a/record.json") in contents
    writer.join()


def test_files_travel_to_a_worker(files: Files) -> None:
    files.write("main/a/record.json", b"first")
    travelled = pickle.loads(pickle.dumps(files))
    assert travelled.read("main/a/record.json") == b"first"


def test_reading_all_goes_beyond_one_batch(tmp_path: Path) -> None:
    files = open_files(tmp_path)
    files.write("main/a/record.json", b"first")
    paths = ["main/a/record.json"] * (2 * BATCH + 1)
    assert [content for _, content in read_all(files, paths)] == [b"first"] * len(paths)


def test_a_file_that_was_replaced_by_its_like_has_another_version(tmp_path: Path) -> None:
    files = open_files(tmp_path)
    seen = set()
    for _ in range(50):
        files.write("main/a/record.json", b"alike")
        before = files.versions("main", "record.json")["main/a/record.json"]
        files.write("main/a/record.json", b"alike")
        assert files.versions("main", "record.json")["main/a/record.json"] != before
        seen.add(before)
    assert len(seen) > 1


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = open_files(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evenhand.store.local.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write("main/a/record.json", b"first")
    assert isinstance(files, LocalFiles)
    assert list((files.root / "main" / "a").iterdir()) == []


def test_a_file_url_is_a_local_folder(tmp_path: Path) -> None:
    files = open_files(f"file://{tmp_path}/with%20space")
    files.write("main/a/record.json", b"first")
    assert open_files(f"{tmp_path}/with space").read("main/a/record.json") == b"first"


@pytest.mark.parametrize(
    "url", ["nowhere://records", "s3:/records", "s3://", "s3://records?gone=1"]
)
def test_a_url_that_is_none_is_an_error_with_an_example(url: str) -> None:
    with pytest.raises(StoreError, match=r"s3://bucket/prefix\?region=eu-west-1"):
        open_files(url)


@pytest.mark.parametrize("location", ["", " "])
def test_an_empty_name_is_not_the_current_folder(location):
    with pytest.raises(StoreError, match=r"names no store\n  name a folder or a URL"):
        open_files(location)
