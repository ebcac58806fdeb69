"""Imports point downwards only: every import of both packages, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

FLOOR = {"declared", "metrics", "errors", "ending", "pulse", "remote"}
SUITE = {"suite"} | FLOOR
PARTS = {"losses", "objectives", "data", "backbones", "sampling", "posthoc", "refits", "theory"}
MAY_IMPORT = {
    "ending": {"ending"},
    "pulse": {"pulse"},
    "errors": {"errors"},
    "declared": {"declared", "errors"},
    "metrics": FLOOR,
    "suite": SUITE,
    "remote": {"remote", "errors", "pulse"},
    **{part: {part} | SUITE for part in PARTS},
    "data": {"data", "theory"} | SUITE,
    "posthoc": {"posthoc", "objectives", "losses"} | SUITE,
    "methods": {"methods"} | PARTS | SUITE,
    "recipes": {"recipes"} | PARTS | SUITE,
    "train": {"train", "methods", "recipes"} | PARTS | SUITE,
    "store": {"store"} | FLOOR,
    "execution": {"execution", "train", "store", "methods", "recipes"} | PARTS | SUITE,
    "api": {"execution", "train", "store", "methods", "recipes"} | PARTS | SUITE,
    "__main__": {"cli"},
    "cli": {"cli", "api", "execution", "train", "store", "methods", "recipes"} | PARTS | SUITE,
}
ROOMS_OF_REPORTS = ("statistics", "board", "papers", "wording", "figures", "formats")
"""From the lowest to the highest: a room imports only itself and those before it."""

SLOW = {"torch", "torchvision", "timm", "ray", "pandas", "sklearn", "plotly", "scipy", "pyarrow"}


class Import(NamedTuple):
    """One import of one module. eager: it runs as soon as the file is imported."""

    file: str
    line: int
    module: str
    eager: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports() -> list[Import]:
    found = []
    for root, package in (("harness", "evenhand"), ("reports", "evenhand_reports")):
        for path in sorted((ROOT / root / package).rglob("*.py")):
            name = str(path.relative_to(ROOT / root))
            found += _imports(ast.parse(path.read_text()), name, eager=True)
    return found


def _imports(node: ast.AST, file: str, *, eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, a.name, eager) for a in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}:{child.lineno}: a relative import"
            module = child.module or ""
            # `from evenhand import cli` imports a module as well as `from evenhand.cli import app`.
            names = [f"{module}.{a.name}" for a in child.names]
            whole = module in ("evenhand", "evenhand_reports")
            yield from (
                Import(file, child.lineno, m, eager) for m in (names if whole else [module])
            )
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _imports(child, file, eager=eager and not inside and not typing)


IMPORTS = imports()


def top(path_or_module: str) -> str:
    return path_or_module.replace("/", ".").split(".", maxsplit=1)[0]


def layer(path_or_module: str) -> str:
    """`evenhand/suite/only.py` and `evenhand.suite.only` are both of the layer `suite`."""
    parts = path_or_module.removesuffix(".py").replace("/", ".").split(".")
    return parts[1] if len(parts) > 1 else ""


def wrong(condition) -> list[str]:
    return [str(found) for found in IMPORTS if condition(found)]


def test_every_folder_has_a_layer():
    there = {layer(found.file) for found in IMPORTS if top(found.file) == "evenhand"}
    assert there - {"__init__"} <= MAY_IMPORT.keys()


def module_imports() -> dict[str, set[str]]:
    """The modules that each module imports, also for type checking and inside functions."""
    paths = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for root in (ROOT / "harness", ROOT / "reports")
        for path in root.glob("evenhand*/**/*.py")
    }
    return {
        name: {found for found in _modules(ast.parse(path.read_text()), paths) if found != name}
        for name, path in paths.items()
    }


def _modules(tree: ast.AST, known: Collection[str]) -> Iterator[str]:
    """The known modules that a file imports: `from a import b` is one of `a.b` if that is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in known else str(node.module) for name in inner]
            yield from (name for name in found if name in known)


def test_imports_for_type_checking_and_inside_functions_are_found():
    text = "if TYPE_CHECKING:\n    from a import b\ndef f():\n    import c\n    from a.b import d"
    assert list(_modules(ast.parse(text), ["a.b", "c"])) == ["a.b", "c", "a.b"]


def test_no_modules_import_each_other():
    """A cycle breaks as soon as its modules are imported in another order."""
    cycle = ""
    try:
        TopologicalSorter(module_imports()).prepare()
    except CycleError as error:
        # graphlib lists a cycle from an imported module to the one that imports it.
        cycle = " imports ".join(reversed(error.args[1]))
    assert not cycle


def test_imports_point_downwards():
    def upwards(found: Import) -> bool:
        if top(found.module) != "evenhand" or top(found.file) != "evenhand":
            return False
        if layer(found.file) == "__init__":  # the public names, from wherever they are
            return False
        allowed = MAY_IMPORT[layer(found.file)]
        # `from evenhand import __version__` is of no layer.
        return layer(found.module) not in allowed | {"", "__version__"}

    assert not wrong(upwards)


def test_only_the_public_api_and_the_command_line_know_the_reports():
    assert not wrong(
        lambda i: (
            top(i.module) == "evenhand_reports"
            and top(i.file) == "evenhand"
            and layer(i.file) not in ("cli", "api", "__init__")
        )
    )


def test_reports_see_the_suite_metrics_store_and_errors_alone():
    assert not wrong(
        lambda i: (
            top(i.file) == "evenhand_reports"
            and top(i.module) == "evenhand"
            and layer(i.module) not in SUITE | {"store", "__version__"}
        )
    )


def test_rooms_of_the_reports_import_downwards():
    rooms = ROOMS_OF_REPORTS
    folders = {f.parent.name for f in (ROOT / "reports/evenhand_reports").glob("*/__init__.py")}
    assert folders == set(rooms)

    def upwards(found: Import) -> bool:
        if top(found.file) != "evenhand_reports" or top(found.module) != "evenhand_reports":
            return False
        room = layer(found.file)
        # `report.py` and `separated.py` are above the rooms.
        return room in rooms and layer(found.module) not in rooms[: rooms.index(room) + 1]

    assert not wrong(upwards)


def test_reports_import_neither_torch_nor_ray():
    heavy = {"torch", "torchvision", "timm", "ray"}
    assert not wrong(lambda i: top(i.file) == "evenhand_reports" and top(i.module) in heavy)


def test_ray_is_imported_by_the_files_that_are_named_after_it():
    assert not wrong(
        lambda i: top(i.module) == "ray" and not i.file.startswith("evenhand/execution/ray_")
    )


def test_declarations_import_no_torch_when_they_are_imported():
    """Losses and methods are listed, planned and hashed where there may be no GPU and no time."""
    eager = [i for i in IMPORTS if i.eager and top(i.module) in SLOW]
    listed = {"declared", "suite", "methods", "recipes", "posthoc", "data", "cli", "metrics"}
    listed |= {"errors", "sampling"}
    assert not [
        str(i)
        for i in eager
        if top(i.file) == "evenhand"
        and (layer(i.file) in listed or i.file == "evenhand/backbones/names.py")
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import evenhand.cli",
        "from evenhand.declared.registry import REGISTRY\n"
        "for kind in ('method', 'dataset', 'backbone', 'metric', 'recipe'):\n"
        "    [(e.name, e.summary, e.settings) for e in REGISTRY.all(kind)]",
        "from evenhand.suite.resolve import open_suite; open_suite('quickstart').trials",
        "import evenhand.store, evenhand.execution.plan",
    ],
    ids=["command line", "list", "resolve", "plan"],
)
def test_what_need_not_train_loads_nothing_slow(code):
    code += f"\nimport sys; print(*sorted({SLOW!r} & {{*sys.modules}}))"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == ""


def test_a_report_loads_neither_torch_nor_ray():
    package = ROOT / "reports"
    modules = sorted(
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in (package / "evenhand_reports").rglob("*.py")
        if path.stem != "__init__"
    )
    code = f"import {', '.join(modules)}, sys; print(*{{'torch', 'ray'}} & {{*sys.modules}})"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert len(modules) > 40
    assert out.stdout.strip() == ""
