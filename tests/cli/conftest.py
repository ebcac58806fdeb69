"""Commands run in this process: what their plugins register is forgotten after each test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _forgetful(unregistered: None) -> None:
    """The parts of one test's plugin are no parts of the next test's."""
