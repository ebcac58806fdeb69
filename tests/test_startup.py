"""`evenhand --help` and `evenhand list` start at once: nothing slow is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("torch", "ray", "timm", "pandas", "sklearn", "scipy", "plotly", "pyarrow", "torchvision")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list", "methods"], ["list", "suites"], ["validate", "quickstart"], ["schema"]],
)
def test_nothing_slow_is_imported(arguments):
    script = (
        "import sys; from evenhand.cli.app import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: pass\n"
        f"print(*[name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


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
    """On a borrowed GPU machine there may be nothing else."""
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
