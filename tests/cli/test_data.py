"""`evenhand data`, and how `evenhand run` finds what it prepared."""

from __future__ import annotations

import json
import re

import pytest

from evenhand.cli.app import app
from evenhand.errors import DataError, SpecError
from tests.buckets import bucket
from tests.cli.test_commands import PARTS, evenhand
from tests.data.files.conftest import put
from tests.data.originals import SQUARE, source, write_folder

PLUGIN = """
from evenhand.data.files.prepared import load
from evenhand.declared.decorators import dataset
from tests.data.originals import SQUARE

@dataset(cite="none", title="Tiny", **SQUARE.facts)
def tiny():
    "Three classes of 4×4 noise."
    return load(SQUARE)
"""
SUITE = """
suite: small
question: Does it find its images?
problems:
  - tiny: {profile: exp, ratio: 2}
recipe: {quick: {epochs: 1}}
seeds: 1
methods: [erm]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""

assert app, bucket


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a mirror, a plugin and a suite."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EVENHAND_DATA", raising=False)
    write_folder(SQUARE, source(SQUARE), tmp_path / "mirror")
    (tmp_path / "tiny.py").write_text(PLUGIN)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "small.yaml").write_text(SUITE)
    return tmp_path


def data(*arguments: str, code: int = 0) -> str:
    return evenhand("data", *arguments, "--plugin", "tiny.py", code=code)


def run(*arguments: str) -> str:
    plugins = ("--plugin", "tiny.py", "--plugin", PARTS)
    return evenhand("run", "suites/small.yaml", "--inline", *plugins, *arguments)


def test_prepare_says_what_it_made_and_check_says_it_again(here):
    made = data("prepare", "tiny", "--from", "mirror", "--root", "images")
    assert made.startswith("tiny: 15 of 15 training images, 6 test images\n")
    assert f"image folder {here / 'mirror'}\n" in made
    assert re.search(r"images/tiny, fingerprint [0-9a-f]{32}\n", made)
    assert data("check", "tiny", "--root", "images") == made
    assert data("prepare", "tiny", "--root", "images") == made


def test_what_is_lacking_is_counted(here):
    (here / "mirror" / "train" / "bee" / "0000.png").unlink()
    made = data("prepare", "tiny", "--from", "mirror")
    assert "14 of 15 training images" in made
    assert re.search(r"missing training images.*: bee 4\n", made)
    told = json.loads(data("check", "tiny", "--json"))
    assert told["train"] == {"ant": 5, "bee": 4, "cow": 5}
    assert told["folder"] == str(here / "home" / ".cache" / "evenhand" / "tiny")
    assert told["official_test"] is None
    assert told["in_official_order"] is False


def test_list_says_what_is_ready(here):
    before = data("list", "--root", "images")
    assert re.search(r"^cifar10 +not prepared$", before, re.MULTILINE)
    assert re.search(r"^digits +needs no preparation$", before, re.MULTILINE)
    assert before.endswith("images\n")
    data("prepare", "tiny", "--from", "mirror", "--root", "images")
    told = json.loads(data("list", "--root", "images", "--json"))
    assert {"name": "tiny", "status": "prepared: 15 of 15 training images"} in told["datasets"]
    (here / "images" / "tiny" / "test.labels.npy").unlink()
    assert "No such file" in data("list", "--root", "images")


def test_names_that_cannot_be_prepared(here):
    with pytest.raises(DataError, match=r"digits needs no preparation\n.*: celeba, cifar10,"):
        data("prepare", "digits")
    with pytest.raises(SpecError, match="did you mean 'cifar10'"):
        data("check", "cifar-10")
    with pytest.raises(DataError, match="tiny is not prepared"):
        data("check", "tiny")


def test_a_run_without_the_images_says_so_before_any_trial_starts(here):
    with pytest.raises(DataError, match="tiny is not prepared"):
        run()
    assert not list((here / "results").rglob("record*"))


def test_a_torn_data_set_stops_a_run_before_any_trial_starts(here):
    data("prepare", "tiny", "--from", "mirror", "--root", "images")
    pixels = here / "images" / "tiny" / "train.pixels.npy"
    pixels.write_bytes(pixels.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match=r"tiny.*not whole"):
        run("--data", "images")
    assert not list((here / "results").rglob("record*"))


@pytest.mark.parametrize("by", ["option", "variable", "suite", "cache"])
def test_a_run_finds_the_images_by(here, monkeypatch, by):
    root = here / ("home/.cache/evenhand" if by == "cache" else "images")
    data("prepare", "tiny", "--from", "mirror", "--root", str(root))
    if by == "variable":
        monkeypatch.setenv("EVENHAND_DATA", "images")
    if by == "suite":
        (here / "suites" / "small.yaml").write_text(SUITE + "data: ../images\n")
    run(*(["--data", "images"] if by == "option" else []))
    status = ("--plugin", "tiny.py", "--plugin", PARTS, "--json")
    told = json.loads(evenhand("status", "suites/small.yaml", *status))
    assert told["done"] == 1


def test_where_the_images_are_changes_no_key(here):
    def keys():
        plugins = ("--plugin", "tiny.py", "--plugin", PARTS)
        listed = evenhand("status", "suites/small.yaml", "--keys", "--json", *plugins)
        return [trial["key"] for trial in json.loads(listed)]

    before = keys()
    (here / "suites" / "small.yaml").write_text(SUITE + "data: /elsewhere\n")
    assert keys() == before


def test_a_bucket_is_listed_checked_and_read_by_a_run(here, bucket, monkeypatch):
    monkeypatch.setenv("EVENHAND_CACHE", str(here))
    url = bucket("command-line")
    data("prepare", "tiny", "--from", "mirror", "--root", "images")
    assert re.search(r"^tiny +not prepared$", data("list", "--root", url), re.MULTILINE)
    put(here / "images" / "tiny", url)

    listed = data("list", "--root", url)
    fingerprint = json.loads(data("check", "tiny", "--root", "images", "--json"))["fingerprint"]
    assert re.search(rf"^tiny +prepared: \S+ GB, fingerprint {fingerprint}$", listed, re.MULTILINE)
    assert f"object storage: {url}" in listed
    assert not (here / "fetched").exists()
    told = json.loads(data("check", "tiny", "--root", url, "--json"))
    assert told["folder"] == str(here / "fetched" / f"tiny-{fingerprint}")
    with pytest.raises(DataError, match="a data set is prepared in a folder"):
        data("prepare", "tiny", "--from", "mirror", "--root", url)

    (here / "suites" / "small.yaml").write_text(f"{SUITE}data: {url}\n")
    plugins = ("--plugin", "tiny.py", "--plugin", PARTS)
    evenhand("validate", "suites/small.yaml", *plugins)
    run()
    told = json.loads(evenhand("status", "suites/small.yaml", *plugins, "--json"))
    assert told["done"] == 1


def test_files_of_the_users_own_in_a_bucket_are_refused_before_any_trial_starts(here, bucket):
    table = "table: {path: birds.csv, label: species, profile: natural}"
    suite = SUITE.replace("tiny: {profile: exp, ratio: 2}", table)
    (here / "suites" / "small.yaml").write_text(suite)
    for command in ("validate", "plan", "run"):
        with pytest.raises(DataError, match="only prepared data sets and weights are fetched"):
            evenhand(
                *(command, "suites/small.yaml", "--plugin", PARTS, "--data", bucket("own")),
                *(["--inline"] if command == "run" else []),
            )
