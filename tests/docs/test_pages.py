"""What the pages show works: suites are valid, plugins load, examples run, commands exist."""

from __future__ import annotations

import ast
import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from evenhand_docs.command_line import commands
from typer.main import get_command

from evenhand.cli.app import app
from evenhand.suite.resolve import open_suite

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if "generated" not in path.parts and "_extension" not in path.parts
    ),
]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_CONTAINER = "docker compose exec head "
OPENED = """
import sys
from pathlib import Path
from evenhand.declared.plugin import Plugin
from evenhand.suite.resolve import open_suite
plugins = [Path(p) for p in sys.argv[1:] if p.endswith(".py")]
for path in plugins:
    Plugin.read(path).load()
for path in sys.argv[1:]:
    if path.endswith(".yaml"):
        assert open_suite(path).trials, path
"""


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages."""
    text = page.read_text(encoding="utf-8")
    return [body for language, body in FENCE.findall(text) if language in languages]


def with_blocks(test: str, *languages: str) -> pytest.MarkDecorator:
    """Each page that has blocks which hold this text."""
    pages = [p for p in PAGES if any(test in block for block in blocks(p, *languages))]
    return pytest.mark.parametrize("page", pages, ids=lambda p: str(p.relative_to(ROOT)))


def named(page: Path, folder: Path) -> list[str]:
    """The plugins and suites of a page as files: `# mine.py` and `suite: mine` name them."""
    names = {block: re.match(r"# (\w+\.py)\n", block) for block in blocks(page, "python")}
    names |= {block: re.match(r"suite: (\w+)\n", block) for block in blocks(page, "yaml")}
    files = {folder / match.group(1): block for block, match in names.items() if match}
    written = {p if p.suffix else p.with_suffix(".yaml"): text for p, text in files.items()}
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in written]


@with_blocks("suite: ", "yaml")
def test_suites_of_a_page_are_valid_with_its_plugins(page, tmp_path):
    files = named(page, tmp_path)

    if any(file.endswith(".py") for file in files):
        # Plugins of several pages register one name, so each page has a process of its own.
        done = subprocess.run(
            [sys.executable, "-c", OPENED, *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    else:
        assert all(open_suite(file).trials for file in files)


@with_blocks(">>>", "python")
def test_examples_of_a_page_print_what_the_page_shows(page):
    examples = "\n".join(block for block in blocks(page, "python") if ">>>" in block)
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(verbose=False)

    assert runner.run(test).failed == 0


@with_blocks(".replace(", "{code-cell} ipython3")
def test_what_a_notebook_replaces_in_a_file_stands_there(page):
    cells = "\n".join(blocks(page, "{code-cell} ipython3"))
    edits = re.findall(r'Path\("([^"]+)"\)\.read_text\(\)\.replace\(("[^"]*"), ', cells)

    assert len(edits) == cells.count(".replace(")
    for name, old in edits:
        text = (page.parent / name).read_text(encoding="utf-8")
        assert ast.literal_eval(old) in text, (name, old)


@with_blocks("", "python")
def test_python_of_a_page_can_be_parsed(page):
    for block in blocks(page, "python"):
        if ">>>" not in block:
            ast.parse(block)


@with_blocks("evenhand ", "shell", "")
def test_commands_of_a_page_exist_with_their_options(page):
    known = {
        name: {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        for name, command in commands("evenhand", get_command(app))
    }
    text = "\n".join(blocks(page, "shell", "")).replace("\\\n", " ")
    lines = [line.strip().removeprefix(IN_CONTAINER) for line in text.splitlines()]
    lines = [line for line in lines if line.startswith("evenhand ")]

    assert lines
    for line in lines:
        words = shlex.split(line, comments=True)
        command = next(c for c in (" ".join(words[:3]), " ".join(words[:2])) if c in known)
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known[command], line
