"""Golden files: what a small suite's report looks like, kept word for word.

To write them anew after a change that is meant, and then read the difference:

    EVENHAND_GOLDEN=write python -m pytest tests/reports
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden"


def check(name: str, text: str) -> None:
    """The text is the golden file's."""
    path = FOLDER / name
    if os.environ.get("EVENHAND_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), f"{path} is missing; write it with EVENHAND_GOLDEN=write"
    assert text == path.read_text(encoding="utf-8")
