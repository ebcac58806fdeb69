"""A look as JSON, for `evenhand status SUITE --json`."""

from __future__ import annotations

import math
from typing import Any

from evenhand.cli.look import Look, Node
from evenhand.cli.running import running_as_json


def as_json(look: Look) -> dict[str, Any]:
    """The facts of a look; a bound that is not known is None."""
    plan, left = look.plan, look.left
    running = running_as_json(look.leases, plan.labels)
    return {
        "suite": plan.suite.declaration.suite,
        "trials": len(plan.suite.trials),
        "done": len(plan.done),
        "missing": len(plan.missing),
        "failed": len(plan.failed),
        "blocked": len(plan.blocked),
        "rows": [{**vars(row), "missing": row.missing} for row in look.rows],
        "failures": dict(look.causes),
        "running": [{**each, "silent": each["key"] in look.silent} for each in running],
        "nodes": [_node(node) for node in look.nodes],
        "trials_per_hour": look.per_hour,
        "left_seconds": {
            "low": left.low if look.live else None,
            "high": left.high if look.live and math.isfinite(left.high) else None,
        },
        "stale": dict(plan.reasons),
        "store": {
            "location": plan.location,
            "edition": plan.edition,
            "records": len(plan.heads),
        },
        "faults": [str(fault) for fault in plan.faults],
    }


def _node(node: Node) -> dict[str, Any]:
    """A machine with its GPUs."""
    names = ("device", "gpu", "gpu_use", "gpu_memory_gib", "gpu_total_gib")
    gpus = [{name: getattr(gpu, name) for name in names} for gpu in node.gpus]
    return {**vars(node), "gpus": gpus}
