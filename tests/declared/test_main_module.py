"""Digests of parts of notebooks, scripts and installed packages, each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.declared.test_registry import PACKAGE, install

NOTEBOOK = """
import json, linecache, sys
import __main__
from evenhand.declared.registry import REGISTRY
for i, cell in enumerate(json.load(open(sys.argv[1]))):
    name = f"<cell {i}>"
    linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
    exec(compile(cell, name, "exec"), vars(__main__))
    if "mine" in REGISTRY._entries.get("method", {}):
        print("code", REGISTRY.get("method", "mine").code)
"""
PART = """
from evenhand import Method, Stage, losses, method
@method()
def mine() -> Method:
    return Method(Stage(losses.la({})))
"""


def python(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def codes(folder: Path, *cells: str) -> list[str]:
    """The digest of `mine` after each cell of a notebook that defines it."""
    (folder / "cells.json").write_text(json.dumps(cells))
    (folder / "notebook.py").write_text(NOTEBOOK)
    lines = python(folder, "notebook.py", "cells.json").splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith("code ")]


@pytest.mark.parametrize(
    ("cell", "edited"),
    [
        ("TAU = 1.0", "TAU = 2.0"),
        ("def f(): return 1.0\nTAU = f()", "def f(): return 2.0\nTAU = f()"),
        ("import numpy as np\nTAU = np.ones(3)", "TAU = np.zeros(3)"),
        ("TAU = {'a': [1, 2]}", "TAU['a'].append(3)"),
        ("TAU = {1, 2}", "TAU = {1, 3}"),
        ("class TAU:\n    def f(self): return 1", "class TAU:\n    def f(self): return 2"),
        ("class TAU:\n    x = 1", "class TAU:\n    x = 2"),
        ("class B:\n    x = 1\nclass TAU(B): pass", "class B:\n    x = 2\nclass TAU(B): pass"),
        ("class A:\n    def f(self): return 1\nTAU = A()", "TAU.x = 3"),
        ("TAU = lambda: 1", "TAU = lambda: 2"),
        ("from functools import partial\nTAU = partial(max, 1)", "TAU = partial(max, 2)"),
        ("def g(n):\n    def f(): return n\n    return f\nTAU = g(1)", "TAU = g(2)"),
        (
            "from dataclasses import dataclass, field\n@dataclass\nclass TAU:\n    x: int = 1",
            "@dataclass\nclass TAU:\n    x: int = 2",
        ),
        (
            "from dataclasses import dataclass, field\n@dataclass\n"
            "class TAU:\n    x: list = field(default_factory=lambda: [1])",
            "@dataclass\nclass TAU:\n    x: list = field(default_factory=lambda: [2])",
        ),
        ("import functools\n@functools.lru_cache\ndef TAU(): return 1", "def TAU(): return 2"),
    ],
)
def test_a_part_of_a_notebook_follows_what_it_reaches(tmp_path, cell, edited):
    before, other, after = codes(tmp_path, cell + PART.format("TAU"), "OTHER = 3", edited)
    assert before == other != after
    assert codes(tmp_path, cell, PART.format("TAU"))[-1] == before


@pytest.mark.parametrize(
    "cell",
    ["# A comment.\nTAU = 1.0", "OTHER = 1.0", "import math", "def mine2(): return TAU", "TAU"],
)
def test_a_part_of_a_notebook_keeps_its_digest_beside_other_cells(tmp_path, cell):
    before, after = codes(tmp_path, "TAU = 1.0" + PART.format("TAU"), cell)
    assert before == after


def test_a_cell_that_is_run_again_with_another_docstring_is_the_same_part(tmp_path):
    text = PART.format("1.0")
    documented = text.replace("Method:\n", 'Method:\n    """Mine."""\n    # A comment.\n')
    changed = PART.format("2.0")
    before, same, after = codes(tmp_path, text, documented, changed)
    assert before == same != after


SCRIPT = """
import evenhand as eh
from helper import tau
SCALE = 2.0
{part}
from evenhand.declared.registry import REGISTRY
print(REGISTRY.get("method", "mine").code)
"""


def script(folder: Path, *, helper: str, text: str = SCRIPT) -> str:
    (folder / "helper.py").write_text(helper)
    (folder / "train.py").write_text(text.format(part=PART.format("tau() * SCALE")))
    return python(folder, "train.py").strip()


def test_a_part_of_a_script_follows_the_files_beside_it(tmp_path):
    before = script(tmp_path, helper="def tau():\n    return 1.0\n")
    same = script(tmp_path, helper="# One.\ndef tau():\n    return 1.0\nX = 1\n")
    assert before == same != script(tmp_path, helper="def tau():\n    return 2.0\n")
    other = SCRIPT.replace("SCALE = 2.0", "SCALE = 3.0")
    assert script(tmp_path, helper="def tau():\n    return 1.0\n", text=other) != before


@pytest.mark.parametrize(
    "edit", ["def tau():\n    return 2.0\nK = 1\n", "def tau():\n    return 1.0\nK = 2\n"]
)
def test_a_module_that_was_edited_after_its_import_is_refused_until_it_is_reloaded(tmp_path, edit):
    (tmp_path / "helper.py").write_text("def tau():\n    return 1.0\nK = 1\n")
    write = f"import pathlib\npathlib.Path('helper.py').write_text({edit!r})\n"
    asked = (
        "from evenhand import SpecError\n"
        "try:\n    REGISTRY.get('method', 'mine').code\nexcept SpecError as error:\n"
        "    print('code', error)\n"
        "import importlib\nimportlib.reload(helper)\nfrom helper import tau\n"
    )
    part = PART.format("tau() + helper.K")
    first, refused, last = codes(
        tmp_path, f"import helper\nfrom helper import tau\n{part}", write + asked
    )
    assert refused.endswith("helper.py: the module 'helper' was edited after it was imported")
    assert first != last


def package_code(folder: Path, text: str, losses: str) -> str:
    """The digest of a method that an installed package registers."""
    inside = folder / "site-packages"
    inside.mkdir(exist_ok=True)
    if not (inside / "their_package").exists():
        install(inside, "", "theirs = their_package.methods")
        (inside / "their_package.py").unlink()
        (inside / "their_package").mkdir()
        (inside / "their_package" / "__init__.py").write_text("")
    (inside / "their_package" / "methods.py").write_text(text)
    (inside / "their_package" / "losses.py").write_text(losses)
    code = (
        f"import sys; sys.path.insert(0, {str(inside)!r})\n"
        "from evenhand.declared.registry import REGISTRY\n"
        "print(REGISTRY.part('method', 'mine').code)"
    )
    return python(folder, "-c", code).strip()


def test_a_part_of_an_entry_point_follows_its_package(tmp_path):
    text = PACKAGE.replace("Method(Stage(", "Method(Stage(reduce=how(), ").replace(
        "from evenhand.declared.method", "from .losses import how\nfrom evenhand.declared.method", 1
    )
    losses = 'def how():\n    return "mean"\n'
    before = package_code(tmp_path, text, losses)
    assert len(before) == 8
    assert package_code(tmp_path, text.replace("A method of mine", "Mine"), losses) == before
    assert package_code(tmp_path, text.replace("Noise.", "Random."), losses) == before
    assert package_code(tmp_path, text, "# How.\n" + losses + "def no(): ...\n") == before
    assert package_code(tmp_path, text, losses.replace('"mean"', '"weighted_mean"')) != before


def test_parts_of_evenhand_have_no_digest():
    from evenhand.declared.registry import REGISTRY

    for kind in ("method", "dataset", "backbone", "metric"):
        found = {e.code for e in REGISTRY.all(kind) if e.make.__module__.startswith("evenhand.")}
        assert found == {None}


VALUES = (
    "import helper\nfrom evenhand import Method, Stage, losses, method\n"
    "from evenhand.declared.registry import REGISTRY\n{}"
    "@method()\ndef mine() -> Method:\n    return Method(Stage(losses.la(float({}))))\n"
    "print(REGISTRY.part('method', 'mine').code)\n"
)
HELPER = "K = 1.0\ndef f():\n    return K\n"


def script_code(folder: Path, text: str, seed: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PYTHONHASHSEED", seed)
    (folder / "script.py").write_text(text)
    (folder / "helper.py").write_text(HELPER)
    return python(folder, "script.py").strip()


@pytest.mark.parametrize(
    ("text", "tau", "old", "new"),
    [
        ("import torch\nW = torch.nn.Parameter(torch.ones(3))\n", "W[0]", "ones", "zeros"),
        ("import torch\ntorch.manual_seed(0)\nW = torch.nn.Linear(2, 2)\n", "W.bias[0]", "0", "1"),
        ("import pandas as pd\nD = pd.DataFrame({'a': ['x', 'y']})\n", "len(D)", "'y'", "'z'"),
        ("import pandas as pd\nD = pd.DataFrame({'a': [1, 2]})\n", "D.iloc[0, 0]", "'a'", "'b'"),
        ("K = 1.0\ndef w(k=K):\n    return k\nK = 5.0\n", "w()", "1.0", "2.0"),
        ("def w_a():\n    return 1.0\n", "globals()['w_' + 'a']()", "1.0", "2.0"),
        ("class A:\n    k = 1.0\nA.k = 5.0\n", "A.k", "5.0", "6.0"),
        ("helper.K = 5.0\n", "helper.f()", "5.0", "6.0"),
        (
            "class A:\n    __slots__ = ('k',)\n    def __init__(self, k):\n        self.k = k\n"
            "V = A(1.0)\n",
            "V.k",
            "1.0",
            "2.0",
        ),
    ],
)
def test_a_part_of_a_script_follows_the_values_that_it_reaches(
    tmp_path, monkeypatch, text, tau, old, new
):
    before = VALUES.format(text, tau)
    first, again = (script_code(tmp_path, before, seed, monkeypatch) for seed in ("1", "2"))
    after = script_code(tmp_path, VALUES.format(text.replace(old, new, 1), tau), "1", monkeypatch)
    assert first == again
    assert first != after


def test_a_part_that_a_helper_makes_follows_the_arguments_of_the_script(tmp_path, monkeypatch):
    made = (
        "def make(tau):\n    def made() -> Method:\n        return Method(Stage(losses.la(tau)))\n"
        "    return made\n"
    )
    head = "from evenhand import Method, Stage, losses\n"
    monkeypatch.setitem(globals(), "HELPER", head + made)
    text = (
        "import helper\nfrom evenhand import method\n"
        "from evenhand.declared.registry import REGISTRY\n"
        "method(name='mine')(helper.make(1.0))\nprint(REGISTRY.part('method', 'mine').code)\n"
    )
    before = script_code(tmp_path, text, "1", monkeypatch)
    after = script_code(tmp_path, text.replace("1.0", "2.0"), "1", monkeypatch)
    assert before != after


@pytest.mark.parametrize("kind", ["zip", "pyc"])
def test_a_package_without_sources_follows_its_bytes(tmp_path, kind):
    found = []
    for tau in (1.0, 2.0):
        folder = tmp_path / str(tau)
        folder.mkdir()
        install(
            folder, "import their_package.losses\n" + PART.format(tau), "theirs = their_package"
        )
        (folder / "their_package.py").rename(folder / "methods.py")
        (folder / "their_package").mkdir()
        (folder / "methods.py").rename(folder / "their_package" / "__init__.py")
        (folder / "their_package" / "losses.py").write_text("X = 1\n")
        place = folder
        if kind == "zip":
            place = Path(shutil.make_archive(str(tmp_path / f"a{tau}"), "zip", folder))
        else:
            python(folder, "-m", "compileall", "-q", "-b", "their_package")
            for path in (folder / "their_package").glob("*.py"):
                path.unlink()
        code = (
            f"import sys; sys.path.insert(0, {str(place)!r})\n"
            "from evenhand.declared.registry import REGISTRY\n"
            "print(REGISTRY.part('method', 'mine').code)"
        )
        found.append(python(tmp_path, "-c", code).strip())
    assert found[0] != found[1]
