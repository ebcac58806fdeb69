"""The digest of a part of the user's own follows the code that makes the part, and no other."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from evenhand.declared.plugin import Plugin, load_plugins
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError

HEAD = """
from evenhand import Method, Stage, losses, method
import helper
from helper import weigh as w
from pack.inner import *
from pack import deep
TAU = 1.0
TABLE = {}
TABLE.update(a=1)
OTHER = 5


class Base:
    size = 1


class Loss(Base):
    pass


def plain(tau):
    return tau


@method(cite="me", title="Mine")
def mine(tau: float = 1.0) -> Method:
    # A comment.
    \"\"\"A method of mine.\"\"\"
    from late import late
    return Method(Stage(losses.la(late(w(tau)) * TAU + TABLE["a"] + Loss.size + helper.used(deep.f)
                                  + starred(plain(tau)))))


@method()
def another() -> Method:
    \"\"\"Another method.\"\"\"
    return Method(Stage(losses.la(1.0 + OTHER)))
"""
FILES = {
    "mine.py": HEAD,
    "helper.py": "K = 1\ndef weigh(t):\n    return t * K\ndef used(x):\n    return 0\n"
    "def unused(x):\n    return 1\n",
    "late.py": "import math\ndef late(x):\n    return math.floor(x) + 1\n",
    "pack/__init__.py": "",
    "pack/inner.py": "from .parts import below\ndef starred(x):\n    return below(x)\n",
    "pack/parts.py": "def below(x):\n    return x - 1\n",
    "pack/deep.py": "def f():\n    return 1\ndef g():\n    return 2\n",
    "unrelated.py": "X = 1\n",
    "weights.txt": "1",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder / "mine.py"


def code_of(folder: Path, files: dict[str, str], name: str = "mine") -> str:
    load_plugins([write(folder, files)])
    found = REGISTRY.part("method", name).code
    assert found
    return found


EDITS = {
    "a global": ("mine.py", "TAU = 1.0", "TAU = 2.0"),
    "a change of a global": ("mine.py", "TABLE.update(a=1)", "TABLE.update(a=2)"),
    "a base class": ("mine.py", "size = 1", "size = 2"),
    "a function of the file": ("mine.py", "return tau\n", "return -tau\n"),
    "a default": ("mine.py", "tau: float = 1.0", "tau: float = 1.5"),
    "a function under another name": ("helper.py", "t * K", "t / K"),
    "a global of a helper": ("helper.py", "K = 1", "K = 2"),
    "an attribute of a module": ("helper.py", "return 0", "return 0.5"),
    "an import in a function": ("late.py", "+ 1", "+ 2"),
    "a name of a star": ("pack/inner.py", "below(x)", "below(x) + 1"),
    "a relative import": ("pack/parts.py", "x - 1", "x - 2"),
    "a module of a package": ("pack/deep.py", "return 1", "return 3"),
    "an effect of a package": ("pack/__init__.py", "", "import math\nprint(math.pi)\n"),
}
KEPT = {
    "a comment": ("mine.py", "# A comment.", "# Another comment."),
    "a docstring": ("mine.py", "A method of mine.", "It does what it does."),
    "a title": ("mine.py", 'title="Mine"', 'title="My method", aliases=("my_mine",)'),
    "layout": ("mine.py", "TAU = 1.0", "TAU    =    (1.0)"),
    "another part": ("mine.py", "1.0 + OTHER", "2.0 + OTHER"),
    "what another part reads": ("mine.py", "OTHER = 5", "OTHER = 6"),
    "a further function": ("mine.py", "TAU = 1.0", "TAU = 1.0\ndef extra():\n    return 1\n"),
    "an unused function of a helper": ("helper.py", "return 1\n", "return 2\n"),
    "an unused function of a package": ("pack/deep.py", "return 2", "return 3"),
    "a comment in a helper": ("helper.py", "K = 1", "K = 1  # as in the paper"),
    "a docstring in a helper": ("pack/parts.py", "return", '"""Below."""\n    return'),
    "a module that is not imported": ("unrelated.py", "X = 1", "X = 2"),
    "a file of data": ("weights.txt", "1", "2"),
}


def edited(edit: tuple[str, str, str]) -> dict[str, str]:
    path, old, new = edit
    assert old in FILES[path]
    return FILES | {path: FILES[path].replace(old, new, 1)}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_part_has_another_digest_after_an_edit_of_what_it_reaches(tmp_path, unregistered, edit):
    before = code_of(tmp_path, FILES)
    assert code_of(tmp_path, edited(edit)) != before
    assert code_of(tmp_path, FILES) == before


@pytest.mark.parametrize("edit", KEPT.values(), ids=KEPT)
def test_a_part_keeps_its_digest_after_an_edit_of_what_it_does_not_reach(
    tmp_path, unregistered, edit
):
    assert code_of(tmp_path, FILES) == code_of(tmp_path, edited(edit))


def test_a_part_runs_the_code_of_its_digest_after_each_edit(tmp_path, unregistered):
    files = {
        "mine.py": "from evenhand import Method, Stage, losses, method\nfrom helper import tau\n"
        "@method()\ndef mine() -> Method:\n    return Method(Stage(losses.la(tau())))\n",
    }
    taus = []
    for value in (1.0, 2.0, 1.0):
        helper = f"def tau():\n    return {value}\n"
        code_of(tmp_path, files | {"helper.py": helper})
        [stage] = REGISTRY.make("method", REGISTRY.part("method", "mine")).stages
        taus.append(stage.loss.delta.tau)
    assert taus == [1.0, 2.0, 1.0]


def test_the_digest_of_a_plugin_does_not_depend_on_its_folder(tmp_path, unregistered):
    write(tmp_path / "a", FILES)
    first = code_of(tmp_path / "a", FILES)
    (tmp_path / "a").rename(tmp_path / "b")
    assert fresh(tmp_path / "b") == first


def fresh(folder: Path, seed: str = "0", more: str = "") -> str:
    """The digest in a new process, whose working directory is elsewhere."""
    code = f"""
        from evenhand.declared.plugin import Plugin, load_plugins
        from evenhand.declared.registry import REGISTRY
        {more or f"load_plugins([{str(folder / 'mine.py')!r}])"}
        print(REGISTRY.part("method", "mine").code)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_digest_is_the_same_in_every_process(tmp_path, unregistered):
    here = code_of(tmp_path, FILES)
    assert {fresh(tmp_path, seed) for seed in ("1", "2")} == {here}


def test_a_worker_without_the_files_makes_the_same_part(tmp_path, unregistered):
    here = code_of(tmp_path, FILES)
    plugin = Plugin.read(tmp_path / "mine.py")
    for path in [*tmp_path.rglob("*.py")]:
        path.unlink()
    sent = f"Plugin({plugin.path!r}, {plugin.source!r}, {plugin.file!r}, {plugin.modules!r}).load()"
    assert fresh(tmp_path, more=sent) == here


def test_only_imported_modules_are_sent_to_the_workers(tmp_path):
    plugin = Plugin.read(write(tmp_path, FILES))
    assert [path for path, _ in plugin.modules] == [
        "helper.py",
        "late.py",
        "pack/__init__.py",
        "pack/deep.py",
        "pack/inner.py",
        "pack/parts.py",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import_module('helper').weigh(1)", "x * 2"),
        ("__import__('helper').weigh(1)", "x * 2"),
        ("import_module('hel' + 'per').weigh(1)", "x * 2"),
        ("getattr(helper, 'weigh')(1)", "x * 2"),
        ("globals()['local'](1)", "x * 2"),
    ],
)
def test_code_that_is_reached_by_its_name_counts(tmp_path, unregistered, before, after):
    head = "from importlib import import_module\nimport helper\nfrom evenhand import *\n"
    local = "def local(x):\n    return x\n"
    files = {
        "mine.py": f"{head}{local}@method()\ndef mine() -> Method:\n    {before}\n"
        "    return Method(Stage(losses.la(1.0)))\n",
        "helper.py": "def weigh(x):\n    return x\n",
    }
    path = "mine.py" if "local" in before else "helper.py"
    changed = files | {path: files[path].replace("return x\n", f"return {after}\n")}
    assert code_of(tmp_path, files) != code_of(tmp_path, changed)


def test_a_network_that_a_decorator_registers_counts(tmp_path, unregistered):
    files = {
        "mine.py": "from evenhand import Method, Stage, losses, method\nNETS = {}\n"
        "def register(f):\n    NETS[f.__name__] = f\n    return f\n"
        "@register\ndef net():\n    return 1\n"
        "@method()\ndef mine() -> Method:\n    return Method(Stage(losses.la(1.0)))\n"
    }
    changed = {"mine.py": files["mine.py"].replace("return 1", "return 2")}
    assert code_of(tmp_path, files) != code_of(tmp_path, changed)


def test_parts_that_a_loop_makes_follow_the_whole_module(tmp_path, unregistered):
    text = (
        "from evenhand import Method, Stage, losses, method\n"
        "def make(tau):\n    def made() -> Method:\n        return Method(Stage(losses.la(tau)))\n"
        "    return made\n"
        "for name, tau in (('mine', 1.0), ('other', 2.0)):\n    method(name=name)(make(tau))\n"
    )
    changed = text.replace("1.0", "1.5")
    assert code_of(tmp_path, {"mine.py": text}) != code_of(tmp_path, {"mine.py": changed})


def test_an_installed_package_counts_by_its_version(tmp_path, unregistered, monkeypatch):
    from evenhand.declared import module_sources

    files = {
        "mine.py": "import typer, json, torch, numpy as np\n"
        "from evenhand import Method, Stage, losses, method\n"
        "@method()\ndef mine() -> Method:\n    typer.run, json.dumps, torch.ones, np.ones\n"
        "    return Method(Stage(losses.la(1.0)))\n"
    }
    asked = []

    def version(name):
        asked.append(name)
        return found[name]

    monkeypatch.setattr(module_sources, "version", version)
    codes = []
    for number in ("1.0", "2.0"):
        module_sources.installed_version.cache_clear()
        found = {"typer": number}
        codes.append(code_of(tmp_path, files | {"x.py": number}))
        REGISTRY._entries["method"].pop("mine")
        for module in [m for m in sys.modules if m.startswith("evenhand_plugin_mine")]:
            del sys.modules[module]
    module_sources.installed_version.cache_clear()
    assert codes[0] != codes[1]
    assert set(asked) == {"typer"}


def test_a_plugin_may_not_import_a_neighbour_with_the_name_of_another_module(
    tmp_path, unregistered
):
    files = {"mine.py": "import typer\n", "typer.py": "X = 1\n"}
    import typer  # noqa: F401  the module that has the name

    with pytest.raises(SpecError, match="rename the module beside the plugin"):
        load_plugins([write(tmp_path, files)])


def test_two_plugins_of_one_folder_share_its_modules(tmp_path, unregistered):
    files = FILES | {"second.py": HEAD.replace("mine(", "mine2(").replace("another(", "b(")}
    write(tmp_path, files)
    load_plugins([tmp_path / "mine.py", tmp_path / "second.py"])
    first, second = (REGISTRY.get("method", name).make for name in ("mine", "mine2"))
    assert first.__globals__["helper"] is second.__globals__["helper"]


def test_a_helper_that_fails_is_named_with_its_line(tmp_path, unregistered):
    path = write(tmp_path, {"mine.py": "import helper\n", "helper.py": "x = 1\n1 / 0\n"})
    with pytest.raises(SpecError, match=r"helper\.py:2: the plugin fails: ZeroDivisionError"):
        load_plugins([path])
    write(tmp_path, {"helper.py": "x = 1\n"})
    load_plugins([path])


def test_a_helper_may_have_another_encoding(tmp_path, unregistered):
    helper = "# -*- coding: latin-1 -*-\nNAME = '\xe9'\n".encode("latin-1")
    (tmp_path / "helper.py").write_bytes(helper)
    load_plugins([write(tmp_path, {"mine.py": "from helper import NAME\nassert NAME == '\xe9'\n"})])


@pytest.mark.parametrize(
    ("edit", "is_other"),
    [("return 2", True), ("return 1  # One.", False)],
)
def test_an_edit_of_a_module_that_is_not_read_again_is_refused(
    tmp_path, unregistered, monkeypatch, edit, is_other
):
    """A module on PYTHONPATH is imported as any other, and not run again for a plugin."""
    library = tmp_path / "library"
    name = f"library_{tmp_path.name}"
    write(library, {f"{name}.py": "def f():\n    return 1\n"})
    monkeypatch.syspath_prepend(str(library))
    text = (
        f"from evenhand import Method, Stage, losses, method\nfrom {name} import f\n"
        "@method()\ndef mine() -> Method:\n    return Method(Stage(losses.la(f())))\n"
    )
    before = code_of(tmp_path / "plugin", {"mine.py": text})
    write(library, {f"{name}.py": f"def f():\n    {edit}\n"})
    if is_other:
        with pytest.raises(SpecError, match="'mine' was edited after it was imported"):
            code_of(tmp_path / "plugin", {"mine.py": text})
    else:
        assert code_of(tmp_path / "plugin", {"mine.py": text}) == before
    assert (fresh(tmp_path / "plugin") != before) == is_other
