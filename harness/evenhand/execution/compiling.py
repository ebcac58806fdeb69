"""Decision whether to compile a network before training.

The times were measured with ResNet-32 at batch 128 in float32 on one core of a 2.5 GHz Xeon with
AVX-512 (`tests/benchmarks/compile_pays.py`). Nothing was measured on a GPU, where a CUDA graph
already saves most of what compiling would: there a network is compiled only with `--compile`.
"""

from __future__ import annotations

import os
import shutil

from evenhand.errors import RunError

SAVED = 0.12
"""Share of a trial's time that compiling saves."""

FIRST_SECONDS, AGAIN_SECONDS = 80.0, 8.0
"""Time to compile a network, and to read it from the cache that a machine's processes share."""


def saves_time(seconds: float, trials: int) -> bool:
    """Whether compiling saves time over some trials that would take `seconds` in all."""
    return trials > 0 and SAVED * seconds > FIRST_SECONDS + AGAIN_SECONDS * trials


def compiler() -> str | None:
    """The C++ compiler that torch would call; None where there is none."""
    return shutil.which(os.environ.get("CXX", "g++"))


def check_compiler() -> None:
    """Raise `RunError` where there is no C++ compiler."""
    if compiler() is None:
        raise RunError(
            "--compile needs a C++ compiler; neither CXX nor g++ names one on this machine\n"
            "  install one (`apt install g++`), name it in CXX, or leave out --compile"
        )
