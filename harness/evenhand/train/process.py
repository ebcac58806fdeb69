"""Process-wide settings, set anew for each trial: one process runs many, and none may affect
another."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from pathlib import Path

import numpy as np
import torch

GIB = 2**30

GLOBAL_GENERATOR = threading.Lock()
"""Lock held while weights are drawn: trials in one process share torch's global generator."""


def prepare_process(*, seed: int, threads: int, deterministic: bool, device: torch.device) -> None:
    """Set every process-wide switch that can change a trial's result.

    Python's and NumPy's global generators are seeded because a plugin may draw from them; torch's
    is seeded where the network is made.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.set_grad_enabled(True)
    if deterministic:
        # cuBLAS reads this once, before its first handle; without it, deterministic mode raises.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    # Trying out algorithms waits for the whole device, which breaks off what another trial of this
    # process captures.
    torch.backends.cudnn.benchmark = False
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    # Writing 5 here makes Linux reset the process's peak of resident memory. Other systems cannot
    # reset it, so that their peak is that of all trials so far.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_gib() -> float:
    """Peak resident memory of this process since `prepare_process`, in GiB.

    Systems without `/proc` give the resident memory at the moment.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / GIB
    import psutil

    return float(psutil.Process().memory_info().rss / GIB)


def peak_gpu_memory_gib(device: torch.device) -> float | None:
    """Peak memory of tensors on the GPU since `prepare_process`, in GiB; None on a CPU."""
    if device.type != "cuda":
        return None
    return torch.cuda.max_memory_allocated(device) / GIB


def reserved_gpu_memory_gib(device: torch.device) -> float | None:
    """Peak memory that torch took on the GPU since `prepare_process`, in GiB; None on a CPU.

    It includes what torch keeps in reserve, and so it is what a limit of the process must hold.
    """
    if device.type != "cuda":
        return None
    return torch.cuda.max_memory_reserved(device) / GIB
