"""Suites over the parts of `parts.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evenhand.declared.plugin import Plugin
from evenhand.suite.resolve import Suite, open_suite

PARTS = Path(__file__).with_name("parts.py")
SUITE = """
suite: small
question: Does it run?
problems:
  - blobs: {{profile: exp, ratio: 4, n_max: 40}}
val: {{per_class: 10}}
recipe: quick
seeds: {seeds}
methods: [{methods}]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: {baseline}
"""


@pytest.fixture
def parts(unregistered: None) -> Plugin:
    """The parts of `parts.py`, which no test of another folder may find registered."""
    plugin = Plugin.read(PARTS)
    plugin.load()
    return plugin


@pytest.fixture
def suite_file(parts: Plugin, tmp_path: Path) -> Callable[..., Path]:
    """Write a suite of the given methods and seeds; its path."""

    def write(*methods: str, seeds: int = 2) -> Path:
        path = tmp_path / "small.yaml"
        text = SUITE.format(seeds=seeds, methods=", ".join(methods), baseline=methods[0])
        path.write_text(text)
        return path

    return write


@pytest.fixture
def suite_of(suite_file: Callable[..., Path]) -> Callable[..., Suite]:
    """The suite of the given methods and seeds."""
    return lambda *methods, seeds=2: open_suite(str(suite_file(*methods, seeds=seeds)))
