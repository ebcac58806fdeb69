"""Hints on data sets are true of the data set, and commands that work when they are copied."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from evenhand.data.files.data_root import data_command, use_data_root
from evenhand.data.files.original import Archive
from evenhand.data.files.prepared import find
from evenhand.declared.plugin import load_plugins
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError

PREPARED = [e.name for e in REGISTRY.all("dataset") if e.facts.get("original")]


@pytest.mark.parametrize("name", PREPARED)
def test_a_hint_offers_a_download_of_those_data_sets_that_have_one(name, tmp_path):
    official = REGISTRY.get("dataset", name).facts["original"].official
    has_checksum = not isinstance(official, Archive) or official.md5 is not None
    with pytest.raises(DataError) as raised:
        find(name, tmp_path)
    text = str(raised.value)
    assert ("downloads it" in text) == has_checksum
    assert has_checksum or f"get the official files from {official.url}" in text
    assert f"evenhand data prepare {name} --from " in text


def test_commands_repeat_the_root_that_is_in_use(tmp_path, monkeypatch):
    root = tmp_path / "my data"
    assert data_command("check", "cifar10") == "evenhand data check cifar10"
    with use_data_root(root):
        words = shlex.split(data_command("check", "cifar10"))
        assert words == ["evenhand", "data", "check", "cifar10", "--root", str(root)]
        monkeypatch.setenv("EVENHAND_DATA", str(root))
        assert data_command("check", "cifar10") == "evenhand data check cifar10"


def test_commands_repeat_the_plugin_of_a_data_set(tmp_path, unregistered):
    path = Path(tmp_path / "mine.py")
    path.write_text("import evenhand as eh\n@eh.dataset()\ndef my_birds() -> eh.Source: ...\n")
    load_plugins([path])
    words = shlex.split(data_command("prepare", "my_birds", "--again"))
    assert words == ["evenhand", "data", "prepare", "my_birds", "--plugin", str(path), "--again"]


def test_damaged_files_are_prepared_again_under_their_own_root(tmp_path):
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(DataError, match="is not whole") as raised:
        find("cifar10", tmp_path)
    command = str(raised.value).split("`")[1]
    assert shlex.split(command)[-2:] == ["--root", str(tmp_path)]


def test_the_hint_on_features_has_a_quoted_file(tmp_path):
    root = tmp_path / "a folder"
    with use_data_root(root), pytest.raises(DataError) as raised:
        REGISTRY.make("dataset", REGISTRY.part("dataset", "waterbirds_features"))
    words = shlex.split(str(raised.value).split("`")[1])
    assert words[-4:] == ["--out", str(root / "waterbirds_features.npz"), "--root", str(root)]
