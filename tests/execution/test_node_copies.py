"""Copies of data sets on a node, of which the driver has checked its own."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from evenhand.data.files.preparing import prepare_once
from evenhand.execution.execute import Execution
from evenhand.execution.node_checks import Expected, check_node
from evenhand.execution.node_copies import ExpectedData
from evenhand.store import Store
from evenhand.store.process import Process
from tests.data.originals import SQUARE, source, write_folder


@pytest.fixture
def execution(tmp_path):
    """An execution with a prepared data set."""
    images = write_folder(SQUARE, source(SQUARE), tmp_path / "images")
    found = prepare_once(SQUARE, tmp_path / "driver", place=images).source
    return Execution(sources={"tiny": found}, data_roots=(tmp_path / "driver",))


@pytest.fixture
def read(monkeypatch):
    """The folders whose bytes are read."""
    folders = []
    monkeypatch.setattr("evenhand.data.files.copies.read", lambda _, folder: folders.append(folder))
    return folders


def test_the_folder_of_the_driver_is_not_read_again_on_its_machine(
    execution, read, monkeypatch, tmp_path
):
    data = ExpectedData.of(execution)
    assert data.n_bytes > 1000
    assert data.check() == ([], [])
    assert read == []
    # The same folder on a network file system, on another machine.
    monkeypatch.setattr(Process, "this", lambda: Process(machine="another boot"))
    assert data.check() == ([], [])
    assert read == [tmp_path / "driver/tiny"]


def test_the_copy_of_a_node_is_read_once(execution, read, monkeypatch, tmp_path):
    shutil.copytree(tmp_path / "driver", tmp_path / "node")
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path / "node"))
    assert ExpectedData.of(execution).check() == ([], [])
    assert read == [tmp_path / "node/tiny"]


def test_a_node_with_a_damaged_copy_is_left_out_and_told_what_to_do(
    execution, monkeypatch, tmp_path
):
    store = Store.open(tmp_path / "r")
    store.check_writable()
    expected = Expected.of([], execution, store, gpus=0.0)
    assert check_node(expected, "node") == ([], None, None, ())
    shutil.copytree(tmp_path / "driver", tmp_path / "node")
    path = tmp_path / "node/tiny/test.pixels.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path / "node"))
    [problem] = check_node(expected, "node").problems
    assert f"{path}: the prepared tiny is not whole: has other bytes than were written" in problem
    assert f"remove the folder {path.parent} there" in problem

    monkeypatch.setenv("EVENHAND_DATA", "s3:/typing/error")
    [problem] = check_node(expected, "node").problems
    assert (
        "its EVENHAND_DATA names no data root (s3:/typing/error: a URL has two slashes" in problem
    )


def test_a_copy_with_another_fingerprint_is_a_note(execution, monkeypatch, tmp_path):
    shutil.copytree(tmp_path / "driver", tmp_path / "node")
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path / "node"))
    files = execution.sources["tiny"].files._replace(fingerprint="0" * 32)
    data = replace(ExpectedData.of(execution), roots=(), prepared=(files,))
    damaged, [note] = data.check()
    assert not damaged
    assert "it travels from the driver" in note
