"""`evenhand new KIND NAME`: the files of a working starting point."""

from __future__ import annotations

import ast
import importlib.util
import keyword
import re
import shlex
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from evenhand.cli.output import console
from evenhand.errors import EvenhandError, Mistake, SpecError

TEMPLATES = Path(__file__).with_name("templates")
LONGEST_NAME = 100


class Made(StrEnum):
    """Kinds of files that `evenhand new` writes, named as their folders of templates."""

    suite = "suite"
    method = "method"
    dataset = "dataset"
    metric = "metric"


def new(
    kind: Annotated[Made, typer.Argument(metavar="KIND", help="What to write.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that a suite uses.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder to write to.", file_okay=False)
    ] = Path(),
) -> None:
    """Write the files of a starting point.

    A suite is one file. A method, a data set and a metric are a folder with a plugin file, a suite
    that uses it and its test. Files that exist are not changed.
    """
    if len(name) > LONGEST_NAME:
        raise SpecError([Mistake(f"a name has at most {LONGEST_NAME} characters, not {len(name)}")])
    if kind is Made.suite:
        _check_suite_name(name)
        suite = out / f"{name}.yaml"
        files = {"suite.yaml.in": suite}
        commands = [["evenhand", "run", str(suite)], ["evenhand", "report", str(suite)]]
        values = {"path": _shown(suite)}
    else:
        _check_part_name(kind, name)
        folder = out / name
        plugin, suite, test = (
            folder / file for file in (f"{name}.py", f"{name}.yaml", f"test_{name}.py")
        )
        files = {"plugin.py.in": plugin, "suite.yaml.in": suite, "test.py.in": test}
        commands = [
            ["evenhand", "run", str(suite), "--plugin", str(plugin)],
            ["evenhand", "report", str(suite), "--plugin", str(plugin)],
            ["python", "-m", "pytest", str(folder)],
        ]
        values = {"plugin": _shown(plugin), "suite": _shown(suite), "folder": _shown(folder)}
    values |= {"name": name, "title": name.replace("_", " ").capitalize()}
    _write(kind, files, values)
    _print(files.values(), commands)
    if kind is not Made.suite:
        console().print("The tests need pytest: pip install pytest")


def _shown(path: Path) -> str:
    return shlex.quote(str(path))


def _check_suite_name(name: str) -> None:
    if name.endswith((".yaml", ".yml")):
        stem = name.rpartition(".")[0]
        raise SpecError([Mistake(f"{name!r} is a file name", (), f"write the name alone: {stem}")])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        right = "write letters, digits, '.', '_' and '-', a letter or digit first"
        raise SpecError([Mistake(f"{name!r} cannot be the name of a suite", (), right)])
    if not _is_text(name):
        right = "YAML reads it as a number, a truth value or null; add a letter"
        raise SpecError([Mistake(f"{name!r} cannot be the name of a suite", (), right)])


def _is_text(name: str) -> bool:
    """Whether YAML reads the name as text."""
    from evenhand.suite.yaml_lines import parse

    return isinstance(parse(name, name).data, str)


def _check_part_name(kind: Made, name: str) -> None:
    """Check that a plugin file and its function can have the name. Raises `SpecError` if not."""
    from evenhand.cli.index import rows

    what = f"{name!r} cannot be the name of a {kind}"
    if name.startswith("test_") or name.endswith("_test") or name == "conftest":
        raise SpecError([Mistake(f"{what}: pytest would take its file for a test")])
    if not _is_python_name(name):
        right = "write a Python name of small letters, digits and '_', a letter first"
        raise SpecError([Mistake(what, (), right, _python_name(name))])
    for row in rows(f"{kind}s", plugins=False):
        if name in (row["name"], *row["aliases"]):
            raise SpecError([Mistake(f"{what}: Evenhand has a {kind} of this name")])
    if name in _names_of_template(kind):
        raise SpecError([Mistake(f"{what}: its template uses this name for something else")])
    if importlib.util.find_spec(name) is not None:
        right = f"the test imports {name}.py, and would import the module of this name instead"
        raise SpecError([Mistake(f"{what}: a Python module of this name exists", (), right)])


def _names_of_template(kind: Made) -> set[str]:
    """Variables, arguments and imports of the plugin, which its function must not hide."""
    text = (TEMPLATES / kind / "plugin.py.in").read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(text.replace("$", ""))))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return names | {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}


def _is_python_name(name: str) -> bool:
    """Whether a Python function and an entry of a suite can have the name."""
    is_plain = re.fullmatch(r"[a-z][a-z0-9_]*", name) is not None
    return is_plain and not keyword.iskeyword(name) and _is_text(name)


def _python_name(name: str) -> str:
    """A hint with an allowed name that is near to this one; "" if there is none."""
    near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return f"for example {near}" if _is_python_name(near) else ""


def _write(kind: Made, files: dict[str, Path], values: dict[str, str]) -> None:
    """Fill in the templates. Raises `EvenhandError`, and writes nothing, if a file exists."""
    there = [str(path) for path in files.values() if path.exists()]
    if there:
        advice = "choose another name, or another folder with --out"
        raise EvenhandError(f"{', '.join(there)}: the file exists already\n  {advice}")
    for template, path in files.items():
        text = (TEMPLATES / kind / template).read_text(encoding="utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(Template(text).substitute(values, plugin_name=f"{values['name']}.py"))
        except OSError as error:
            raise EvenhandError(f"{path}: cannot be written: {error.strerror}") from None


def _print(paths: Iterable[Path], commands: list[list[str]]) -> None:
    out = console()
    for path in paths:
        out.print(f"wrote {path}", soft_wrap=True)
    out.print("\nThe next commands:")
    for command in commands:
        out.print(f"  {shlex.join(command)}", soft_wrap=True)
