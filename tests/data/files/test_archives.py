"""Archives that were made to write elsewhere, or to fill the disk."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from evenhand.data.files import archives, official_files
from evenhand.data.files.archives import unpack
from evenhand.data.sources.cifar import CIFAR10
from evenhand.errors import DataError


def tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as out:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            out.addfile(member, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


HOSTILE = {
    "absolute": [tarfile.TarInfo("/tmp/evil")],
    "above": [tarfile.TarInfo("data/../../evil")],
    "a link": [link("data", "/etc"), tarfile.TarInfo("data/evil")],
    "a hard link": [link("data/evil", "../../evil", tarfile.LNKTYPE)],
    "a device": [link("data/evil", "", tarfile.CHRTYPE)],
    "a named pipe": [link("data/evil", "", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_leaves_its_folder_is_not_unpacked(tmp_path, members):
    path, folder = tar(tmp_path / "x.tar.gz", *members), tmp_path / "unpacked" / "here"
    folder.mkdir(parents=True)
    with pytest.raises(DataError, match=r"x\.tar\.gz: it has .* plain files in a folder"):
        unpack(path, folder)
    assert not list(folder.iterdir())
    assert {found.name for found in tmp_path.rglob("*")} == {"x.tar.gz", "unpacked", "here"}


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a\\..\\..\\evil"])
def test_a_zip_archive_that_leaves_its_folder_is_not_unpacked(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr(name, "evil")
    with pytest.raises(DataError, match="plain files in a folder"):
        unpack(tmp_path / "x.zip", tmp_path)


def test_a_zip_archive_with_a_link_is_not_unpacked(tmp_path):
    info = zipfile.ZipInfo("data/evil")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="plain files in a folder"):
        unpack(tmp_path / "x.zip", tmp_path)


def test_a_bomb_is_refused_by_its_size_and_by_its_number_of_files(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(2**24))
    large = tar(tmp_path / "x.tar.gz", tarfile.TarInfo("zeros"), content=bytes(2**24))
    began = time.process_time()
    for path in (tmp_path / "x.zip", large):
        with pytest.raises(DataError, match="more than 100 times its size"):
            unpack(path, tmp_path)
    assert time.process_time() - began < 3

    monkeypatch.setattr(archives, "MOST_FILES", 10)
    many = tar(tmp_path / "y.tar.gz", *(tarfile.TarInfo(str(i)) for i in range(11)))
    with pytest.raises(DataError, match="more than 10 files"):
        unpack(many, tmp_path)
    assert {found.suffix for found in tmp_path.iterdir()} == {".zip", ".gz"}


def test_a_damaged_and_an_encrypted_archive_are_refused_by_name(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b damaged")
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 damaged")
    for name in ("x.tar.gz", "x.zip"):
        with pytest.raises(DataError, match=f"{name}: cannot be unpacked"):
            unpack(tmp_path / name, tmp_path)


def test_an_archive_is_unpacked(tmp_path):
    path = tar(tmp_path / "x.tar.gz", tarfile.TarInfo("data/x"), content=b"hello")
    unpack(path, tmp_path / "here")
    assert (tmp_path / "here/data/x").read_bytes() == b"hello"


def test_another_archive_under_the_name_of_the_official_one_is_not_unpacked(tmp_path):
    path = tar(tmp_path / "cifar-10-python.tar.gz", tarfile.TarInfo("../evil"))
    with pytest.raises(DataError, match="not the official archive"):
        official_files.read(CIFAR10, path)
    assert not (tmp_path.parent / "evil").exists()
