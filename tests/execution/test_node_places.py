"""Places of trials on nodes of several kinds, by their resources alone."""

from __future__ import annotations

import pytest

from evenhand.errors import RunError
from evenhand.execution.node_places import (
    Node,
    accelerator_of,
    cpu_places,
    gpu_places,
    of_types,
    share_of,
)
from evenhand.execution.provenance import Gpu

T4, H100 = Gpu("Tesla T4", 16.0), Gpu("NVIDIA H100 80GB HBM3", 80.0)


def entry(name, gpus=0.0, **more):
    resources = {"CPU": 8.0, "node:10.0.0.7": 1.0, "node:__internal_head__": 1.0}
    resources |= {"GPU": gpus} if gpus else {}
    return {"NodeID": name, "Alive": True, "Resources": resources | more}


def test_a_node_is_read_from_rays_entry_of_it():
    typed = entry("a", 2.0, **{"accelerator_type:H100": 1.0})
    assert Node.of(typed) == Node("a", 8.0, 2.0, "node:10.0.0.7", "H100")
    assert (Node.of(typed).model, Node.of(typed, H100).model) == ("H100", H100.name)
    labelled = entry("b", 1.0) | {"Labels": {"ray.io/accelerator-type": "A100"}}
    assert [accelerator_of(node) for node in (labelled, entry("c"))] == ["A100", ""]


def test_a_type_of_gpus_that_no_node_has_is_refused_with_those_that_are_there():
    nodes = [
        entry("a", 4.0, **{"accelerator_type:A100": 1.0}),
        entry("b", 4.0, **{"accelerator_type:A100": 1.0}),
        entry("c", 2.0),
        entry("d"),
    ]
    assert of_types(nodes, ()) == nodes
    assert of_types(nodes, ("h100", "a100")) == nodes[:2]
    with pytest.raises(RunError) as refused:
        of_types(nodes, ("H100", "L4"))
    assert str(refused.value) == (
        "no node has GPUs of the type H100 or L4 (--accelerator)\n"
        "  nodes: A100 (2 nodes, 8 GPUs); of unknown type (1 node, 2 GPUs); "
        "without a GPU (1 node)\n"
        "  name one of these types, or add nodes with such GPUs"
    )
    with pytest.raises(RunError, match="leave out --accelerator, or add nodes with such GPUs"):
        of_types(nodes[2:], ("H100",))


@pytest.mark.parametrize(
    ("gib", "share"), [(1.1, 0.125), (1.2, 0.25), (6.0, 0.5), (15.4, 1.0), (15.5, None)]
)
def test_a_share_holds_the_peak_with_a_margin_and_the_memory_of_cuda(gib, share):
    # 1.2 × 1.1 + 0.6 = 1.92 of the 2 GiB of an eighth; a whole GPU needs no margin.
    assert share_of(gib, T4) == share


def test_gpus_of_one_model_are_one_place_with_a_share_of_its_own():
    nodes = [
        Node("a", cpus=8, gpus=1, gpu=T4),
        Node("b", cpus=64, gpus=4, gpu=H100),
        Node("c", cpus=64, gpus=4, gpu=H100),
        Node("d", cpus=64),
    ]
    small, large = gpu_places(nodes, 2.0, lambda node: share_of(6.0, node.gpu))
    assert (small.nodes, small.bundle, small.slots) == ({"a"}, {"CPU": 2.0, "GPU": 0.5}, 2)
    assert (large.nodes, large.bundle, large.slots) == ({"b", "c"}, {"CPU": 2.0, "GPU": 0.125}, 64)
    # 70 GiB fit on the large GPUs alone.
    [only] = gpu_places(nodes, 2.0, lambda node: share_of(70.0, node.gpu))
    assert (only.model, only.bundle["GPU"], only.slots) == (H100.name, 1.0, 8)


def test_a_trial_without_a_gpu_leaves_a_cpu_for_each_gpu_of_a_node():
    gpus = Node("a", cpus=8, gpus=2, unit="node:10.0.0.7")
    full = Node("b", cpus=2, gpus=2, unit="node:10.0.0.8")
    [place] = cpu_places([gpus, full], 2.0)
    assert (place.nodes, place.slots) == ({"a"}, 3)
    # Ray has one of this resource, so that three trials of all runs together fit.
    assert place.bundle == {"CPU": 2.0, "node:10.0.0.7": 0.3333}
    assert cpu_places([full], 1.0) == []


def test_nodes_without_gpus_are_the_first_place_of_a_trial_without_one():
    nodes = [Node("a", cpus=8, gpus=2, unit="node:10.0.0.7"), Node("b", cpus=4), Node("c", cpus=1)]
    first, second = cpu_places(nodes, 2.0)
    assert (first.nodes, first.bundle, first.slots) == ({"b"}, {"CPU": 2.0}, 2)
    assert second.nodes == {"a"}
