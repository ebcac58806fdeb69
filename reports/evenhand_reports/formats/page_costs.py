"""The page's table of costs: time, speed, memory and parameters of each row's trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand_reports.board import lineage
from evenhand_reports.board.results import Result
from evenhand_reports.wording import formatting

PARENT_NOTE = "The time is that of the trial itself, without the training of {parent} that it uses."


def costs(results: Sequence[Result]) -> dict[str, Any]:
    """{rows, note}: a row for each result with records, and a note on trials that have a parent."""
    with_records = [result for result in results if result.usable_records]
    parents = {lineage.parent_role(result.configuration.trials[0]) for result in with_records}
    roles = " or ".join(sorted(parents - {""}))
    note = PARENT_NOTE.format(parent=roles) if roles else ""
    return {"rows": [_cost(result) for result in with_records], "note": note}


def _cost(result: Result) -> list[str]:
    costs = [record.cost for record in result.usable_records]
    times = [cost.seconds for cost in costs]
    speeds = [cost.images_per_second for cost in costs if cost.images_per_second]
    peaks = [cost.peak_memory_gib for cost in costs if cost.peak_memory_gib]
    gpus = [cost.peak_gpu_memory_gib for cost in costs if cost.peak_gpu_memory_gib]
    sizes = [cost.parameters for cost in costs if cost.parameters]
    return [
        result.title,
        formatting.seconds(sum(times) / len(times)),
        f"{formatting.seconds(min(times))} to {formatting.seconds(max(times))}",
        f"{sum(speeds) / len(speeds):,.0f}" if speeds else formatting.NO_VALUE,
        f"{max(peaks):.2f} GiB" if peaks else formatting.NO_VALUE,
        f"{max(gpus):.2f} GiB" if gpus else formatting.NO_VALUE,
        f"{max(sizes):,}" if sizes else formatting.NO_VALUE,
    ]
