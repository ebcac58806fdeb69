"""Measurements of finished trials that the placement of others needs: GPU memory and time."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from evenhand.declared.trial import Trial
from evenhand.store import Head

BANDWIDTH = {
    "B200": 8000,
    "H200": 4800,
    "H100": 3350,
    "A100": 2039,
    "4090": 1008,
    "3090": 936,
    "V100": 900,
    "L40S": 864,
    "A6000": 768,
    "A40": 696,
    "A10": 600,
    "A10G": 600,
    "T4": 320,
    "L4": 300,
}
"""Bandwidth of the memory of GPUs in GB/s, from the vendor's data sheets.

It ranks the models on which a problem was not timed, because most steps of small networks wait for
memory.
"""
USUAL_BANDWIDTH = 900
"""Bandwidth of a model that is not listed."""
LAST = 25
"""Number of trials whose median is the expected time: it is computed for each trial."""


@dataclass
class Measured:
    """Memory and seconds of finished trials, by workload and model of the GPU."""

    gib: dict[str, float] = field(default_factory=dict)
    """Largest peak of GPU memory of a workload's trials."""
    exceeded: set[str] = field(default_factory=set)
    """Workloads of which a trial ran out of the memory of its share since the last larger peak."""
    _seconds: dict[tuple[str, str], dict[str, deque[float]]] = field(default_factory=dict)
    """Last seconds by (method, workload) and model; "" stands for any method."""

    @classmethod
    def of(cls, heads: Iterable[Head]) -> Measured:
        """What the records of a store tell."""
        found = cls()
        for head in heads:
            if head.status == "done":
                found.add(head.method, head.workload, head.seconds, head.gpu, head.gpu_memory_gib)
        return found

    def add(
        self, method: str, workload: str, seconds: float, gpu: str | None, gib: float | None
    ) -> None:
        """Add a trial that is done."""
        if gib is not None and gib > self.gib.get(workload, 0.0):
            self.gib[workload] = gib
            self.exceeded.discard(workload)
        for name in (method, ""):
            models = self._seconds.setdefault((name, workload), {})
            models.setdefault(gpu or "", deque(maxlen=LAST)).append(seconds)

    def seconds(self, trial: Trial, model: str) -> float:
        """Expected seconds of a trial on a model of a GPU, or on a CPU where the model is "".

        Without a trial of its workload, they are right only beside those on other models.
        """
        for name in (trial.method.name, ""):
            models = self._seconds.get((name, trial.workload), {})
            if model in models:
                return statistics.median(models[model])
            if models:
                other = min(models)
                return statistics.median(models[other]) * speed(other) / speed(model)
        return 60.0 / speed(model)


def speed(model: str) -> float:
    """Speed of a model of a GPU by its rank, against a GPU that is not listed.

    >>> speed("NVIDIA H100 80GB HBM3") > speed("A100-40G") > speed("Tesla T4")
    True
    """
    words = model.upper().replace("-", " ").replace("RTX", " ").split()
    bandwidth = next((BANDWIDTH[word] for word in words if word in BANDWIDTH), USUAL_BANDWIDTH)
    # The root, because a small network uses a part of a large GPU only.
    return math.sqrt(bandwidth / USUAL_BANDWIDTH)
