"""`evenhand --help` and `evenhand list` start at once: nothing slow is imported for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ("torch", "ray", "timm", "pandas", "sklearn", "scipy", "plotly", "pyarrow", "torchvision")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list", "methods"], ["list", "suites"], ["validate", "quickstart"], ["schema"]],
)
def test_nothing_slow_is_imported(arguments):
    script = (
        "import sys; from harness.cli.app import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: pass\n"
        f"print(*[name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
