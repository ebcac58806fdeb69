"""Parts by name: our own, a third party's through entry points, a single file's."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import evenhand
from evenhand.declared.base import Part
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Reduce, Stage
from evenhand.declared.plugin import Plugin, load_plugins, loaded_plugins
from evenhand.declared.registry import REGISTRY, Registered, Registry
from evenhand.errors import SpecError, UnknownName
from evenhand.losses.vector_scaling import VectorScaling
from tests.suite.suite_text import TEXT

KINDS = (
    "method",
    "dataset",
    "backbone",
    "metric",
    "recipe",
    "profile",
    "schedule",
    "augmentation",
    "optimizer",
)

PLUGIN = '''
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.declared.method import Method, Reduce, Stage
from evenhand.declared.decorators import method


@method(cite="nobody1999", title="Mine", version=3, aliases=("my_own",))
def mine(strength: float = 1.0) -> Method:
    """A method of mine."""
    return Method(Stage(loss=VectorScaling()))
'''

PACKAGE = (
    PLUGIN
    + '''
import numpy as np

from evenhand.data.images import Images, Source
from evenhand.declared.decorators import backbone, dataset, metric, recipe
from evenhand.suite.recipes import part
from evenhand.declared.recipe import Recipe


@dataset(title="Noise", n_classes=3, shape=(4, 4, 1))
def noise(n: int = 90) -> Source:
    """Noise."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    images = Images(pixels, np.arange(n) % 3, np.zeros(n, dtype=np.int64))
    return Source(images, images, ("a", "b", "c"))


@metric(better="higher", title="Half")
def half(counts, train) -> float:
    """A half."""
    return 0.5


@recipe()
def quick() -> Recipe:
    """Two epochs."""
    return Recipe(
        name="quick",
        backbone=part("backbone", linear={}),
        epochs=2,
        schedule=part("schedule", constant={}),
    )
'''
)


def run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Python in a fresh process with more folders to import from."""
    setup = f"import sys; sys.path[:0] = {[str(p) for p in paths]!r}\n"
    command = [sys.executable, "-c", setup + textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def install(folder: Path, source: str, entry: str = "theirs = their_package") -> Path:
    """A distribution `their-package`, as pip would leave it."""
    (folder / "their_package.py").write_text(source)
    info = folder / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[evenhand]\n{entry}\n")
    return folder


def write(tmp_path: Path, text: str, name: str = "plugin.py") -> Plugin:
    path = tmp_path / name
    path.write_text(text)
    return Plugin.read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_parts_of_every_kind_in_order_of_name(kind):
    names = [entry.name for entry in REGISTRY.all(kind)]
    assert names
    assert names == sorted(names)
    assert all(entry.kind == kind for entry in REGISTRY.all(kind))


@pytest.mark.parametrize(
    "entry",
    [e for kind in KINDS for e in REGISTRY.all(kind)],
    ids=lambda entry: f"{entry.kind} {entry.name}",
)
def test_every_part_says_what_it_is(entry):
    assert entry.summary.endswith(".") or "=" in entry.summary or "−" in entry.summary
    assert entry.title


@pytest.mark.parametrize(("alias", "name"), [("ce", "erm"), ("balanced", "la")])
def test_the_other_names_of_a_method_are_accepted(alias, name):
    assert REGISTRY.get("method", alias) is REGISTRY.get("method", name)
    assert REGISTRY.part("method", alias).name == name


def test_a_part_has_every_default_filled_in():
    part = REGISTRY.part("method", "vs", {"tau": 2})
    assert part.settings == {"tau": 2.0, "gamma": 0.15}
    assert isinstance(part.settings["tau"], float)
    assert str(part) == "vs(tau=2, gamma=0.15)"


def test_an_unknown_name_comes_with_the_nearest():
    with pytest.raises(UnknownName) as raised:
        REGISTRY.get("method", "LDAM-DRW")
    assert "did you mean 'ldam_drw'?" in str(raised.value)
    with pytest.raises(UnknownName) as raised:
        REGISTRY.get("method", "qqqqqqqq")
    assert "did you mean" not in str(raised.value)
    assert "methods: " in str(raised.value)


def one(make, name="thing", **facts):
    return Registered("method", name, make, **facts)


def test_a_name_registered_twice_is_refused():
    registry = Registry()
    registry.add(one(lambda: 1, aliases=("it",)))
    for name, aliases in (("thing", ()), ("it", ()), ("other", ("thing",)), ("other", ("it",))):
        with pytest.raises(SpecError, match="is registered twice"):
            registry.add(one(lambda: 2, name, aliases=aliases))


def test_the_same_function_may_register_again():
    registry = Registry()
    registry.add(one(one))
    again = one(one)
    registry.add(again)
    assert registry._entries[again.kind] == {again.name: again}


def typed(a: int, b: float = 1.5, c: bool = False, d: str = "x", e: tuple[int, ...] = ()):
    """Takes all types."""


@pytest.mark.parametrize(
    "given",
    [
        {"a": 1.0},
        {"a": "1"},
        {"a": True},
        {"a": None},
        {"a": 1, "b": "1"},
        {"a": 1, "b": True},
        {"a": 1, "b": float("nan")},
        {"a": 1, "c": 1},
        {"a": 1, "c": "true"},
        {"a": 1, "d": 1},
        {"a": 1, "e": 1},
        {"a": 1, "e": [1.5]},
        {},
    ],
    ids=str,
)
def test_types_are_not_bent(given):
    with pytest.raises(SpecError, match=r"it takes a: int, b: float = 1\.5, c: bool = false"):
        one(typed).resolve(given)


def test_an_integer_is_a_float_and_a_list_a_tuple():
    settings = one(typed).resolve({"a": 1, "b": 2, "e": [1, 2]}).settings
    assert settings == {"a": 1, "b": 2.0, "c": False, "d": "x", "e": [1, 2]}
    assert isinstance(settings["b"], float)


def test_a_plugin_file_adds_a_method(tmp_path, unregistered):
    plugin = write(tmp_path, PLUGIN)
    plugin.load()
    plugin.load()
    Plugin(str(tmp_path / "elsewhere" / "plugin.py"), plugin.source).load()
    assert REGISTRY.get("method", "my_own").title == "Mine"
    assert REGISTRY.part("method", "mine").version == 3
    assert REGISTRY.make("method", REGISTRY.part("method", "mine")).stages


def test_two_plugins_may_have_the_same_file_name(tmp_path, unregistered):
    (tmp_path / "a").mkdir()
    write(tmp_path, PLUGIN).load()
    write(tmp_path, PLUGIN.replace("mine", "yours").replace("my_own", "y"), "a/plugin.py").load()
    assert REGISTRY.get("method", "mine") is not REGISTRY.get("method", "yours")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("x = 1\ndef f(:\n", 2, "the plugin fails: SyntaxError: invalid syntax"),
        ("\n\nimport nothing_of_this_name\n", 3, "No module named 'nothing_of_this_name'"),
        ("x = 1\nundefined\n", 2, "NameError: name 'undefined' is not defined"),
        ("1 / 0\n", 1, "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(0)\n", 2, "the plugin fails: SystemExit: 0"),
        ("{}['a']\n", 1, "KeyError: 'a'"),
        ("raise RuntimeError('no')\n", 1, "the plugin fails: RuntimeError: no"),
        ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError"),
        (PLUGIN.replace("mine(", "vs("), 7, "method 'vs' is registered twice"),
        (PLUGIN.replace("my_own", "ce"), 7, "method 'ce' is registered twice"),
        (PLUGIN + PLUGIN.replace("mine.", "mine, again."), 17, "method 'mine' is registered twice"),
        (
            "from evenhand.suite.recipes import part\npart('backbone', resnet=dict())\n",
            2,
            "no backbone is called 'resnet'",
        ),
    ],
)
def test_a_broken_plugin_says_on_which_line(tmp_path, unregistered, text, line, says):
    plugin = write(tmp_path, text)
    for _ in range(2):
        with pytest.raises(SpecError) as raised:
            plugin.load()
    assert str(raised.value).startswith(f"{plugin.path}:{line}: ")
    assert says in str(raised.value)


def test_a_method_that_ends_the_process_is_a_mistake_with_its_line(tmp_path, unregistered):
    text = PLUGIN[: PLUGIN.rindex("    return")] + "    raise SystemExit(0)\n"
    plugin = write(tmp_path, text)
    plugin.load()
    with pytest.raises(SpecError, match=r"mine\(\) fails: SystemExit: 0") as raised:
        REGISTRY.make("method", Part(name="mine"))
    assert str(raised.value).startswith(f"{plugin.path}:{len(text.splitlines())}: ")


def test_a_plugin_that_is_not_there_says_so(tmp_path):
    with pytest.raises(SpecError, match=r"cannot read the plugin: .*No such file"):
        Plugin.read(tmp_path / "none.py")


def test_a_package_adds_its_parts_through_an_entry_point(tmp_path):
    install(tmp_path, PACKAGE)
    suite = (
        TEXT.replace("erm\n  - la: {tau: 1.0}", "mine: {strength: 2}\n  - erm")
        .replace("  - digits: {profile", "  - noise: {n: 120, profile")
        .replace("recipe: digits", "recipe: quick")
        .replace("accuracy]", "half]")
    )
    (tmp_path / "suite.yaml").write_text(suite)
    code = f"""
        from evenhand.data.splits import load_source
        from evenhand.suite.resolve import open_suite
        suite = open_suite({str(tmp_path / "suite.yaml")!r})
        print([str(trial) for trial in suite.trials.values()][0])
        print(len(load_source(suite.configurations[0].problem).train))
    """
    done = run(code, tmp_path)
    assert done.stdout.splitlines() == ["mine(strength=2) on noise-n120-exp-10, seed 0", "120"], (
        done.stderr
    )


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("def f(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (PLUGIN.replace("mine(", "vs("), "method 'vs' is registered twice"),
    ],
)
def test_a_broken_package_is_named(tmp_path, source, says):
    install(tmp_path, source)
    code = """
        from evenhand.errors import EvenhandError
        from evenhand.declared.registry import REGISTRY
        for _ in range(2):
            try:
                list(REGISTRY.all("method"))
            except EvenhandError as error:
                print(error)
    """
    out = run(code, tmp_path).stdout
    assert out.count("their-package: plugin 'theirs' (their_package)") == 2
    assert says in out


def test_our_parts_are_there_without_torch():
    code = f"""
        from evenhand.declared.registry import REGISTRY
        for kind in {KINDS!r}:
            for entry in REGISTRY.all(kind):
                entry.settings, entry.summary
        slow = {{"torch", "torchvision", "timm", "ray", "pandas", "sklearn", "plotly", "scipy"}}
        print(slow & {{*sys.modules}})
    """
    assert run(code).stdout.strip() == "set()"


def test_a_cell_of_a_notebook_that_is_run_again_replaces_its_method(unregistered):
    def of(reduce: Reduce):
        def mine() -> Method:
            """Mine."""
            return Method(Stage(loss=VectorScaling(), reduce=reduce))

        mine.__module__, mine.__qualname__ = "__main__", "mine"
        return mine

    for reduce in ("mean", "weighted_mean"):
        REGISTRY.add(Registered("method", "mine", of(reduce)))
        [stage] = REGISTRY.make("method", REGISTRY.part("method", "mine")).stages
        assert stage.reduce == reduce


def test_a_plugin_file_that_was_edited_is_read_again(tmp_path, unregistered):
    path = tmp_path / "mine.py"
    codes = []
    for strength in ("1.0", "2.0", "1.0"):
        path.write_text(PLUGIN.replace("strength: float = 1.0", f"strength: float = {strength}"))
        load_plugins([path])
        assert REGISTRY.part("method", "mine").settings == {"strength": float(strength)}
        codes.append(REGISTRY.part("method", "mine").code)
    assert codes[0] == codes[2] != codes[1]
    [loaded] = [plugin for plugin in loaded_plugins() if plugin.path == str(path)]
    assert loaded.source == path.read_text()


def test_another_plugin_file_may_not_take_the_name_of_a_part(tmp_path, unregistered):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(PLUGIN.replace("of mine", f"of {folder}"))
    load_plugins([tmp_path / "a" / "mine.py"])
    with pytest.raises(SpecError, match="registered twice"):
        load_plugins([tmp_path / "b" / "mine.py"])


def test_a_decorator_needs_no_parentheses(unregistered):
    @method
    def bare(tau: float = 1.0) -> Method:
        """A method of a test."""
        return Method()

    assert REGISTRY.part("method", "bare").settings == {"tau": 1.0}
    with pytest.raises(SpecError, match=r"@method\('bare'\) is not a function\n.*name='bare'"):
        method("bare")


def test_a_package_whose_name_begins_with_that_of_evenhand_has_lines_of_its_own(unregistered):
    file = f"{Path(evenhand.__file__).parent}_mine/lasts.py"
    code = "def lasts() -> Method:\n    'Two stages.'\n    return Method(stage, stage)\n"
    found = {"Method": Method, "stage": Stage(loss=VectorScaling()), "__name__": "evenhand_mine"}
    exec(compile(code, file, "exec"), found)
    method(cite="me2026")(found["lasts"])

    with pytest.raises(SpecError, match=f"{file}:3: lasts\\(\\) fails: Assertion"):
        REGISTRY.make("method", REGISTRY.part("method", "lasts"))
