"""`evenhand --help` and `evenhand list` start at once: nothing slow is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("torch", "ray", "timm", "pandas", "sklearn", "scipy", "plotly", "pyarrow", "torchvision")
TO_READ_SUITES = ("numpy", "pydantic", "yaml", "jaxtyping")
"""These need 0.3 s together, which a user waits for only where a suite is read."""


def imported(*arguments: str) -> set[str]:
    """The packages that are imported when the command line has run."""
    script = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from evenhand.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "arguments", [["validate", "quickstart"], ["schema"], ["status", "quickstart"]]
)
def test_nothing_slow_is_imported(arguments):
    assert not imported(*arguments) & {*SLOW}


def test_a_watch_imports_nothing_slow():
    modules = "evenhand.cli.watching, evenhand.cli.look_screen, evenhand.cli.prometheus"
    command = [sys.executable, "-c", f"import {modules}, sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stdout.split()} & {*SLOW}


def test_a_run_on_ray_is_ready_with_its_slots_and_without_torch(tmp_path):
    script = (
        "import contextlib, sys\n"
        "import evenhand as eh\n"
        "from evenhand.execution import ray_tune\n"
        "ray_tune.node_resources = lambda _: [{'CPU': 3.0}]\n"
        "ray_tune.connect = lambda *_, **__: contextlib.nullcontext()\n"
        "ray_tune.start_mailbox = ray_tune.node_here = lambda: ()\n"
        "def see(event):\n"
        "    if event.kind == 'ready':\n"
        "        sys.exit(f'{event.slots} slots, torch: {\"torch\" in sys.modules}')\n"
        "eh.run('quickstart', sys.argv[1], on_event=see)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "3 slots, torch: False"


def test_the_end_of_a_command_does_not_look_for_cycles():
    script = (
        "import gc, sys\n"
        "from evenhand.cli import main\n"
        "class Cycle:\n"
        "    def __del__(self): print('collected')\n"
        "cycle = Cycle()\n"
        "cycle.itself = cycle\n"
        "gc.disable()\n"
        "del cycle\n"
        "sys.argv[1:] = ['list', 'methods']\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "collected" not in done.stdout


def test_the_list_of_commands_imports_typer_alone():
    assert not imported("--help") & {*SLOW, *TO_READ_SUITES, "rich"}


@pytest.mark.parametrize("command", ["run", "data"])
def test_help_of_a_command_reads_no_suites(command):
    # Typer itself imports pydantic for a command that has options.
    assert not imported(command, "--help") & {*SLOW, *TO_READ_SUITES, "rich"} - {"pydantic"}


@pytest.mark.parametrize("kind", ["methods", "suites", "datasets"])
def test_lists_are_printed_without_typer_and_without_the_parts(kind):
    assert not imported("list", kind) & {*SLOW, *TO_READ_SUITES, "typer"}
    assert not imported("list", kind, "--json") & {*SLOW, *TO_READ_SUITES, "typer", "rich"}


def test_the_package_itself_imports_nothing_slow():
    command = [sys.executable, "-c", "import evenhand, sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {*done.stdout.split()} & {*SLOW, *TO_READ_SUITES, "typer", "rich"}


LEFT_OUT = ("ray", "plotly", "pandas", "scipy", "sklearn", "jinja2", "pyarrow", "psutil")
SUITE = """
suite: small
question: Does it train without them?
problems: [{blobs: {profile: exp, ratio: 4, n_max: 40}}]
recipe: {quick: {backbone: cifar_resnet8}}
seeds: 1
methods: [vs_tla_adrw]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: vs_tla_adrw
"""


def test_a_suite_trains_inline_where_only_torch_and_timm_are(tmp_path):
    """A minimal environment may lack Ray and the report packages."""
    (tmp_path / "small.yaml").write_text(SUITE)
    parts = Path(__file__).parent / "execution" / "parts.py"
    arguments = ["run", "small.yaml", "--inline", "--plugin", str(parts)]
    script = (
        "import sys\n"
        f"for name in {LEFT_OUT!r}: sys.modules[name] = None\n"
        f"from evenhand.cli.app import app; app({arguments!r})"
    )
    root = Path(__file__).parents[1]
    paths = [str(root / name) for name in ("harness", "reports")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("results/main/*/record.json"))) == 1
