"""What the trials of a row cost: time, speed, memory and size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand_reports.board import lineage
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.recall_and_curves import usable
from evenhand_reports.wording import formatting


def costs(standings: Sequence[Standing]) -> dict[str, Any]:
    """{rows, note}: one row a standing that has records; the note says what is not in its time."""
    known = [standing for standing in standings if usable(standing)]
    read = {lineage.read(standing.configuration.trials[0]) for standing in known} - {""}
    what = " or ".join(sorted(read))
    note = f"Time is the trial's own: training {what} that it reads comes on top." if read else ""
    return {"rows": [_cost(standing) for standing in known], "note": note}


def _cost(standing: Standing) -> list[str]:
    costs = [record.cost for record in usable(standing)]
    times = [cost.seconds for cost in costs]
    speeds = [cost.images_per_second for cost in costs if cost.images_per_second]
    peaks = [cost.peak_memory_gib for cost in costs if cost.peak_memory_gib]
    gpus = [cost.peak_gpu_memory_gib for cost in costs if cost.peak_gpu_memory_gib]
    sizes = [cost.parameters for cost in costs if cost.parameters]
    return [
        standing.title,
        formatting.seconds(sum(times) / len(times)),
        f"{formatting.seconds(min(times))} to {formatting.seconds(max(times))}",
        f"{sum(speeds) / len(speeds):,.0f}" if speeds else formatting.NO_VALUE,
        f"{max(peaks):.2f} GiB" if peaks else formatting.NO_VALUE,
        f"{max(gpus):.2f} GiB" if gpus else formatting.NO_VALUE,
        f"{max(sizes):,}" if sizes else formatting.NO_VALUE,
    ]
