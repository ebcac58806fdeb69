from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "timm"):
            print(name, gc.isenabled())

sys.meta_path.insert(0, Watch())
from evenhand.execution.engine_import import import_engine
import_engine()
print("evenhand.train.engine" in sys.modules, gc.isenabled())
"""


def test_the_engine_is_imported_without_garbage_collection():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["torch False", "timm False", "True True"]
