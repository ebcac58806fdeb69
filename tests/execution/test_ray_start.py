"""Why a Ray does not start on this machine, and what is cured without asking."""

from __future__ import annotations

import os
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from evenhand.errors import RunError
from evenhand.execution import ray_start
from evenhand.execution.ray_cluster import connect
from evenhand.execution.ray_start import not_started, ray_folder

pytestmark = pytest.mark.filterwarnings("ignore")

Usage = namedtuple("Usage", "free")


def test_a_folder_in_which_no_ray_can_start_is_passed_over(monkeypatch, tmp_path):
    short = Path(os.environ.get("TMPDIR", "/tmp"))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    for unfit in (tmp_path / ("x" * 100), tmp_path / "é", "/proc/none"):
        monkeypatch.setenv("TMPDIR", str(unfit))
        assert ray_folder() in (f"{short}/ray", "/tmp/ray", "/var/tmp/ray")


def test_where_no_folder_fits_each_is_named_with_its_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("x" * 100)))
    monkeypatch.setenv("TMPDIR", "/proc/none")
    monkeypatch.setattr(ray_start.shutil, "disk_usage", lambda _: Usage(3 << 20))

    with pytest.raises(RunError) as raised:
        ray_folder()

    told = str(raised.value)
    assert "/x" + "x" * 99 + ": its path is longer than" in told
    assert "/proc/none: no such file or directory" in told
    assert "/tmp: 3 MiB are free, and Ray needs 32 MiB" in told
    assert "set TMPDIR" in told and "--inline" in told and "ray start" not in told


def test_a_machine_that_cannot_connect_to_itself_is_named(monkeypatch):
    def refuse(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with (
        pytest.raises(RunError, match=r"127\.0\.0\.1.*Network is unreachable\n.*ip link set lo"),
        connect(None),
    ):
        pass


def test_a_locale_that_cannot_encode_a_path_is_named_with_its_cure():
    error = UnicodeEncodeError("utf-8", "\udcc3", 0, 1, "surrogates not allowed")
    assert "LC_ALL=C.UTF-8" in str(not_started(error))
    told = str(not_started(Exception("The current node timed out\nmore")))
    assert "this machine: The current node timed out\n" in told and "ray start" not in told


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Exception("The current node timed out during startup"), "did not start on this machine: "),
        (UnicodeEncodeError("utf-8", "\udcc3", 0, 1, "surrogates"), "LC_ALL=C.UTF-8"),
    ],
    ids=["process", "locale"],
)
def test_a_ray_that_does_not_start_is_no_lost_cluster(monkeypatch, error, says):
    def init(*_, **__):
        raise error

    monkeypatch.setattr("ray.init", init)
    with pytest.raises(RunError, match=says) as raised, connect(None):
        pass
    assert type(raised.value) is RunError
    assert "ray start --head" not in str(raised.value)


def test_ray_starts_below_a_long_path_and_writes_nothing_into_the_home_folder(
    monkeypatch, tmp_path
):
    long = tmp_path / ("x" * 100) / "é"
    long.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ray_start.TOKEN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)

    with connect(None):
        import ray

        token = os.environ["RAY_AUTH_TOKEN"]
        shared = ray.get(ray.remote(lambda: os.environ["RAY_AUTH_TOKEN"]).remote())

    assert shared == token
    assert not (tmp_path / "home").exists()
    assert {k for k in ray_start.TOKEN_VARIABLES if os.environ.get(k) != before.get(k)} == set()
