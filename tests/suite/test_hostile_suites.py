"""Suites that were written to exhaust a machine, and files that are no suites."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evenhand.errors import SpecError
from evenhand.suite.only import restrict
from evenhand.suite.plain_yaml import MOST_LEVELS, MOST_VALUES
from evenhand.suite.resolve import open_suite
from evenhand.suite.yaml_lines import MOST_BYTES

SUITE = """
suite: mine
question: Is it only data?
problems: [{digits: {profile: exp, ratio: 10}}]
recipe: digits
seeds: 5
methods: [erm, la]
metrics: [balanced_error]
primary: balanced_error
baseline: erm
"""
GRID = f"{{grid: [{', '.join(map(str, range(1, 1001)))}]}}"


def doubling(link: str) -> str:
    """Lines of which each refers nine times to the one before."""
    names = [f"a{i}" for i in range(10)]
    lines = [f"{names[0]}: &{names[0]} {{k: 1}}\n"]
    for name, earlier in zip(names[1:], names, strict=False):
        nine = ", ".join([f"*{earlier}"] * 9)
        lines.append(f"{name}: &{name} {link.format(nine)}\n")
    return "".join(lines)


BOMBS = {
    "aliases": (SUITE + doubling("[{}]"), 15, f"more than {MOST_VALUES:,} values"),
    "merges": (SUITE + doubling("{{<<: [{}]}}"), 15, f"more than {MOST_VALUES:,} values"),
    "itself": (SUITE + "val: &v [*v]\n", 11, "the value &v contains itself"),
    "flow levels": (SUITE + "val: " + "[" * 5000, 11, f"more than {MOST_LEVELS} levels"),
    "block levels": (SUITE + "val:\n " + "- " * 5000, 12, f"more than {MOST_LEVELS} levels"),
    "digits": (SUITE.replace("5", "9" * 10_000), 6, "has 10,000 digits"),
    "seeds": (SUITE.replace("5", "1000000000"), 6, "write at most 10,000"),
    "settings": (
        SUITE.replace("la]", f"vs: {{tau: &g {GRID}, gamma: *g, recipe: {{lr: *g}}}}]"),
        7,
        "at most 100,000 trials, and this has 5,000,000,005",
    ),
    "draws": (
        SUITE.replace("la]", "la: {sample: 1000000000, tau: {uniform: [0, 1]}}]"),
        7,
        "at most 100,000 trials, and this has 5,000,000,005",
    ),
    "recipes": (
        SUITE.replace("recipe: digits", f"recipe: {{digits: {{lr: &g {GRID}, batch: *g}}}}"),
        5,
        "at most 100,000 trials, and this has 10,000,000",
    ),
    "problems": (
        SUITE.replace("ratio: 10", f"ratio: &g {GRID}, n_max: *g"),
        4,
        "at most 1,000 problems, and this has 1,000,000",
    ),
    "a class": (SUITE + "x: __class__\n", 11, "no key is called 'x' here"),
    "a tag": (SUITE + "val: !!int one\n", 11, "a suite has no tags, and here is !!int"),
    "code": (SUITE + "val: !!python/name:os.system ''\n", 11, "a suite has no tags"),
    "a list as key": (SUITE + "? [a, b]\n: 1\n", 11, "a key is a list or a mapping"),
}


@pytest.mark.parametrize(("text", "line", "says"), BOMBS.values(), ids=BOMBS)
def test_a_suite_that_stands_for_too_much_is_refused_with_its_line(tmp_path, text, line, says):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(SpecError) as raised:
        open_suite(path)
    # Half a second here; the time leaves room for a busy machine.
    assert time.process_time() - began < 3
    assert says in str(raised.value)
    assert raised.value.places[0] == f"{path}:{line}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("seeds=1000000000", "write at most 10,000"),
        ("seeds=" + "1" * 10_000, "has 10,000 digits"),
        ("recipe.lr=" + "[" * 5000, f"more than {MOST_LEVELS} levels"),
        ("seeds=&s [*s]", "contains itself"),
        ("problems.ratio=!!python/name:os.system ''", "a suite has no tags"),
        (f"recipe.lr={GRID}", "at most 100,000 trials"),
    ],
)
def test_a_change_that_stands_for_too_much_is_refused(tmp_path, change, says):
    path = tmp_path / "x.yaml"
    path.write_text(SUITE.replace("seeds: 5", "seeds: 100"))
    with pytest.raises(SpecError) as raised:
        open_suite(path, [change])
    assert says in str(raised.value)
    assert str(raised.value).startswith("--set ")


@pytest.mark.parametrize(
    "text", ["seed=" + "1" * 100_000, "method=" + "*a" * 5000 + "b", "(" * 100_000, "__class__=1"]
)
def test_a_filter_of_any_length_is_refused(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(SUITE)
    with pytest.raises(SpecError, match="--only"):
        restrict(open_suite(path), [text])


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of the memory is read from /proc")
def test_validation_of_a_bomb_takes_less_than_200_mb_and_prints_no_traceback(tmp_path):
    (tmp_path / "x.yaml").write_text(SUITE + doubling("[{}]"))
    script = (
        "import sys\nsys.argv = ['evenhand', 'validate', 'x.yaml']\n"
        "from evenhand.cli import main\n"
        "try: main()\n"
        # `ru_maxrss` would count the memory of the process that started this one.
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(str(root / name) for name in ("harness", "reports"))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("x.yaml:15: the file stands for more than")
    assert "Traceback" not in done.stderr
    assert int(done.stdout) < 200 * 1024


SECRETS = {
    "private key": "-----BEGIN PRIVATE KEY-----\nsecret: a: b\n\tsecret\n",
    "settings": "token: secret\ntoken: secret\n",
    "users": "root:secret:0:0:/root:/bin/sh\n",
    "valid YAML": "secret: 1\n",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_of_a_file_that_is_no_suite_no_line_is_quoted(tmp_path, text):
    path = tmp_path / "id_rsa"
    path.write_text(text)
    with pytest.raises(SpecError, match="suite: NAME") as raised:
        open_suite(path)
    assert "secret" not in str(raised.value)


def test_a_line_of_a_suite_is_quoted_in_its_first_hundred_characters(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(SUITE + "val: a: " + "b" * 10_000)
    with pytest.raises(SpecError, match="the line reads 'val: a: bbb") as raised:
        open_suite(path)
    assert len(str(raised.value)) < 500


def test_a_named_pipe_a_socket_a_device_and_a_large_file_are_no_suites(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_text("#" * (MOST_BYTES + 1))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.yaml"))
        for name, says in (
            (str(tmp_path / "pipe.yaml"), "it is a named pipe"),
            (str(tmp_path / "large.yaml"), "it is larger than 262,144 bytes"),
            (str(tmp_path / "socket.yaml"), "cannot be read"),
            ("/dev/zero", "it is a device"),
        ):
            with pytest.raises(SpecError, match=says):
                open_suite(name)
