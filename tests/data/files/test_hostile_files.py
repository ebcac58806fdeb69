"""Data files that were made to hang, to run code, or to exhaust the memory."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from evenhand.data.files.columns import read
from evenhand.data.files.image_file import measure
from evenhand.data.files.prepared import CONTENTS, find
from evenhand.declared.plugin import Plugin
from evenhand.errors import DataError, SpecError


class Executes:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch executed",)


def npy(array: np.ndarray, shape: tuple[int, ...] | None = None) -> bytes:
    """A member of an archive, with another shape in its header where one is given."""
    out = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue() + array.tobytes()


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path


def encrypted(path: Path) -> Path:
    """An archive whose member is marked as encrypted, in both of its headers."""
    content = bytearray(archive(path, {"x.npy": npy(np.zeros(3))}).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


NUMBERS = np.arange(10.0)
HOSTILE = {
    "no array": ({"x.npy": b"hello"}, "cannot be read as NumPy arrays"),
    "another file": ({"x.txt": b"hello"}, "cannot be read as NumPy arrays"),
    "no member": ({}, "a table needs rows"),
    "fewer than told": ({"x.npy": npy(NUMBERS, (20,))}, "cannot be read as NumPy arrays"),
    "more than told": ({"x.npy": npy(NUMBERS, (5,))}, "more bytes than its shape (5,) takes"),
    "far fewer than told": ({"x.npy": npy(NUMBERS, (2**60,))}, "cannot be read as NumPy arrays"),
    "a negative shape": ({"x.npy": npy(NUMBERS, (-5,))}, "cannot be read as NumPy arrays"),
}


@pytest.mark.parametrize(("members", "says"), HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_is_not_what_it_states_is_refused_by_name(tmp_path, members, says):
    path = archive(tmp_path / "x.npz", members)
    with pytest.raises(DataError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert says in str(raised.value)


def test_an_encrypted_archive_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"x\.npz: cannot be read as NumPy arrays: .*encrypted"):
        read(encrypted(tmp_path / "x.npz"))


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_a_pickle_in_the_place_of_a_table_is_not_executed(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(pickle.dumps(Executes()))
    with pytest.raises(DataError, match="cannot be read as"):
        read(path)
    objects = np.array([Executes()], dtype=object)
    np.savez(tmp_path / "objects.npz", x=objects)
    with pytest.raises(DataError, match="an array of objects"):
        read(tmp_path / "objects.npz")
    assert not (tmp_path / "executed").exists()


def test_an_archive_of_more_bytes_than_memory_is_refused_before_it_is_unpacked(tmp_path):
    path = archive(tmp_path / "x.npz", {"x.npy": npy(np.zeros(2**18))})
    assert path.stat().st_size < 2**13
    with (
        mock.patch("psutil.virtual_memory", return_value=mock.Mock(total=2**20)),
        pytest.raises(DataError, match=r"its arrays take 0\.0 GiB, and this machine has 0\.0"),
    ):
        read(path)


def test_a_named_pipe_is_no_image_table_or_plugin(tmp_path):
    for name in ("x.png", "x.csv", "x.npz", "x.parquet", "mine.py"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="it is a named pipe"):
        measure(tmp_path / "x.png")
    for name in ("x.csv", "x.npz", "x.parquet"):
        with pytest.raises(DataError, match=f"{name}: "):
            read(tmp_path / name)
    with pytest.raises(SpecError, match=r"mine\.py: cannot read the plugin: .*named pipe"):
        Plugin.read(tmp_path / "mine.py")
    with pytest.raises(DataError, match="it is a device"):
        measure(Path("/dev/zero"))


def test_a_prepared_data_set_of_named_pipes_is_not_whole(tmp_path):
    (tmp_path / "digits9").mkdir()
    os.mkfifo(tmp_path / "digits9" / CONTENTS)
    with pytest.raises(DataError, match="is not whole: it is a named pipe"):
        find("digits9", tmp_path)
