"""Imports point downwards only: every import of `harness` and `reports`, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

FLOOR = {"spec", "metrics", "errors"}
PARTS = {"losses", "objectives", "data", "backbones", "sampling", "posthoc", "refits", "theory"}
MAY_IMPORT = {
    "errors": {"errors"},
    "spec": {"spec", "errors"},
    "metrics": FLOOR,
    **{part: {part} | FLOOR for part in PARTS},
    "data": {"data", "theory"} | FLOOR,
    "posthoc": {"posthoc", "objectives", "losses"} | FLOOR,
    "methods": {"methods"} | PARTS | FLOOR,
    "train": {"train", "methods"} | PARTS | FLOOR,
    "store": {"store"} | FLOOR,
    "run": {"run", "train", "store", "methods"} | PARTS | FLOOR,
    "cli": {"cli", "run", "train", "store", "methods"} | PARTS | FLOOR,
}
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
    for path in [*sorted(ROOT.glob("harness/**/*.py")), *sorted(ROOT.glob("reports/**/*.py"))]:
        name = str(path.relative_to(ROOT))
        found += _imports(ast.parse(path.read_text()), name, eager=True)
    return found


def _imports(node: ast.AST, file: str, *, eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, a.name, eager) for a in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}:{child.lineno}: a relative import"
            module = child.module or ""
            # `from harness import cli` imports a module as well as `from harness.cli import app`.
            names = [f"{module}.{a.name}" for a in child.names]
            whole = module in ("harness", "reports")
            yield from (
                Import(file, child.lineno, m, eager) for m in (names if whole else [module])
            )
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _imports(child, file, eager=eager and not inside and not typing)


IMPORTS = imports()


def top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def layer(path_or_module: str) -> str:
    """`harness/spec/trial.py` and `harness.spec.trial` are both of the layer `spec`."""
    parts = path_or_module.removesuffix(".py").replace("/", ".").split(".")
    return parts[1] if len(parts) > 1 else ""


def wrong(condition) -> list[str]:
    return [str(found) for found in IMPORTS if condition(found)]


def test_every_folder_of_harness_has_a_layer():
    there = {layer(str(p.relative_to(ROOT))) for p in ROOT.glob("harness/**/*.py")}
    assert there - {"__init__", "__main__"} <= MAY_IMPORT.keys()


def test_imports_of_harness_point_downwards():
    def upwards(found: Import) -> bool:
        if top(found.module) != "harness" or not found.file.startswith("harness/"):
            return False
        allowed = MAY_IMPORT[layer(found.file)]
        # `from harness import __version__` is of no layer.
        return layer(found.module) not in allowed | {"", "__version__"}

    assert not wrong(upwards)


def test_only_the_command_line_knows_the_reports():
    assert not wrong(
        lambda i: top(i.module) == "reports" and not i.file.startswith(("reports/", "harness/cli/"))
    )


def test_reports_see_the_spec_metrics_store_and_errors_of_harness_alone():
    assert not wrong(
        lambda i: (
            i.file.startswith("reports/")
            and top(i.module) == "harness"
            and layer(i.module) not in FLOOR | {"store", "__version__"}
        )
    )


def test_reports_import_neither_torch_nor_ray():
    heavy = {"torch", "torchvision", "timm", "ray"}
    assert not wrong(lambda i: i.file.startswith("reports/") and top(i.module) in heavy)


def test_one_file_imports_ray():
    assert {i.file for i in IMPORTS if top(i.module) == "ray"} == {"harness/run/ray_tune.py"}


def test_declarations_import_no_torch_when_they_are_imported():
    """Losses and methods are listed, planned and hashed where there may be no GPU and no time."""
    eager = [i for i in IMPORTS if i.eager and top(i.module) in SLOW]
    listed = ("harness/spec", "harness/methods", "harness/posthoc", "harness/data", "harness/cli")
    listed += ("harness/metrics", "harness/errors", "harness/sampling", "harness/backbones/names")
    assert not [str(i) for i in eager if i.file.startswith(listed)]


@pytest.mark.parametrize(
    "code",
    [
        "import harness.cli",
        "from harness.spec.registry import REGISTRY\n"
        "for kind in ('method', 'dataset', 'backbone', 'metric', 'recipe'):\n"
        "    [(e.name, e.summary, e.settings) for e in REGISTRY.all(kind)]",
        "from harness.spec.resolve import open_suite; open_suite('quickstart').trials",
        "import harness.store, harness.run.plan",
    ],
    ids=["command line", "list", "resolve", "plan"],
)
def test_what_need_not_train_loads_nothing_slow(code):
    code += f"\nimport sys; print(*sorted({SLOW!r} & {{*sys.modules}}))"
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == ""


def test_a_report_loads_neither_torch_nor_ray():
    modules = [
        f"reports.{path.stem}" for path in ROOT.glob("reports/*.py") if path.stem != "__init__"
    ]
    code = (
        f"import {', '.join(sorted(modules))}, sys; print(*{{'torch', 'ray'}} & {{*sys.modules}})"
    )
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == ""
