"""Whether compiling a network first saves more time than it takes.

Measured with ResNet-32 at batch 128 in float32 on one core of a 2.5 GHz Xeon with AVX-512
(`tests/benchmarks/compile_pays.py`). Nothing was measured on a GPU, where a CUDA graph already
saves most of what compiling would: there only `--compile` compiles.
"""

from __future__ import annotations

import os
import shutil

from evenhand.errors import RunError

SAVED = 0.12
"""Share of a trial's time that a compiled network saves."""

FIRST_SECONDS, AGAIN_SECONDS = 80.0, 8.0
"""To compile a network, and to fetch it from the cache that the processes of a machine share."""


def pays(seconds: float, trials: int) -> bool:
    """Whether it saves anything over some trials that would take so many seconds in all."""
    return trials > 0 and SAVED * seconds > FIRST_SECONDS + AGAIN_SECONDS * trials


def compiler() -> str | None:
    """The C++ compiler that torch would call, if it is there."""
    return shutil.which(os.environ.get("CXX", "g++"))


def check_compiler() -> None:
    """Raises `RunError` where there is none."""
    if compiler() is None:
        raise RunError(
            "--compile needs a C++ compiler, and there is no g++ here\n"
            "  install one (`apt install g++`), name it in CXX, or leave --compile away"
        )
