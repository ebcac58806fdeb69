"""The extension of the documentation is importable here; Sphinx itself is not needed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_extension"))
