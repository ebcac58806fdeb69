"""The digest of a part follows code that is reached in unusual ways, and leaves out the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from evenhand.declared.plugin import load_plugins
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError

HEAD = "from evenhand import Method, Stage, losses, method\n"


def returns(tau: str) -> str:
    return f"@method()\ndef mine() -> Method:\n    return Method(Stage(losses.la({tau})))\n"


def code_of(folder: Path, files: dict[str, str]) -> str:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(HEAD + text if path == "mine.py" else text)
    load_plugins([folder / "mine.py"])
    part = REGISTRY.part("method", "mine")
    REGISTRY.make("method", part)
    assert part.code
    return part.code


EDITS = {
    "a table that a function of the user's own changes": (
        {
            "mine.py": "T = []\ndef add(t, v):\n    t.append(v)\nx = add(T, 1.0)\n"
            + returns("T[0]"),
        },
        ("mine.py", "add(T, 1.0)", "add(T, 2.0)"),
    ),
    "a changed constant of a helper": (
        {
            "mine.py": ("import helper\nfrom helper import weigh\nhelper.A = 1.0\nhelper.K = 2.0\n")
            + returns("weigh()"),
            "helper.py": "A=0\nK=1.0\ndef weigh():\n    return K+A\n",
        },
        ("mine.py", "helper.K = 2.0", "helper.K = 3.0"),
    ),
    "class body same name": (
        {
            "mine.py": "tau = 2.0\nclass C:\n    tau = tau\n" + returns("C.tau"),
        },
        ("mine.py", "tau = 2.0", "tau = 3.0"),
    ),
    "dataclass same name": (
        {
            "mine.py": (
                "from dataclasses import dataclass\n"
                "tau = 2.0\n"
                "@dataclass\n"
                "class C:\n"
                "    tau: float = tau\n"
            )
            + returns("C().tau"),
        },
        ("mine.py", "tau = 2.0", "tau = 3.0"),
    ),
    "conditional import in function": (
        {
            "mine.py": (
                "def f():\n"
                "    try:\n"
                "        from helper import weigh\n"
                "    except ImportError:\n"
                "        from other import weigh\n"
                "    return weigh()\n"
            )
            + returns("f()"),
            "helper.py": "def weigh():\n    return 1.0\n",
            "other.py": "def weigh():\n    return 1.0\n",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "same name imported in two methods": (
        {
            "mine.py": (
                "class C:\n"
                "    def f(self):\n"
                "        from helper import weigh\n"
                "        return weigh()\n"
                "    def g(self):\n"
                "        from other import weigh\n"
                "        return weigh()\n"
            )
            + returns("C().f()"),
            "helper.py": "def weigh():\n    return 1.0\n",
            "other.py": "def weigh():\n    return 1.0\n",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "submodule shadowed": (
        {
            "mine.py": "from pack import loss\n" + returns("loss()"),
            "pack/__init__.py": "from .impl import loss\n",
            "pack/impl.py": "def loss():\n    return 1.0\n",
            "pack/loss.py": "X=1\n",
        },
        ("pack/impl.py", "1.0", "2.0"),
    ),
    "star after binding": (
        {
            "mine.py": "K = 1.0\nfrom helper import *\n" + returns("K"),
            "helper.py": "K = 2.0\n",
        },
        ("helper.py", "2.0", "3.0"),
    ),
    "star after import": (
        {
            "mine.py": "from other import K\nfrom helper import *\n" + returns("K"),
            "helper.py": "K = 2.0\n",
            "other.py": "K=1.0\n",
        },
        ("helper.py", "2.0", "3.0"),
    ),
    "main guard negated": (
        {
            "mine.py": "K = 1.0\nif __name__ != '__main__':\n    K = 2.0\n" + returns("K"),
        },
        ("mine.py", "2.0", "3.0"),
    ),
    "main guard else": (
        {
            "mine.py": "K = 1.0\nif __name__ == '__main__':\n    pass\nelse:\n    K = 2.0\n"
            + returns("K"),
        },
        ("mine.py", "2.0", "3.0"),
    ),
    "globals computed": (
        {
            "mine.py": "def weigh_a():\n    return 1.0\n" + returns("globals()['weigh_' + 'a']()"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "sys.modules": (
        {
            "mine.py": "import sys\ndef weigh_a():\n    return 1.0\n"
            + returns("getattr(sys.modules[__name__], 'weigh_' + 'a')()"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "eval": (
        {
            "mine.py": "def weigh():\n    return 1.0\n" + returns("eval('weigh()')"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "init_subclass": (
        {
            "mine.py": (
                "class Base:\n"
                "    known = {}\n"
                "    def __init_subclass__(cls):\n"
                "        Base.known[cls.__name__[:1]] = cls\n"
                "class Big(Base):\n"
                "    size = 1.0\n"
            )
            + returns("Base.known['B'].size"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "init_subclass in helper": (
        {
            "mine.py": "from helper import Base\nclass Big(Base):\n    size = 1.0\n"
            + returns("Base.known['B'].size"),
            "helper.py": (
                "class Base:\n"
                "    known = {}\n"
                "    def __init_subclass__(cls):\n"
                "        Base.known[cls.__name__[:1]] = cls\n"
            ),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "subclasses": (
        {
            "mine.py": "class Base: pass\nclass Big(Base):\n    size = 1.0\n"
            + returns("Base.__subclasses__()[0].size"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "metaclass": (
        {
            "mine.py": (
                "class Meta(type):\n"
                "    known = []\n"
                "    def __init__(cls, *a):\n"
                "        Meta.known.append(cls)\n"
                "class Big(metaclass=Meta):\n"
                "    size = 1.0\n"
            )
            + returns("Meta.known[0].size"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "a decorator of an own registry": (
        {
            "mine.py": (
                "class R:\n"
                "    d = {}\n"
                "    def schedule(self, f):\n"
                "        self.d[0] = f\n"
                "        return f\n"
                "REG = R()\n"
                "@REG.schedule\n"
                "def warm():\n"
                "    return 1.0\n"
            )
            + returns("REG.d[0]()"),
        },
        ("mine.py", "return 1.0", "return 2.0"),
    ),
    "own decorator named cache": (
        {
            "mine.py": (
                "D = []\n"
                "def cache(f):\n"
                "    D.append(f)\n"
                "    return f\n"
                "@cache\n"
                "def warm():\n"
                "    return 1.0\n"
            )
            + returns("D[0]()"),
        },
        ("mine.py", "return 1.0", "return 2.0"),
    ),
    "an argument `version` of an own function": (
        {
            "mine.py": "def schedule(version=1):\n    return float(version)\n"
            + returns("schedule(version=1)"),
        },
        ("mine.py", "schedule(version=1))", "schedule(version=2))"),
    ),
    "a call of a helper that makes the part": (
        {
            "mine.py": "from helper import make\nmine = method(name='mine')(make(1.0))\n",
            "helper.py": HEAD
            + (
                "def make(tau):\n"
                "    def made() -> Method:\n"
                "        return Method(Stage(losses.la(tau)))\n"
                "    return made\n"
            ),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "a decorator of a helper without wraps": (
        {
            "mine.py": (
                "from helper import deco\n"
                "@method(name='mine')\n"
                "@deco\n"
                "def mine() -> Method:\n"
                "    return Method(Stage(losses.la(1.0)))\n"
            ),
            "helper.py": ("def deco(f):\n    def made():\n        return f()\n    return made\n"),
        },
        ("mine.py", "1.0", "2.0"),
    ),
    "match capture": (
        {
            "mine.py": "match 3.0:\n    case K: pass\n" + returns("K"),
        },
        ("mine.py", "3.0", "4.0"),
    ),
    "assign call effect": (
        {
            "mine.py": "T = {}\ndef put(v):\n    T['a'] = v\n_ = put(1.0)\n" + returns("T['a']"),
        },
        ("mine.py", "put(1.0)", "put(2.0)"),
    ),
    "if call effect": (
        {
            "mine.py": "T = {}\ndef put(v):\n    T['a'] = v\nif put(1.0): pass\n"
            + returns("T['a']"),
        },
        ("mine.py", "put(1.0)", "put(2.0)"),
    ),
    "star __all__ submodule": (
        {
            "mine.py": "from pack import *\n" + returns("inner.f()"),
            "pack/__init__.py": "__all__ = ['inner']\n",
            "pack/inner.py": "def f():\n    return 1.0\n",
        },
        ("pack/inner.py", "1.0", "2.0"),
    ),
    "relative import_module": (
        {
            "mine.py": "import importlib\n"
            + returns("importlib.import_module('.helper', __name__).f()"),
            "helper.py": "def f():\n    return 1.0\n",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "resolve_name": (
        {
            "mine.py": "import pkgutil\n" + returns("pkgutil.resolve_name('helper:f')()"),
            "helper.py": "def f():\n    return 1.0\n",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "runpy": (
        {
            "mine.py": "import runpy, os\n"
            + returns("runpy.run_path(os.path.join(os.path.dirname(__file__), 'helper.py'))['K']"),
            "helper.py": "K = 1.0\n",
        },
        ("helper.py", "1.0", "2.0"),
    ),
}
KEPT = {
    "main guard itself": (
        {
            "mine.py": "K = 1.0\n" + returns("K") + "if __name__ == '__main__':\n    print(2.0)\n",
        },
        ("mine.py", "2.0", "3.0"),
    ),
    "finally ellipsis": (
        {
            "mine.py": "try:\n    K = 1.0\nfinally:\n    ...\n# c\n" + returns("K"),
        },
        ("mine.py", "# c", "# d"),
    ),
    "star private": (
        {
            "mine.py": "_K = 1.0\nfrom helper import *\n" + returns("_K"),
            "helper.py": "_K = 2.0\n",
        },
        ("helper.py", "2.0", "3.0"),
    ),
    "unused third party": (
        {
            "mine.py": "# x\n" + returns("1.0"),
        },
        ("mine.py", "# x", "import pandas\n"),
    ),
    "type-checking": (
        {
            "mine.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from helper import X\n"
            )
            + returns("1.0"),
            "helper.py": "X = 1.0\n",
        },
        ("helper.py", "1.0", "2.0"),
    ),
}


def edited(files: dict[str, str], edit: tuple[str, str, str]) -> dict[str, str]:
    path, old, new = edit
    assert old in files[path]
    return files | {path: files[path].replace(old, new, 1)}


@pytest.mark.parametrize(("files", "edit"), EDITS.values(), ids=EDITS)
def test_an_edit_of_what_a_part_reaches_changes_its_digest(tmp_path, unregistered, files, edit):
    before = code_of(tmp_path, files)
    assert code_of(tmp_path, edited(files, edit)) != before
    assert code_of(tmp_path, files) == before


@pytest.mark.parametrize(("files", "edit"), KEPT.values(), ids=KEPT)
def test_an_edit_of_other_code_keeps_the_digest(tmp_path, unregistered, files, edit):
    assert code_of(tmp_path, files) == code_of(tmp_path, edited(files, edit))


@pytest.mark.parametrize("made", ["partial(base, 1.0)", "Maker()"])
def test_a_part_that_is_no_function_is_refused(tmp_path, unregistered, made):
    text = (
        "from functools import partial\n"
        "def base(tau: float) -> Method:\n    return Method(Stage(losses.la(tau)))\n"
        "class Maker:\n    def __call__(self) -> Method:\n        return base(1.0)\n"
        f"method(name='mine')({made})\n"
    )
    with pytest.raises(SpecError, match=r"a method is a function, not a (partial|Maker)"):
        code_of(tmp_path, {"mine.py": text})
