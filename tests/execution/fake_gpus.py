"""A plugin for tests on nodes with fake GPUs, and a cluster of such nodes.

A node's processes have the model of its GPU in `FAKE_GPU` ("H100:80" has 80 GiB); trials run on the
CPU. Their records name this GPU, the share of it as the driver's version, and 3 GiB of memory.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from evenhand.declared.plugin import Plugin
from evenhand.execution import execute, node_checks
from evenhand.execution.provenance import Gpu
from evenhand.train import process

ROOT = Path(__file__).parents[2]
"""Folder from which the processes of a node import this module."""


def fake_gpu() -> Gpu | None:
    """The GPU of this process; None in the driver."""
    name, _, gib = os.environ.get("FAKE_GPU", "").partition(":")
    return Gpu(name, float(gib)) if gib else None


def _device_of(*, use_gpu: bool, needs_gpu: bool, gpu_fraction: float) -> torch.device:
    assert use_gpu is needs_gpu is True
    gpu = fake_gpu()
    facts = {"device": "cuda", "gpu": gpu.name if gpu else "", "driver": f"{gpu_fraction:g}"}
    execute.gpu_facts = lambda _: facts
    return torch.device("cpu")


if fake_gpu() is not None:
    execute.device_of = _device_of
    process.reserved_gpu_memory_gib = lambda _: 3.0
    node_checks._gpus = lambda _: []
    node_checks.gpu = fake_gpu


def check_fake_node(expected: Any, node: str) -> Any:
    """Check a node, with its fake GPU."""
    Plugin.read(Path(__file__)).load()
    return node_checks.check_node(expected, node)


@contextlib.contextmanager
def fake_cluster(
    monkeypatch: Any, *nodes: Mapping[str, Any], head_cpus: int = 0
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A cluster of nodes with fake GPUs: its address, and a function that adds a node.

    A node is given by the arguments of Ray's `add_node`, "gpu" for `FAKE_GPU`, and "pace" for the
    seconds of a step of the method `slow`.
    """
    import ray
    from ray.cluster_utils import Cluster

    monkeypatch.setattr("evenhand.execution.ray_nodes.check_node", check_fake_node)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": head_cpus})

    def add(**node: Any) -> Any:
        with monkeypatch.context() as patch:
            # What a node's processes inherit.
            patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
            patch.setenv("FAKE_GPU", str(node.pop("gpu", "")))
            patch.setenv("EVENHAND_TEST_PACE", str(node.pop("pace", 0)))
            return cluster.add_node(**node)

    try:
        for node in nodes:
            add(**node)
        yield cluster.address, add
    finally:
        ray.shutdown()
        cluster.shutdown()
